"""What the report says of the critic's gap is true of the curve that it shows."""

from typing import Any

import pytest

from examples.anime_faces.report._gap import MEANINGS, gap_in_words
from examples.anime_faces.run import BLIND, CONVERGED, DIVERGED


def log(*gaps: float, states: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    lines = [{"step": 20 * n, "averages": {"critic gap": gap}, "states": []} for n, gap in enumerate(gaps, start=1)]
    lines[-1]["states"] = list(states)
    return lines


def course(first: float, last: float) -> list[float]:
    return [first + (last - first) * n / 39 for n in range(40)]


@pytest.mark.parametrize(
    ("gaps", "word"),
    [
        (course(0.2, 2.4), "rose"),  # a good run of ten minutes
        (course(4.0, 1.0), "fell"),
        ([1.4] * 40, "hardly changed"),
        (course(-1.0, -3.0), "fell"),
        ([*[1.4] * 20, *[1.4] * 10, *[2.4] * 10], "rose"),
    ],
)
def test_the_course_is_that_of_the_last_half(gaps: list[float], word: str) -> None:
    said = gap_in_words(log(*gaps))
    assert f": it {word}." in said
    assert MEANINGS[word] in said
    assert all(f"it {other}." not in said for other in MEANINGS if other != word)
    assert "does not say how good the pictures are" in said


def test_the_means_of_both_quarters_are_given() -> None:
    said = gap_in_words(log(*[9.0] * 20, *[1.4] * 10, *[2.4] * 10))
    assert "is 2.4 on average in the last quarter of the run, after 1.4 in the one before: it rose." in said


def test_quarters_are_those_of_the_steps_however_many_lines_each_has() -> None:
    lines = log(*course(0.2, 4.0))
    crowded = [*lines, *({**lines[-1], "step": 800 + n} for n in range(60))]
    assert ": it rose." in gap_in_words(crowded)


def test_states_come_before_the_general_meaning() -> None:
    assert "usual with Wasserstein" in gap_in_words(log(*course(3.0, 9.0), states=(CONVERGED,)))
    blind = gap_in_words(log(*[0.0] * 40, states=(BLIND,)))
    assert "cannot distinguish the pictures" in blind
    assert MEANINGS["hardly changed"] not in blind
    diverged = gap_in_words(log(*[1e3, 3e16] * 20, states=(DIVERGED,)))
    assert (
        diverged == "The training diverged: the gap between scores of real and generated pictures is 3e+16 at the end."
    )


def test_short_logs_and_logs_without_scores_claim_nothing() -> None:
    assert "too few steps" in gap_in_words(log(1.0, 2.0, 3.0))
    assert gap_in_words([{"step": 1, "averages": {}}]) == "The scores of the critic were not logged."
    assert gap_in_words([]) == "The scores of the critic were not logged."
