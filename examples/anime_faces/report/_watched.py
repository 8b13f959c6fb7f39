"""When a run was in the states that are watched, as rows of a table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from examples.anime_faces.run import RULES, Span, are_watched, spans_of

MOST_SPANS = 6


class Watched(NamedTuple):
    """A state, the rule behind it, and the steps at which the run was in it, in words."""

    state: str
    rule: str
    steps: str


def watched_of(log: Sequence[Mapping[str, Any]]) -> list[Watched]:
    """Return all states and when the run was in them; empty for a log of an earlier version."""
    if not are_watched(log):
        return []
    spans = spans_of(log)
    return [
        Watched(state, rule, _in_words([span for span in spans if span.state == state]))
        for state, rule in RULES.items()
    ]


def _in_words(spans: Sequence[Span]) -> str:
    words = [f"{one.first:,} to {one.last:,}" if one.last > one.first else f"{one.first:,}" for one in spans]
    if len(words) > MOST_SPANS:
        words = [*words[: MOST_SPANS - 1], f"and {len(words) - MOST_SPANS + 1} times more, the last at {words[-1]}"]
    return "; ".join(words) or "never"
