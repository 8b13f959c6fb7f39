"""What is printed of a choice of hardware."""

import pytest

from examples.anime_faces.run._measuring import choice_in_words, speed_in_words
from examples.anime_faces.systems import Comparison, Hardware

WAYS = [Hardware(threads=1), Hardware(threads=2)]
FIGURES = Comparison(best="a", seconds={"a": 0.5, "b": 1.0}, left_out={}, took=1.0)


def test_a_choice_is_printed_with_its_figures_or_with_the_reason_why_there_are_none() -> None:
    assert choice_in_words(FIGURES, WAYS) == "\n          seconds of a step: a: 0.50 s; b: 1.00 s"
    assert choice_in_words(FIGURES, WAYS[:1]) == "\n          seconds of a step: a: 0.50 s; b: 1.00 s"
    assert choice_in_words(None, WAYS[:1]) == ""
    assert choice_in_words(None, WAYS) == (
        " (not timed: a run of less than 200 steps takes the first of 2 ways; --precision names another)"
    )


@pytest.mark.parametrize(
    ("each", "how"),
    [
        (0.7, "slower: something else runs on it"),
        (0.699, ""),
        (0.5, ""),
        (0.3572, ""),
        (0.5 / 1.4, "faster: something else has ended"),
        (0.01, "faster: something else has ended"),
    ],
)
def test_from_two_fifths_more_or_as_much_less_on_another_speed_is_explained(each: float, how: str) -> None:
    """0.67 s a step were followed by steps of 1.53 s, without a word."""
    words = f"\n          (a step took 0.5 s when the hardware was chosen; the machine has become {how})" if how else ""
    assert speed_in_words(each, FIGURES) == words


def test_without_figures_of_the_choice_nothing_is_said_of_the_speed() -> None:
    assert speed_in_words(9.0, None) == ""
    assert speed_in_words(9.0, Comparison(best="a", seconds={"b": 1.0}, left_out={}, took=1.0)) == ""
