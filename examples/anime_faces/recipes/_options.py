"""What the options of recipes share; nothing here loads torch, so that `--help` answers at once."""

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import tyro


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOptions:
    """What all recipes that read texts have in common."""

    text_vectors: Annotated[str, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = ""
    """Table of vectors (.npy) in place of hashed n-grams; its texts are in a file of the same name that ends in .txt."""
    skip_thoughts: Annotated[str, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = ""
    """Folder with the published files of skip-thoughts, in place of hashed n-grams."""
    named_colors: bool = False
    """Read only the words for the labels out of a text, one number per class, in place of hashed n-grams."""


def check_numbers(options: Any, *, may_be_zero: Collection[str] = ()) -> None:
    """Refuse counts (pictures, channels, updates) below 1, and weights and rates that are negative or not finite.

    Args:
        options: A dataclass.
        may_be_zero: Names of counts that may be 0.

    Raises:
        ValueError: There is one; the message names its flag.
    """
    for name, value in asdict(options).items():
        least = 0 if name in may_be_zero else 1
        if isinstance(value, int) and not isinstance(value, bool) and value < least:
            raise ValueError(f"{_flag(name)} must be at least {least}, but it is {value}")
        if isinstance(value, float) and not 0 <= value < math.inf:
            raise ValueError(f"{_flag(name)} must be 0 or more and finite, but it is {value}")


def check_shares(options: Any, *names: str) -> None:
    """Refuse probabilities and shares that are not numbers from 0 to 1. To be called before `check_numbers`.

    Raises:
        ValueError: There is one; the message names its flag.
    """
    for name in names:
        if not 0 <= getattr(options, name) <= 1:
            raise ValueError(f"{_flag(name)} must be a number from 0 to 1, but it is {getattr(options, name)}")


def check_pairs(options: Any) -> None:
    """Refuse batches without two pictures: a mismatched pair has the text of another one.

    Raises:
        ValueError: The batch is too small.
    """
    if options.batch_size < 2:
        raise ValueError(
            f"--batch-size must be at least 2, for pictures with two texts, but it is {options.batch_size}"
        )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
