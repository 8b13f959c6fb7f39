"""Measurements before the first step, by a clock that only the rounds move."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from examples.anime_faces.run._measuring import (
    SHORT_RUN,
    choice_in_words,
    choose_by_rounds,
    seconds_per_step,
    speed_in_words,
    steps_within,
)
from examples.anime_faces.systems import Comparison, Hardware

ONE, TWO = Hardware(threads=1), Hardware(threads=2)


def test_the_choice_builds_once_for_all_numbers_of_threads(capsys: pytest.CaptureFixture[str]) -> None:
    built: list[Hardware] = []
    played: list[int] = []

    def build(hardware: Hardware) -> Callable[[int], None]:
        built.append(hardware)

        def play(step: int) -> None:
            played.append(step)
            time.sleep(0.01)

        return play

    before = torch.get_num_threads()
    chosen, figures = choose_by_rounds(build, [TWO, ONE], steps=1000, minutes=None)
    torch.set_num_threads(before)
    assert built == [TWO]
    assert chosen in (ONE, TWO)
    assert figures is not None
    assert set(figures.seconds) == {"2 threads", "1 thread"}
    assert played[:2] == [501, 501]  # every way plays the same rounds
    assert "timing one step in 2 ways" in capsys.readouterr().out


def test_a_way_that_cannot_train_this_recipe_is_left_out_with_its_reason() -> None:
    def build(hardware: Hardware) -> Callable[[int], None]:
        def play(step: int) -> None:
            del step
            if hardware.gradients == "compiled":
                raise ValueError("terms read values on the host")

        return play

    before = torch.get_num_threads()
    chosen, figures = choose_by_rounds(build, [ONE, replace(ONE, gradients="compiled")], steps=1000, minutes=None)
    torch.set_num_threads(before)
    assert chosen == ONE
    assert figures is not None
    assert figures.left_out == {"compiled": "terms read values on the host"}
    with pytest.raises(ValueError, match="on the host"):  # where nothing else was asked for, it is an error
        choose_by_rounds(
            build, [replace(ONE, gradients="compiled"), replace(TWO, gradients="compiled")], steps=1000, minutes=None
        )
    torch.set_num_threads(before)


def test_a_short_run_is_not_measured() -> None:
    def build(hardware: Hardware) -> Callable[[int], None]:
        pytest.fail(f"it was built on {hardware}")

    assert choose_by_rounds(build, [TWO, ONE], steps=7, minutes=None) == (TWO, None)


def test_a_step_takes_what_it_takes_in_quiet_moments_with_all_kinds_of_rounds() -> None:
    now, played = [0.0], list[int]()

    def play(step: int) -> None:
        busy = 3.0 if 2.0 < now[0] < 6.0 else 1.0
        now[0] += busy * (0.13 if step % 8 == 0 else 0.05) + (0.4 if not played else 0.0)
        played.append(step)

    seconds = seconds_per_step(play, steps=400, minutes=100.0, clock=lambda: now[0])
    assert played == list(range(201, 201 + 1 + 6 * 8))
    assert seconds == pytest.approx(0.06)


def test_measuring_a_step_is_bounded() -> None:
    now, played = [0.0], list[int]()

    def play(step: int) -> None:
        played.append(step)
        now[0] += 2.0

    assert seconds_per_step(play, steps=1, minutes=1.0, clock=lambda: now[0]) == 2.0
    assert len(played) == 4  # one for the memory, and what begins within 8 seconds


def test_even_the_smallest_budget_is_a_step() -> None:
    assert steps_within(-3.0, 0.5) == 1
    assert steps_within(100.0, 0.5) == 188


def test_a_choice_that_was_not_timed_says_so() -> None:
    chosen, figures = choose_by_rounds(lambda _: lambda _: None, [ONE, TWO], steps=SHORT_RUN - 1, minutes=None)
    assert (chosen, figures) == (ONE, None)
    words = choice_in_words(figures, [ONE, TWO])
    assert words.startswith(f" (not timed: a run of less than {SHORT_RUN} steps takes the first of 2 ways; --precision")
    assert choice_in_words(None, [ONE]) == ""
    timed = Comparison(best="a", seconds={"a": 0.5, "b": 1.0}, left_out={}, took=1.0)
    assert choice_in_words(timed, [ONE, TWO]).startswith("\n          seconds of a step: a: ")


@pytest.mark.parametrize(
    ("each", "words"),
    [(0.5, ""), (0.6, ""), (1.2, "slower: something else runs"), (0.2, "faster: something else has ended")],
)
def test_another_speed_than_that_of_the_choice_is_explained(each: float, words: str) -> None:
    """0.67 s a step were followed by steps of 1.53 s, without a word."""
    said = speed_in_words(each, Comparison(best="a", seconds={"a": 0.5, "b": 1.0}, left_out={}, took=1.0))
    assert words in said
    assert bool(said) == bool(words)
    assert speed_in_words(each, None) == ""
