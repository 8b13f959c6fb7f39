"""Measurements before the first step, by a clock that only the rounds move."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from examples.anime_faces.run._measuring import choose_by_rounds, seconds_per_step, steps_within
from examples.anime_faces.systems import Hardware

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
