"""What the log says of a run beside its losses: states that are often the beginning of a failure, by fixed rules."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from examples.anime_faces.run._divergence import LARGEST_VALUE, LARGEST_WEIGHT
from examples.anime_faces.run._variety import VARIETY

RECOGNIZED = 0.99
UNDECIDED = (0.45, 0.55)
VANISHED = 0.01
COLLAPSED = 0.2
GRIDS = 3
"""Successive grids that must be without variety."""

DIVERGED = "training diverged"
CONVERGED, BLIND, NO_GRADIENT, ALIKE = "critic converged", "critic undecided", "gradient vanished", "samples collapsed"
RULES = {
    DIVERGED: f"A loss, or the gap between scores, was above {LARGEST_VALUE:,.0f} in more than half of the last 100 steps, "
    f"or the weights of a network above {LARGEST_WEIGHT:g} on average (root of the mean square).",
    CONVERGED: f"The critic recognized at least {RECOGNIZED:.0%} of the real and of the generated pictures of 100 steps.",
    BLIND: f"It recognized {UNDECIDED[0]:.0%} to {UNDECIDED[1]:.0%} of both: it cannot distinguish them.",
    NO_GRADIENT: f"The norm of the generator's gradient was below {VANISHED:.0%} of its largest mean of 100 steps so far.",
    ALIKE: f"In {GRIDS} grids in a row, pictures of a condition differed less than {COLLAPSED:.0%} as much as real ones.",
}
"""The states, and when they are there."""


def states_of(
    averages: Mapping[str, float],
    longest: Mapping[str, float],
    grids: Sequence[Mapping[str, float]],
    *,
    diverged: bool = False,
) -> list[str]:
    """Return the states of a run after a step, in the order of `RULES`.

    Args:
        averages: Means over the last 100 steps; values of fewer steps are left out.
        longest: The longest mean so far of each generator's gradient.
        grids: The figures of the last grids, the newest last.
        diverged: Whether the last values are too large.
    """
    found = {
        DIVERGED: diverged,
        CONVERGED: _all(_shares(averages), RECOGNIZED, 1.0),
        BLIND: _all(_shares(averages), *UNDECIDED),
        NO_GRADIENT: any(averages.get(name, length) < VANISHED * length for name, length in longest.items()),
        ALIKE: len(grids) == GRIDS and all(map(_is_alike, grids)),
    }
    return [state for state, there in found.items() if there]


class Span(NamedTuple):
    """A state of a run, the rule behind it, and the steps of the log from which to which it was there."""

    state: str
    rule: str
    first: int
    last: int


def spans_of(log: Sequence[Mapping[str, Any]]) -> list[Span]:
    """Return when a run was in which state, in the order of the states and of time."""
    spans: list[Span] = []
    for state, rule in RULES.items():
        before = False
        for line in log:
            now = state in line.get("states", ())
            if now and before:
                spans[-1] = spans[-1]._replace(last=line["step"])
            elif now:
                spans.append(Span(state, rule, line["step"], line["step"]))
            before = now
    return spans


def are_watched(log: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the log is of a version that notes states."""
    return any("states" in line for line in log)


def is_generators_gradient(name: str) -> bool:
    """Whether a logged value is the length of a generator's gradient.

    Example:
        >>> [is_generators_gradient(name) for name in ("gradients/generator/gray", "gradients/critic", "generator/score")]
        [True, False, False]
    """
    return name == "gradients/generator" or name.startswith("gradients/generator/")


def _shares(averages: Mapping[str, float]) -> list[float]:
    """Return the shares of real and of generated pictures that are recognized; none if one of the two is not known."""
    kinds = {name: share for name, share in averages.items() if name.startswith(("accuracy/real", "accuracy/fake"))}
    return list(kinds.values()) if len(kinds) > 1 else []


def _all(shares: Iterable[float], low: float, high: float) -> bool:
    shares = list(shares)
    return bool(shares) and all(low <= share <= high for share in shares)


def _is_alike(grid: Mapping[str, float]) -> bool:
    varieties = [value for name, value in grid.items() if name.startswith(VARIETY)]
    return bool(varieties) and min(varieties) < COLLAPSED
