"""`recipes`: which ways to train there are, what each needs and costs, and one of them in full."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from examples.anime_faces.bars import Bar
from examples.anime_faces.commands import shown_as
from examples.anime_faces.printing import say


@dataclass(kw_only=True)
class Recipes:
    """List the recipes: what they are, the data that they need, and what they cost. With a name, show one in full.

    All recipes:
        recipes

    One of them, with its options, layers, losses and constants:
        recipes gan_cls
    """

    name: Annotated[tyro.conf.Positional[str | None], shown_as("[NAME]")] = None
    """The recipe to show in full, or package.module:RECIPE of your own. Default: list all."""
    size: int = 64
    """Width and height of the pictures for which networks are counted and timed."""
    measure: tyro.conf.FlagCreatePairsOff[bool] = False
    """Time a few rounds on this machine, at the default options; all recipes together take some minutes."""

    def run(self) -> None:
        """Print the list, or the one recipe."""
        from examples.anime_faces.recipes import find_options, find_recipe, recipe_names

        if self.name is not None:
            find_options(self.name)  # a wrong name is said before torch is imported
        from examples.anime_faces.commands._costs import costs_of, measured
        from examples.anime_faces.commands._recipe_pages import listing, page

        names = recipe_names() if self.name is None else (find_recipe(self.name).name,)
        costs = {}
        with Bar(total=len(names), unit="recipes", desc="counting") as bar:
            for name in names:
                costs[name] = costs_of(name, self.size)
                bar.update()
        seconds = measured(names, self.size) if self.measure else {}
        text = listing(costs, self.size, seconds) if self.name is None else page(costs[names[0]], self.size, seconds)
        say(*text.split("\n"))
