"""What a user does about a training that diverged, with the values of the run, and the error that says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.printing import one_line
from examples.anime_faces.recipes import find_options, own_name, recipe_names
from examples.anime_faces.run._folder import RunFolder
from examples.anime_faces.run._kept import saved_steps

GUIDE = "docs/guides/failures.md"
RATE = "learning_rate"
MOST_DETAIL = 200
"""Characters of what was not finite."""


def cure_of(recipe: str, options: Mapping[str, Any]) -> str:
    """Return what to do: another folder, and lower learning rates, with the values of this run and of the recipe.

    Args:
        recipe: The recipe of the run.
        options: Its options by name.
    """
    name = own_name(recipe)
    usual = find_options(name)() if name in recipe_names() else None  # no module of a user is imported for it
    rates = [_rate(option, value, usual) for option, value in options.items() if option.endswith(RATE)]
    lower = f"a lower {' and '.join(rates)}" if rates else "lower learning rates"
    return f"begin again in another --out with {lower}; see {GUIDE}#learning-rate"


def _rate(option: str, value: object, usual: object) -> str:
    flag, default = f"--{option.replace('_', '-')}", getattr(usual, option, None)
    if default is None:
        return f"{flag} ({value} here)"
    if value == default:
        return f"{flag} ({value} here, the default of the recipe)"
    return f"{flag} ({value} here, the default of the recipe is {default})"


@contextmanager
def divergence_in_words(folder: RunFolder, recipe: str, options: Mapping[str, Any]) -> Iterator[None]:
    """Say of a training that ends with numbers that are not finite what that means, what is saved, and what to do.

    Args:
        folder: The folder of the run.
        recipe: Its recipe.
        options: Its options by name.

    Raises:
        TrainingDivergedError: As the block, with the words before its message, of which the beginning is kept.
    """
    try:
        yield
    except TrainingDivergedError as error:
        there = saved_steps(folder.checkpoints)
        saved = f"the last good checkpoint is of step {there[-1]}" if there else "no checkpoint is there"
        if there == [0]:
            saved += ", before the training"
        detail = str(error)
        detail = detail if len(detail) <= MOST_DETAIL else f"{detail[:MOST_DETAIL]}..."
        raise TrainingDivergedError(
            f"the training diverged: its numbers became too large to compute with (infinite or NaN); {saved}\n"
            f"what to do: {cure_of(recipe, options)}\n"
            f"detail: {one_line(detail)}"
        ) from error
