"""Recipes: whole systems put together from gankit's parts, a folder each; they are found by listing the folders.

A recipe's folder holds ``options.py`` (the class ``Options``, which loads no torch), ``networks.py`` (unless the networks are
those of another recipe) and ``recipe.py`` (the constant ``RECIPE``). A recipe elsewhere has an address:
``package.module:NAME`` is the `Recipe` of this name in that module, with the ``Options`` beside it.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from examples.anime_faces.recipes._lengths import LENGTHS as LENGTHS, Length as Length
from examples.anime_faces.recipes._outside import (
    RECIPE,
    address_of as address_of,
    address_of_file,
    is_outside as is_outside,
    options_outside,
    recipe_outside,
    recipes_beside,
)

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
    "sagan": ("reacgan",),
    "sngan": ("reacgan",),
    "hinge": ("reacgan", "df_gan"),
    "lsgan": ("dcgan",),
    "vanilla": ("dcgan",),
    "infogan": ("acgan",),
    "contragan": ("reacgan",),
    "fastgan": ("default", "r3gan"),
    "relativistic": ("r3gan",),
    "multilabel": ("tags_wgan_gp", "srresnet_acgan"),
    "tag": ("tags_wgan_gp", "srresnet_acgan"),
    "t2i": ("gan_cls", "df_gan", "matching_wgan"),
}
"""Names of the field, in small letters, and the recipes of that kind or nearest to it; the first one in a name counts."""


def recipe_names() -> tuple[str, ...]:
    """Return the names of all recipes of this folder, the default first."""
    names = (path.parent.name for path in Path(__file__).parent.glob("*/options.py"))
    return tuple(sorted(names, key=lambda name: (name != "default", name)))


def find_options(name: str) -> type[Any]:
    """Return the class of the options of a recipe, a dataclass.

    Args:
        name: A recipe of this folder, or the address of another one, ``package.module:NAME``.

    Raises:
        ValueError: There is no such recipe, and the message names those of this folder; or its `Options` are not a dataclass.
    """
    own = own_name(name)
    options = options_outside(own) if is_outside(own) else import_module(f"{__name__}.{own}.options").Options
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
        name: A recipe of this folder, or the address of another one, ``package.module:NAME``.

    Raises:
        ValueError: There is no such recipe, and the message names those of this folder; or it is not a `Recipe`.
    """
    from examples.anime_faces.systems import Recipe

    own = own_name(name)
    recipe = recipe_outside(name) if is_outside(name) else import_module(f"{__name__}.{own}.recipe").RECIPE
    if not isinstance(recipe, Recipe):
        raise ValueError(
            f"{own.partition(':')[2] or RECIPE} of --recipe {name} must be a Recipe, but it is {recipe!r}"
            f"{recipes_beside(name)}"
        )
    return replace(recipe, name=own)


def own_name(name: str) -> str:
    """Return the name of a recipe in one spelling: ``gan_cls`` for ``GANCLS``, ``mine.hinge:RECIPE`` for ``mine.hinge``.

    Raises:
        ValueError: There is no such recipe, and it is not the address of another one.
    """
    if is_outside(name):
        return address_of(name)
    if name in recipe_names():
        return name
    spelled = "".join(sign for sign in name.lower() if sign not in "-_ ")
    alike = [own for own in recipe_names() if _letters(own) == spelled]
    if not alike:
        near = _near(name)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(
            f"--recipe must be one of {', '.join(recipe_names())}, or package.module:RECIPE of your own, but it is "
            f"{name!r}{hint}"
        )
    return alike[0]


def _near(name: str) -> tuple[str, ...]:
    """Return recipes of the kind of GAN that a name says, or the module here, or those whose names are spelled much like it."""
    if file := address_of_file(name):
        return (file,)
    if name.isidentifier() and Path(f"{name}.py").is_file():
        return (f"{name}:{RECIPE}",)
    key, names = _letters(name), {_letters(own): own for own in recipe_names()}
    held = tuple(own for letters, own in names.items() if letters in key)
    of_kind = next((recipes for kind, recipes in KINDS.items() if kind in key), ())
    return held or of_kind or tuple(names[letters] for letters in get_close_matches(key, names, n=2, cutoff=0.7))


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
