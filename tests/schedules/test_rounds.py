"""Rounds and schedules: counts, order, mistakes."""

import copy
import dataclasses
import pickle

import pytest
from hypothesis import given, strategies as st

from gankit.schedules import Boosted, Constant, Round, Schedule

counts = st.integers(0, 30)
rounds = st.builds(Round, st.integers(1, 30), generator=counts, generator_first=st.booleans())


@given(critic=counts, generator=counts, first=st.booleans())
def test_a_round_says_what_it_was_given(critic: int, generator: int, *, first: bool) -> None:
    if critic == generator == 0:
        with pytest.raises(ValueError, match="must not both be 0"):
            Round(critic, generator=generator)
        return
    one = Round(critic, generator=generator, generator_first=first)
    assert (one.critic, one.generator, one.generator_first) == (critic, generator, first)


@given(one=rounds, t=st.integers(0, 10**12))
def test_constant_is_constant(one: Round, t: int) -> None:
    assert Constant(round=one)(t) == one


@given(
    first=st.integers(0, 40),
    every=st.none() | st.integers(1, 60),
    epoch_length=st.none() | st.integers(1, 100),
    length=st.integers(1, 300),
    count_from=st.sampled_from([0, 1]),
)
def test_boosts_fall_where_a_count_by_hand_puts_them(
    first: int, every: int | None, epoch_length: int | None, length: int, count_from: int
) -> None:
    schedule = Boosted(
        base=Round(5), boost=Round(25), first=first, every=every, epoch_length=epoch_length, count_from=count_from
    )
    position, expected = 0, 0
    for _ in range(length):
        in_burst = position < first
        on_beat = every is not None and position + count_from in range(0, length + 2, every)
        expected += 25 if in_burst or on_beat else 5
        position += 1
        if position == epoch_length:
            position = 0
    assert sum(schedule(t).critic for t in range(length)) == expected


@pytest.mark.parametrize(
    ("batches", "count_from", "updates"), [(500, 0, 3000), (522, 0, 3130), (500, 1, 3020), (522, 1, 3130)]
)
def test_report_a_counts_its_critic_updates_in_every_epoch(batches: int, count_from: int, updates: int) -> None:
    schedule: Schedule = Boosted(
        base=Round(5), boost=Round(25), first=25, every=500, epoch_length=batches, count_from=count_from
    )
    for epoch in range(3):
        played = [schedule(epoch * batches + batch) for batch in range(batches)]
        assert sum(one.critic for one in played) == updates
        assert sum(one.generator for one in played) == batches


def test_the_original_wgan_program_counts_over_the_whole_run() -> None:
    schedule = Boosted(base=Round(5), boost=Round(100), first=25, every=500)
    assert sum(schedule(t).critic for t in range(1000)) == 7470


@given(t=st.integers(0, 10**6))
def test_a_schedule_is_a_pure_function_of_time(t: int) -> None:
    schedule = Boosted(base=Round(1), boost=Round(3), first=7, every=11, epoch_length=101)
    again = pickle.loads(pickle.dumps(schedule))
    assert schedule(t) == schedule(t) == again(t) == copy.deepcopy(schedule)(t)
    assert schedule == again
    assert hash(schedule) == hash(again)


def test_the_boost_at_zero_counts_once() -> None:
    schedule = Boosted(base=Round(1), boost=Round(2), first=0, every=3)
    assert [schedule(t).critic for t in range(7)] == [2, 1, 1, 2, 1, 1, 2]


@pytest.mark.parametrize("t", [-1, 1.0, True, "3"])
@pytest.mark.parametrize("schedule", [Constant(round=Round(5)), Boosted(base=Round(1), boost=Round(2))], ids=repr)
def test_time_is_a_whole_number(schedule: Schedule, t: object) -> None:
    with pytest.raises(ValueError, match="t must be"):
        schedule(t)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-1, 1.5, True, "5"])
@pytest.mark.parametrize("name", ["critic", "generator"])
def test_counts_are_whole_and_not_negative(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        Round(**{name: value})  # type: ignore[arg-type]


def test_the_order_must_be_a_bool() -> None:
    with pytest.raises(ValueError, match="generator_first must be True or False, got 1"):
        Round(generator_first=1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"first": -1}, "first must be at least 0, got -1"),
        ({"every": 0}, "every must be at least 1, got 0"),
        ({"epoch_length": 0}, "epoch_length must be at least 1, got 0"),
        ({"every": 2.0}, "every must be a whole number"),
        ({"count_from": -1}, "count_from must be at least 0, got -1"),
        ({"count_from": 2}, "count_from must be 0 or 1, got 2"),
        ({"count_from": True}, "count_from must be a whole number"),
        ({"base": 5}, r"base must be a gankit\.schedules\.Round, got 5"),
        ({"boost": None}, r"boost must be a gankit\.schedules\.Round, got None"),
    ],
)
def test_mistakes_are_named(options: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Boosted(**({"base": Round(1), "boost": Round(2)} | options))  # type: ignore[arg-type]


def test_counted_from_one_the_beat_falls_one_round_earlier_and_not_at_the_start() -> None:
    schedule = Boosted(base=Round(1), boost=Round(2), first=0, every=3, epoch_length=4, count_from=1)
    assert [schedule(t).critic for t in range(8)] == [1, 1, 2, 1, 1, 1, 2, 1]


def test_constant_needs_a_round() -> None:
    with pytest.raises(ValueError, match=r"round must be a gankit\.schedules\.Round, got 5"):
        Constant(round=5)  # type: ignore[arg-type]


def test_by_default_each_network_is_updated_once_critic_first_and_nothing_is_boosted() -> None:
    assert Round() == Round(1, generator=1, generator_first=False)
    assert [Boosted(base=Round(2), boost=Round(7))(t).critic for t in range(3)] == [2, 2, 2]


def test_rounds_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Round(5).critic = 6  # type: ignore[misc]
