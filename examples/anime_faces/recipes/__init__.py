"""Recipes: whole systems put together from gankit's parts, one screen each.

Nothing here loads torch until a recipe is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from examples.anime_faces.recipes._options import (
    OPTIONS as OPTIONS,
    AcganOptions as AcganOptions,
    DefaultOptions as DefaultOptions,
    GanClsOptions as GanClsOptions,
    MatchingOptions as MatchingOptions,
    TagsOptions as TagsOptions,
    check_counts as check_counts,
)

if TYPE_CHECKING:
    from examples.anime_faces.recipes._recipe import Recipe


def find_recipe(name: str) -> "Recipe":
    """Return the recipe of this name.

    Raises:
        ValueError: there is none; the message names those that exist.
    """
    if name not in OPTIONS:
        raise ValueError(f"--recipe must be one of {', '.join(OPTIONS)}, but it is {name!r}")
    recipe: Recipe = import_module(f"examples.anime_faces.recipes.{name}").RECIPE
    return recipe
