"""The budget of time, on machines that are simulated: no test waits."""

from collections.abc import Callable

import pytest

from examples.anime_faces.run._pace import AsRecorded, ByTheClock, Stopwatch, fitting_steps, keep_the_plan
from examples.anime_faces.run._settings import PlanChange


def trained(slowness: Callable[[float], float], *, steps: int = 1000) -> tuple[float, list[int]]:
    """Train a plan of a second a step by the clock; returns the seconds, and the plans one after the other."""
    pacer = ByTheClock(seconds=float(steps), first=steps)
    plans, elapsed, step = [steps], 0.0, 0
    while step < plans[-1]:
        elapsed += slowness(elapsed)
        step += 1
        planned = pacer(step, plans[-1], elapsed)
        if planned != plans[-1]:
            assert step <= planned
            assert planned < plans[-1] or step <= plans[-1] / 2
            plans.append(planned)
    return elapsed, plans


@pytest.mark.parametrize("slowness", [0.93, 1.0, 1.02])
def test_a_machine_that_is_as_fast_as_planned_does_the_plan(slowness: float) -> None:
    assert trained(lambda _: slowness)[1] == [1000]


@pytest.mark.parametrize("slowness", [0.3, 0.5, 0.7, 0.85])
@pytest.mark.parametrize("since", [0.0, 200.0])
def test_a_faster_machine_does_more_in_the_same_time(slowness: float, since: float) -> None:
    seconds, plans = trained(lambda now: slowness if now >= since else 1.0)
    possible = since + (1000 - since) / slowness
    assert 0.75 * 1000 < seconds < 1.06 * 1000
    assert 0.7 * possible < plans[-1] <= 1.06 * possible


def test_a_plan_of_a_busy_moment_grows_to_four_times_at_most() -> None:
    seconds, plans = trained(lambda _: 0.1)
    assert plans[-1] == 4000
    assert seconds == pytest.approx(400)


def test_a_machine_that_becomes_fast_late_ends_early() -> None:
    seconds, plans = trained(lambda now: 0.5 if now >= 600.0 else 1.0)
    assert plans == [1000]
    assert seconds == pytest.approx(800)


@pytest.mark.parametrize("slowness", [1.2, 1.5, 2.0, 3.5])
@pytest.mark.parametrize("since", [0.0, 300.0, 600.0, 850.0])
def test_a_slower_machine_ends_in_time_and_near_what_was_possible(slowness: float, since: float) -> None:
    seconds, plans = trained(lambda now: slowness if now >= since else 1.0)
    possible = since + (1000 - since) / slowness
    assert 0.85 * 1000 < seconds < 1.06 * 1000
    assert plans[-1] > 0.85 * possible


def test_a_busy_minute_at_the_start_costs_little() -> None:
    seconds, plans = trained(lambda now: 6.0 if now < 70.0 else 1.0)
    assert plans[-1] > 850
    assert seconds < 1060


def test_training_never_ends_before_a_quarter_of_the_plan() -> None:
    seconds, plans = trained(lambda _: 50.0)
    assert plans[-1] == 250
    assert seconds == 250 * 50.0


def test_a_plan_becomes_longer_in_its_first_half_only_and_never_shorter_than_what_is_done() -> None:
    assert fitting_steps(10, 400, 10.0, seconds=1000.0, first=1000) == 1000
    assert fitting_steps(201, 400, 201.0, seconds=1000.0, first=1000) == 400
    assert fitting_steps(800, 900, 1200.0, seconds=1000.0, first=1000) == 800


def test_the_clock_is_looked_at_sixteen_times() -> None:
    pacer = ByTheClock(seconds=160.0, first=100)
    assert pacer(1, 100, 9.9) == 100
    assert pacer(2, 100, 10.1) < 100
    assert pacer(2, 100, 20.0) == 100
    assert ByTheClock(seconds=160.0, first=100)(1, 100, 10.0) < 100
    resumed = ByTheClock(seconds=160.0, first=100, elapsed=10.1)
    assert resumed(2, 100, 20.0) == 100
    assert resumed(2, 100, 20.2) < 100


def test_recorded_changes_are_made_at_their_steps() -> None:
    pacer = AsRecorded([PlanChange(step=3, before=9, after=7), PlanChange(step=5, before=7, after=6)])
    assert [pacer(step, 0, 0.0) for step in (2, 3, 4, 5)] == [0, 7, 0, 6]
    assert keep_the_plan(3, 9, 1e9) == 9


def test_a_pause_of_the_machine_is_not_counted() -> None:
    now = [100.0]
    watch = Stopwatch(clock=lambda: now[0])
    for gap in (2.0, 4.0, 50.0):
        now[0] += gap
        watch.tick()
    assert watch.seconds == 56.0
    now[0] += 30_000.0  # the lid was closed
    assert watch.seconds == pytest.approx(56 * 4 / 3)
    watch.tick()
    assert watch.seconds == pytest.approx(56 * 4 / 3)
    now[0] += 3.0
    assert watch.seconds == pytest.approx(56 * 4 / 3 + 3)


def test_a_first_step_may_be_long() -> None:
    now = [0.0]
    watch = Stopwatch(clock=lambda: now[0])
    for _ in range(3):
        now[0] += 90.0
        watch.tick()
    assert watch.seconds == 270.0


@pytest.mark.parametrize(
    ("elapsed", "planned"),
    [
        # Half of 1000 steps are done, the pace is that of 500 + 125 steps in `elapsed` + 125 seconds: the other 500 take
        # 0.8 * (elapsed + 125), and at most 3 % more than 1000 seconds are accepted, and at most 8 % less.
        (455.0, 1087),  # 919 seconds in all; 545 more at 0.928 each are 587 steps
        (456.0, 1000),  # 920.8
        (516.0, 1000),  # 1028.8
        (517.0, 970),  # 1030.6; 483 more at 1.0272 each are 470 steps
    ],
)
def test_the_plan_changes_where_it_misses_the_time_by_a_few_percent(elapsed: float, planned: int) -> None:
    assert fitting_steps(500, 1000, elapsed, seconds=1000.0, first=1000) == planned


def test_a_plan_ends_at_once_where_the_time_is_over() -> None:
    assert fitting_steps(8000, 9000, 1200.0, seconds=1000.0, first=4000) == 8000


def test_a_quarter_of_the_first_plan_is_rounded_up() -> None:
    assert fitting_steps(1, 1001, 990.0, seconds=1000.0, first=1001) == 251


def test_the_clock_is_looked_at_once_more_where_the_plan_can_still_become_longer() -> None:
    for step, planned in ((49, 101), (50, 364), (51, 101)):
        pacer = ByTheClock(seconds=1600.0, first=101)
        assert pacer(step, 101, 99.0) == planned  # 1501 seconds more at 299 / 62.625 each are 314 steps


def test_what_is_a_pause_depends_on_the_usual_step() -> None:
    for usual, longest in ((1.0, 60.0), (10.0, 200.0)):  # a minute, or twenty steps
        for gap, counted in ((longest, longest), (longest + 0.5, usual)):
            now = [0.0]
            watch = Stopwatch(clock=lambda now=now: now[0])
            now[0] += usual
            watch.tick()
            now[0] += gap
            watch.tick()
            assert watch.seconds == usual + counted
