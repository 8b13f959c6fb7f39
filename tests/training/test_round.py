from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
import torch
from hypothesis import given, strategies as st

from gankit.schedules import Round
from gankit.training import BatchesExhaustedError, NonFiniteError, Update, play_round

Log = list[tuple[str, Any]]


def _step(name: str, log: Log) -> Callable[..., dict[str, torch.Tensor]]:
    def step(*inputs: Any) -> dict[str, torch.Tensor]:
        log.append((name, inputs[0] if len(inputs) == 1 else inputs))
        return {"loss": torch.tensor(float(len(log)))}

    return step


def _numbers(start: int = 0, stop: int = 1000) -> Iterator[torch.Tensor]:
    return (torch.tensor(number) for number in range(start, stop))


def _plain(log: Log) -> list[tuple[str, int]]:
    return [(name, int(batch)) for name, batch in log]


counts = st.integers(0, 5)


@given(critic=counts, generator=counts, generator_first=st.booleans(), rounds=st.integers(1, 3))
def test_batches_and_order_follow_the_rules(critic: int, generator: int, generator_first: bool, rounds: int) -> None:
    if critic == generator == 0:
        critic = 1
    round_ = Round(critic, generator=generator, generator_first=generator_first)
    log: Log = []
    batches = _numbers()
    for _ in range(rounds):
        play_round(round_, batches, critic=_step("critic", log), generator=_step("generator", log))
    expected: list[tuple[str, int]] = []
    per_round = max(critic, 1)
    for number in range(rounds):
        first = number * per_round
        critics = [("critic", first + turn) for turn in range(critic)]
        reused = first if generator_first else first + per_round - 1
        generators = [("generator", reused)] * generator
        expected += generators + critics if generator_first else critics + generators
    assert _plain(log) == expected
    assert next(batches).item() == rounds * per_round


def test_terms_are_those_of_the_last_turn_and_prefixed() -> None:
    log: Log = []
    terms = play_round(Round(3), _numbers(), critic=_step("critic", log), generator=_step("generator", log))
    assert {name: term.item() for name, term in terms.items()} == {"critic/loss": 3.0, "generator/loss": 4.0}


def test_a_tuple_or_list_is_the_inputs_and_a_tensor_the_only_one() -> None:
    log: Log = []
    batches: Iterator[Any] = iter([(1, 2), [3, 4], torch.tensor(5)])
    play_round(Round(3), batches, critic=_step("critic", log), generator=_step("generator", log))
    assert log == [("critic", (1, 2)), ("critic", (3, 4)), ("critic", torch.tensor(5)), ("generator", torch.tensor(5))]


def test_named_updates_share_the_turns_batch() -> None:
    log: Log = []
    terms = play_round(
        Round(2),
        _numbers(),
        critic={"real": _step("real", log), "fake": _step("fake", log)},
        generator={"all": _step("all", log)},
    )
    assert _plain(log) == [("real", 0), ("fake", 0), ("real", 1), ("fake", 1), ("all", 1)]
    assert list(terms) == ["critic/real/loss", "critic/fake/loss", "generator/all/loss"]


def test_named_updates_may_have_batches_of_their_own() -> None:
    log: Log = []
    batches = {"critic/real": _numbers(10), "critic/fake": _numbers(20), "generator": _numbers(30)}
    critic = {"real": _step("real", log), "fake": _step("fake", log)}
    play_round(Round(2, generator=2), batches, critic=critic, generator=_step("generator", log))
    assert _plain(log) == [("real", 10), ("fake", 20), ("real", 11), ("fake", 21), ("generator", 30), ("generator", 31)]
    assert [int(next(iterator)) for iterator in batches.values()] == [12, 22, 32]


@pytest.mark.parametrize(("generator_first", "reused"), [(False, 21), (True, 20)])
def test_a_generator_without_batches_shares_those_of_the_last_named_update(generator_first: bool, reused: int) -> None:
    log: Log = []
    batches = {"critic/real": _numbers(10), "critic/fake": _numbers(20)}
    critic = {"real": _step("real", log), "fake": _step("fake", log)}
    round_ = Round(2, generator=2, generator_first=generator_first)
    play_round(round_, batches, critic=critic, generator=_step("generator", log))
    assert [entry for entry in _plain(log) if entry[0] == "generator"] == [("generator", reused)] * 2


def test_the_last_of_three_named_updates_lends_its_batch() -> None:
    log: Log = []
    batches = {f"critic/{name}": _numbers(start) for name, start in (("a", 10), ("b", 20), ("c", 30))}
    critic = {name: _step(name, log) for name in ("a", "b", "c")}
    play_round(Round(), batches, critic=critic, generator=_step("generator", log))
    assert _plain(log) == [("a", 10), ("b", 20), ("c", 30), ("generator", 30)]


def test_no_batch_is_drawn_for_an_update_without_a_turn() -> None:
    log: Log = []
    batches = {"critic": _numbers(10), "generator": _numbers(20)}
    play_round(Round(0, generator=2), batches, critic=_step("critic", log), generator=_step("generator", log))
    assert _plain(log) == [("generator", 20), ("generator", 21)]
    assert int(next(batches["critic"])) == 10


@given(left=st.integers(0, 4), generator_first=st.booleans())
def test_too_few_batches_raise_before_any_step(left: int, generator_first: bool) -> None:
    log: Log = []
    with pytest.raises(BatchesExhaustedError, match=f"batches must hold 5 more for this round, got {left};") as caught:
        play_round(
            Round(5, generator_first=generator_first),
            _numbers(stop=left),
            critic=_step("critic", log),
            generator=_step("generator", log),
        )
    assert log == []
    assert [cast("torch.Tensor", batch).item() for batch in caught.value.left[""]] == list(range(left))
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith("batches must hold")


def test_one_of_several_iterators_may_run_out() -> None:
    log: Log = []
    batches = {"critic": _numbers(), "generator": _numbers(stop=1)}
    with pytest.raises(BatchesExhaustedError, match=r"batches\['generator'\] must hold 2 more"):
        play_round(Round(generator=2), batches, critic=_step("critic", log), generator=_step("generator", log))
    assert log == []


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([torch.ones(1)], "batches must be an iterator, so that rounds go on in it, got list"),
        ({"critic": [1]}, r"batches\['critic'\] must be an iterator"),
        ({"generator": iter([])}, r"got missing \['critic'\], unknown \[\]"),
        ({"critic": iter([]), "": iter([])}, r"got missing \[\], unknown \[''\]"),
    ],
)
def test_batches_that_do_not_fit_are_refused(batches: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        play_round(Round(), batches, critic=_step("critic", []), generator=_step("generator", []))


@pytest.mark.parametrize("player", ["critic", "generator"])
def test_an_empty_turn_is_refused(player: str) -> None:
    turns: dict[str, Any] = {"critic": _step("critic", []), "generator": _step("generator", []), player: {}}
    with pytest.raises(ValueError, match=f"{player} must be an update or a mapping with at least one"):
        play_round(Round(), _numbers(), **turns)


@pytest.mark.parametrize("batch", [{"image": torch.ones(1)}, "text", 3, None, (part for part in ())])
def test_a_batch_of_another_type_is_refused_before_any_step(batch: Any) -> None:
    log: Log = []
    with pytest.raises(
        ValueError, match=f"batches must hold tensors, or tuples or lists .*, got {type(batch).__name__}"
    ):
        play_round(
            Round(2), iter([torch.ones(1), batch]), critic=_step("critic", log), generator=_step("generator", log)
        )
    assert log == []


def test_a_turn_that_forgets_to_return_and_a_round_that_is_a_number_are_named() -> None:
    def good(_: object) -> dict[str, torch.Tensor]:
        return {"loss": torch.tensor(1.0)}

    with pytest.raises(ValueError, match="generator must return a mapping of names to 0-d tensors, got NoneType"):
        play_round(Round(1), iter([torch.ones(1)]), critic=good, generator=lambda _: None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"round must be a Round, got 5: write gankit.schedules.Round\(5\)"):
        play_round(5, iter([torch.ones(1)]), critic=good, generator=good)  # pyright: ignore[reportArgumentType]


def test_an_error_of_numbers_names_the_update_of_the_round():
    weight = torch.nn.Parameter(torch.ones(3))

    def update_by(factor: float) -> Update:
        return Update(torch.optim.SGD([weight]), lambda x: {"loss": (factor * weight * x).sum()})

    turns = {"first": update_by(1.0), "second": update_by(float("nan"))}
    with pytest.raises(NonFiniteError) as caught:
        play_round(Round(1), _numbers(1), critic=turns, generator=turns["first"])
    assert caught.value.__notes__ == ["in the update 'critic/second' of the round"]
