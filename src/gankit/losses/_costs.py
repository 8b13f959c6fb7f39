"""Checks of objectives: of the object, before any loss uses it, and of each result."""

import sys
from typing import Literal, TypeAlias

import torch

from gankit._core import Scores, is_wide, widen
from gankit.losses._objectives import Objective

Method: TypeAlias = Literal["real", "fake", "generator"]


def costs_of(objective: Objective, method: Method, scores: Scores) -> Scores:
    """Return what a method of the objective makes of the scores, which it gets in float32 or wider.

    Raises:
        ValueError: That is not one cost for each score, in float32 or wider.
    """
    wide = widen(scores)
    costs = getattr(objective, method)(wide)
    if not isinstance(costs, torch.Tensor) or costs.shape != wide.shape or not is_wide(costs):
        got = f"{costs.dtype} of shape {tuple(costs.shape)}" if isinstance(costs, torch.Tensor) else repr(costs)
        raise ValueError(
            f"objective must return one cost for each score, here {wide.dtype} of shape {tuple(wide.shape)}, but "
            f"{type(objective).__name__}.{method} returned {got}"
        )
    return costs


def check_objective(objective: object) -> None:
    """Refuse other objects than objectives: a class instead of its instance, a name, a loss of another library."""
    if isinstance(objective, type):
        raise ValueError(f"objective must be an object, got a class: write {objective.__name__}()")
    if isinstance(objective, str):
        raise ValueError(
            f"objective must be an object with the methods of gankit.losses.Objective, got {objective!r}{_hint(objective)}"
        )
    if not _has_methods(objective):
        raise ValueError(
            "objective must have the methods real, fake and generator of gankit.losses.Objective, got an object of type "
            f"{type(objective).__name__}"
        )


def _has_methods(value: object) -> bool:
    return hasattr(value, "real") and hasattr(value, "fake") and hasattr(value, "generator")


def _hint(name: str) -> str:
    """Return how to write the objective of gankit that a name means, as the end of a message; empty for other names."""
    plain = name.lower().replace("_", "").replace(" ", "")
    public = vars(sys.modules["gankit.losses"])
    found = [
        one for one in public if one.lower() == plain and public[one] is not Objective and _has_methods(public[one])
    ]
    return f": write gankit.losses.{found[0]}()" if found else ""
