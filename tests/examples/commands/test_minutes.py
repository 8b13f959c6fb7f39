import pytest

from examples.anime_faces.commands._minutes import Minutes

NAMES = ("rendering faces", "training", "drawing samples", "measuring them", "writing the report")


def test_training_has_what_is_left_and_the_whole_ends_in_time() -> None:
    now = [100.0]
    minutes = Minutes(whole=12.0, clock=lambda: now[0])
    now[0] += 3.0 * 60  # pictures
    training = minutes.of_training()
    assert training == pytest.approx(12 - 3 - 0.16 * 12)
    now[0] += training * 60
    assert minutes.seconds_of_measuring() == pytest.approx((0.13 + 0.015) * 12 * 60)
    now[0] += 0.18 * 60 + minutes.seconds_of_measuring()
    assert minutes.spent <= 12.0


def test_measuring_has_a_fifth_where_training_ended_early() -> None:
    now = [0.0]
    minutes = Minutes(whole=10.0, clock=lambda: now[0])
    now[0] = 5 * 60.0
    assert minutes.seconds_of_measuring() == pytest.approx(0.2 * 10 * 60)


def test_so_few_minutes_that_measuring_takes_longer_are_noted() -> None:
    assert "the whole takes longer" in Minutes(whole=1.0, clock=lambda: 0.0).plan(NAMES, 0.2)
    assert "the whole takes longer" not in Minutes(whole=3.0, clock=lambda: 0.0).plan(NAMES, 0.2)


def test_measuring_gives_way_where_training_took_longer() -> None:
    now = [0.0]
    minutes = Minutes(whole=10.0, clock=lambda: now[0])
    now[0] = 9 * 60.0
    assert minutes.seconds_of_measuring() == pytest.approx(0.85 * 60)
    now[0] = 11 * 60.0
    assert minutes.seconds_of_measuring() == 20.0


def test_training_has_a_quarter_however_long_the_pictures_take() -> None:
    now = [0.0]
    minutes = Minutes(whole=4.0, clock=lambda: now[0])
    now[0] = 60 * 10.0
    assert minutes.of_training() == 1.0


def test_the_plan_names_every_step_with_its_minutes() -> None:
    minutes = Minutes(whole=12.0, clock=lambda: 0.0)
    plan = minutes.plan(NAMES, 1.5)
    assert plan.startswith("plan      12 minutes in all")
    for name, time in zip(NAMES, ("about 1.5", "about 8.6", "about 0.2", "at most 2.4", "about 0.2"), strict=True):
        assert f"{name:<18} {time} min" in plan
    assert "note" not in plan
    assert "raise --minutes, or lower --count" in minutes.plan(NAMES, 7.5)
    assert "as long as it takes" in minutes.plan(NAMES, None)
    assert "training           about 10.1 min or less" in minutes.plan(NAMES, None)
    assert "rendering faces    nothing to do" in minutes.plan(NAMES, 0.0)


def test_each_step_says_how_long_it_takes_from_now_on() -> None:
    now = [0.0]
    minutes = Minutes(whole=10.0, clock=lambda: now[0])
    now[0] = 120.0
    assert minutes.of_step(2) == "about 6.4 min"
    now[0] = 560.0
    assert minutes.of_step(4) == "at most 0.5 min"
    assert minutes.of_step(5) == "about 0.1 min"


def test_a_run_that_has_begun_keeps_its_plan_of_training() -> None:
    """It was announced with all the minutes that were left, though it was done already."""
    minutes = Minutes(whole=10.0, goes_on=True, clock=lambda: 0.0)
    assert "training           what is left of the plan of this run\n" in minutes.plan(NAMES, None)
    assert minutes.of_step(2) == "what is left of the plan of this run"
