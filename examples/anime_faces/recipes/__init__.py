"""Recipes: whole systems put together from gankit's parts, a folder each; they are found by listing the folders.

A recipe's folder holds ``options.py`` (the class ``Options``, which loads no torch), ``networks.py`` (unless the networks are
those of another recipe) and ``recipe.py`` (the constant ``RECIPE``). A module elsewhere that holds ``Options`` and ``RECIPE``
is a recipe as well, under its dotted name.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from examples.anime_faces.systems import Recipe

KINDS = {
    "wgangp": ("tags_wgan_gp",),
    "wgan": ("wgan_clip", "tags_wgan_gp", "matching_wgan"),
    "srgan": ("srresnet_acgan",),
    "makegirls": ("srresnet_acgan",),
    "dragan": ("srresnet_acgan",),
    "pix2pix": ("gray_then_color",),
    "color": ("gray_then_color",),
    "cyclegan": ("stargan",),
    "stackgan": ("gan_cls", "df_gan"),
    "attngan": ("gan_cls", "df_gan"),
    "text": ("gan_cls", "df_gan", "matching_wgan"),
    "biggan": ("reacgan",),
    "projection": ("reacgan", "default"),
    "stylegan": ("r3gan",),
    "cgan": ("default", "acgan", "gan_cls"),
    "conditional": ("default", "acgan", "gan_cls"),
}
"""Names of the field, in small letters, and the recipes of that kind or nearest to it; the first one in a name counts."""


def recipe_names() -> tuple[str, ...]:
    """Return the names of all recipes of this folder, the default first."""
    names = (path.parent.name for path in Path(__file__).parent.glob("*/options.py"))
    return tuple(sorted(names, key=lambda name: (name != "default", name)))


def find_options(name: str) -> type[Any]:
    """Return the class of the options of a recipe, a dataclass.

    Args:
        name: A recipe of this folder, or ``package.module`` of another one.

    Raises:
        ValueError: There is no such recipe, and the message names those of this folder; or its `Options` are not a dataclass.
    """
    options = _found(name, "options", "Options")
    if not isinstance(options, type) or not is_dataclass(options):
        raise ValueError(f"Options of --recipe {name} must be a dataclass, but it is {options!r}")
    return options


def saved_options(name: str, saved: Mapping[str, Any]) -> Any:
    """Return the options with which a run was begun.

    An option may be younger than the run. Its value is then the one in the mapping ``EARLIER`` of the class of options: what
    runs did when the option did not exist. Where there is none, it is the default.

    Args:
        name: The recipe, as for `find_options`.
        saved: The options that the run has saved, by name.

    Raises:
        ValueError: There is no such recipe, or it does not have these options, or they make no sense.
    """
    options = find_options(name)
    try:
        return options(**{**getattr(options, "EARLIER", {}), **saved})
    except TypeError as error:
        raise ValueError(f"--recipe {name} does not have the options of this run: {error}") from error


def find_recipe(name: str) -> "Recipe":
    """Return a recipe under its name.

    Args:
        name: A recipe of this folder, or ``package.module`` of another one.

    Raises:
        ValueError: There is no such recipe, and the message names those of this folder; or its `RECIPE` is not a `Recipe`.
    """
    from examples.anime_faces.systems import Recipe

    recipe = _found(name, "recipe", "RECIPE")
    if not isinstance(recipe, Recipe):
        raise ValueError(f"RECIPE of --recipe {name} must be a Recipe, but it is {recipe!r}")
    return replace(recipe, name=_own_name(name))


def is_outside(name: str) -> bool:
    """Whether a name is that of a recipe outside of this folder, which is imported only if a user names it."""
    return "." in name and all(part.isidentifier() for part in name.split("."))


def _own_name(name: str) -> str:
    """Return the name of a recipe as its folder is called: ``gan_cls`` for ``GAN-CLS`` too."""
    if is_outside(name) or name in recipe_names():
        return name
    from examples.anime_faces.data import word_key  # only where it is needed: it loads the readers of pictures

    alike = [own for own in recipe_names() if word_key(own) == word_key(name)]
    if not alike:
        near = _near(name)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(
            f"--recipe must be one of {', '.join(recipe_names())}, or package.module of your own, but it is {name!r}{hint}"
        )
    return alike[0]


def _near(name: str) -> tuple[str, ...]:
    """Return recipes of the kind of GAN that a name says, or whose names are spelled much like it."""
    key, names = _letters(name), {_letters(own): own for own in recipe_names()}
    held = tuple(own for letters, own in names.items() if letters in key)
    of_kind = next((recipes for kind, recipes in KINDS.items() if kind in key), ())
    return held or of_kind or tuple(names[letters] for letters in get_close_matches(key, names, n=2, cutoff=0.7))


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _found(name: str, file: str, attribute: str) -> Any:
    if not is_outside(name):
        return getattr(import_module(f"{__name__}.{_own_name(name)}.{file}"), attribute)
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the module is there, and something that it imports is not
        raise ValueError(f"--recipe {name} cannot be imported: {error}") from error
    if not hasattr(module, attribute):
        raise ValueError(f"--recipe {name} must be a module with Options and RECIPE, but it has no {attribute}")
    return getattr(module, attribute)
