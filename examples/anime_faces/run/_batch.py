"""The one rule of `check` and `train` about batches with more pictures than there are."""

from dataclasses import replace
from typing import Any

from examples.anime_faces.systems import System


def large_batch(system: System, options: Any, pictures: int) -> tuple[str, str] | None:
    """Return what to say of a batch that holds pictures several times, and what to do. None: there are enough pictures.

    Such a run can be trained, and is hardly worth it: pictures are repeated within each batch.

    Args:
        system: What is trained.
        options: An instance of the options of its recipe.
        pictures: Pictures in use.
    """
    if system.batch_size <= pictures:
        return None
    size = fitting_size(system, options, pictures)
    advice = "add pictures" if size is None else f"give --batch-size {size}, or add pictures"
    return (
        f"a batch has {system.batch_size} pictures, and only {pictures} are in use, so it holds some twice or more",
        advice,
    )


def fitting_size(system: System, options: Any, pictures: int) -> int | None:
    """Return a value of `--batch-size` that the recipe accepts, for batches of half of the pictures, or else of all at most.

    None: there is no such value, or no such option.
    """
    asked = getattr(options, "batch_size", None)
    if not isinstance(asked, int):
        return None
    each = system.batch_size / asked  # pictures in a batch for each one that was asked for
    most = min(asked, int(pictures / each))
    fitting = [size for size in range(2, most + 1) if _is_accepted(system, options, size, each)]
    small = [size for size in fitting if size * each <= pictures / 2]
    return max(small or fitting, default=None)


def _is_accepted(system: System, options: Any, size: int, each: float) -> bool:
    if (size * each) % system.group:
        return False
    try:
        replace(options, batch_size=size)
    except ValueError:
        return False
    return True
