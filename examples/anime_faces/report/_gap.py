"""What the gap between the critic's scores of real and of generated pictures did in a run, in words that fit its curve."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from examples.anime_faces.run import BLIND, CONVERGED, DIVERGED

GAP = "critic gap"
FEWEST = 8
"""Lines of the log from which on a course is read."""
MOVED = 0.15
"""Share of the larger of two means from which on the gap rose or fell between them."""
MEANINGS = {
    "rose": "It may rise in a good run too, since the critic learns as well.",
    "fell": "Real and generated pictures have become harder to distinguish, or the critic has become weaker.",
    "hardly changed": "That is usual in a good run: both networks learn.",
}


def gap_in_words(log: Sequence[Mapping[str, Any]]) -> str:
    """Return what the gap was in the middle and in the last quarter of a run, and what that can mean.

    The gap alone never says how good pictures are, so no course of it is called good or bad, but for one beyond all bounds.

    Args:
        log: The lines of the run's log.
    """
    curve = {line["step"]: line["averages"][GAP] for line in log if GAP in line["averages"]}
    gaps = list(curve.values())
    if not gaps:
        return "The scores of the critic were not logged."
    states = log[-1].get("states", ())
    if DIVERGED in states:
        return f"The training diverged: the gap between scores of real and generated pictures is {_text(gaps[-1])} at the end."
    about = "The gap between the scores of real and generated pictures is"
    judged = "It does not say how good the pictures are: look at them, and at the figures."
    before, last = _quarter(curve, 2), _quarter(curve, 3)
    if before is None or last is None or len(gaps) < FEWEST:
        return f"{about} {_text(gaps[-1])}; too few steps were logged to see a course. {judged}"
    moved = last - before
    is_still = abs(moved) <= MOVED * max(abs(before), abs(last))
    course = "hardly changed" if is_still else "rose" if moved > 0 else "fell"
    quarters = f"{_text(last)} on average in the last quarter of the run, after {_text(before)} in the one before"
    return f"{about} {quarters}: it {course}. {_of_states(states) or MEANINGS[course]} {judged}"


def _of_states(states: Sequence[str]) -> str:
    if BLIND in states:
        return (
            "The critic cannot distinguish the pictures: the generator is very good, or the critic has learned nothing."
        )
    if CONVERGED in states:
        return "The critic recognizes nearly all pictures: usual with Wasserstein's loss; with others the generator may stop."
    return ""


def _quarter(curve: Mapping[int, float], number: int) -> float | None:
    """Return the mean over a quarter of the steps, counted from 0. None: none of them was logged."""
    whole = max(curve)
    values = [value for step, value in curve.items() if number < 4 * step / whole <= number + 1]
    return fmean(values) if values else None


def _text(value: float) -> str:
    return f"{value:.2g}" if 0.01 <= abs(value) < 100 else f"{value:.0f}" if 100 <= abs(value) < 1e5 else f"{value:.1g}"
