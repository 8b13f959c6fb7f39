"""How long is measured, and how much of the time is planned for, by a clock that only the rounds move."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from examples.anime_faces.run._measuring import choose_by_rounds, seconds_per_step, steps_within
from examples.anime_faces.systems import Hardware

ONE, TWO = Hardware(threads=1), Hardware(threads=2)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    """Give torch its number of threads back, which the choice sets."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Machine:
    """A machine on which rounds take the seconds that a test wants, and nothing else takes time."""

    def __init__(self, *seconds: float) -> None:
        self.seconds, self.now, self.played = seconds, 50.0, list[int]()

    def play(self, step: int) -> None:
        self.now += self.seconds[min(len(self.played), len(self.seconds) - 1)]
        self.played.append(step)

    def clock(self) -> float:
        return self.now

    def per_step(self, minutes: float, steps: int = 400) -> float:
        return seconds_per_step(self.play, steps=steps, minutes=minutes, clock=self.clock)


@pytest.mark.parametrize(
    ("minutes", "seconds", "rounds"), [(None, "15", 5), (1.0, "6", 2), (5.0, "9", 3), (100.0, "15", 5)]
)
def test_a_share_of_the_minutes_is_taken_for_the_choice(
    minutes: float | None, seconds: str, rounds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        "examples.anime_faces.run._measuring.say", lambda text, *, flush=False: said.append((text, flush))
    )
    machine = Machine(3.0)
    chosen, figures = choose_by_rounds(
        lambda _: machine.play, [ONE, TWO], steps=200, minutes=minutes, clock=machine.clock
    )
    assert chosen == ONE
    assert figures is not None
    assert (figures.took, figures.seconds) == (3.0 * rounds, {"1 thread": 3.0, "2 threads": 3.0})
    assert len(machine.played) == rounds
    assert said == [(f"hardware  timing one step in 2 ways, for about {seconds} seconds", True)]


def test_minutes_are_worth_measuring_however_few_the_steps_are() -> None:
    machine = Machine(1.0)
    _, figures = choose_by_rounds(lambda _: machine.play, [ONE, TWO], steps=7, minutes=1.0, clock=machine.clock)
    assert figures is not None
    assert machine.played[:2] == [4, 4]


def test_a_single_way_is_taken_without_a_word_and_without_measuring(capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(1.0)
    assert choose_by_rounds(lambda _: machine.play, [TWO], steps=1000, minutes=9.0) == (TWO, None)
    assert (machine.played, capsys.readouterr().out) == ([], "")


def test_the_fastest_of_ways_that_differ_in_more_than_threads_is_chosen_and_each_is_built() -> None:
    built: list[Hardware] = []
    ways = [ONE, replace(ONE, channels_last=False), replace(TWO, channels_last=False)]
    machines = {True: Machine(0.5), False: Machine(0.25)}

    def build(hardware: Hardware) -> Callable[[int], object]:
        built.append(hardware)
        return machines[hardware.channels_last].play

    def clock() -> float:
        return sum(machine.now for machine in machines.values())

    chosen, _ = choose_by_rounds(build, ways, steps=1000, minutes=None, clock=clock)
    assert not chosen.channels_last
    assert built == ways[:2]


@pytest.mark.parametrize(("minutes", "moments"), [(1.0, 1), (6.25, 1), (6.5, 2), (100.0, 3)])
def test_a_share_of_the_minutes_is_taken_for_the_seconds_of_a_step(minutes: float, moments: int) -> None:
    machine = Machine(3.5, 0.5)  # moments of eight rounds begin after 3.5, 7.5, 11.5 and 15.5 seconds
    assert machine.per_step(minutes) == 0.5
    assert machine.played == list(range(201, 202 + 8 * moments))


def test_even_of_few_minutes_four_seconds_are_taken_for_short_steps() -> None:
    machine = Machine(0.5, 0.125)  # moments begin after 0.5, 1.5, 2.5, 3.5 and 4.5 seconds
    assert machine.per_step(0.1) == 0.125
    assert len(machine.played) == 1 + 8 * 4


def test_a_step_that_takes_longer_than_the_limit_is_measured_once() -> None:
    machine = Machine(100.0, 70.0)
    assert machine.per_step(1.0, steps=1) == 70.0
    assert machine.played == [1, 2]


def test_the_quieter_half_of_the_moments_counts() -> None:
    machine = Machine(0.25, *[0.25] * 8, *[0.75] * 8, *[0.5] * 8, *[1.0] * 8)
    assert machine.per_step(100.0) == (0.25 + 0.5) / 2


@pytest.mark.parametrize(
    ("seconds", "each", "steps"),
    [(100.0, 0.5, 188), (1.0, 0.47, 2), (0.9, 0.47, 1), (0.1, 0.5, 1), (1.5e-6, 0.0, 1410)],
)
def test_six_percent_of_the_time_are_left_for_pictures_and_checkpoints(seconds: float, each: float, steps: int) -> None:
    assert steps_within(seconds, each) == steps
