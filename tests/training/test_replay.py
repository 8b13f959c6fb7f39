"""The pool of earlier samples: two mixtures against a list that is changed one sample at a time, and what it never does."""

import gc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.host_reads import HostReads
from support.ranks import as_ranks, run_ranks
from support.strategies import seeds

from gankit.training import Replay, load_checkpoint, save_checkpoint

Rows = list[tuple[float, int]]
capacities = st.sampled_from((0, 1, 2, 3, 5, 7, 11))
calls = st.lists(st.tuples(st.sampled_from(("swap", "half_batch")), st.integers(2, 9)), min_size=1, max_size=12)


def numbered(start: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Images that show their label: no two calls have the same."""
    labels = torch.arange(start, start + count)
    return labels.double().view(-1, 1, 1).expand(count, 2, 3).clone(), labels


def rows_of(images: torch.Tensor, labels: torch.Tensor) -> Rows:
    assert bool((images == images[:, :1, :1]).all()), "an image was mixed with another one"
    return list(zip(images[:, 0, 0].tolist(), labels.tolist(), strict=True))


class ListPool:
    """The same pool as a list, one sample at a time, with the documented draws."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.pool: Rows = []

    def swap(self, rows: Rows, probability: float, rng: torch.Generator) -> Rows:
        result = list(rows)
        waiting = []
        for index, row in enumerate(rows):
            if len(self.pool) < self.capacity:
                self.pool.append(row)
            else:
                waiting.append(index)
        if not waiting or not self.capacity:
            return result
        order = torch.randperm(len(waiting), generator=rng).tolist()
        places = torch.randperm(self.capacity, generator=rng).tolist()
        pairs = list(zip(order, places, strict=False))
        coins = torch.rand(len(pairs), generator=rng).tolist()
        for (which, place), coin in zip(pairs, coins, strict=True):
            if coin < probability:
                index = waiting[which]
                result[index], self.pool[place] = self.pool[place], result[index]
        return result

    def half_batch(self, rows: Rows, rng: torch.Generator) -> Rows:
        half, before = len(rows) // 2, len(self.pool)
        order = torch.randperm(len(rows), generator=rng).tolist()
        drawn = torch.randperm(before, generator=rng).tolist()[:half]
        over = torch.randperm(before, generator=rng).tolist()
        result = list(rows)
        for index, place in zip(order, drawn, strict=False):
            result[index] = self.pool[place]
        for index in order[len(drawn) :][: min(half, self.capacity)]:
            if len(self.pool) < self.capacity:
                self.pool.append(rows[index])
            else:
                self.pool[over.pop(0)] = rows[index]
        return result


@given(seed=seeds, capacity=capacities, calls=calls, probability=st.sampled_from((0.0, 0.3, 0.5, 1.0)))
def test_both_mixtures_equal_a_list_that_is_changed_sample_by_sample(
    seed: int, capacity: int, calls: list[tuple[str, int]], probability: float
) -> None:
    replay, model = Replay(capacity), ListPool(capacity)
    rng, same = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed)
    start = 0
    for name, count in calls:
        images, labels = numbered(start, count)
        start += count
        if name == "swap":
            found = replay.swap(images, labels, probability=probability, rng=rng)
            expected = model.swap(rows_of(images, labels), probability, same)
        else:
            found = replay.half_batch(images, labels, rng=rng)
            expected = model.half_batch(rows_of(images, labels), same)
        assert rows_of(*found) == expected
        assert len(replay) == len(model.pool) <= capacity
        stored = replay.state_dict()["samples"]
        assert rows_of(*stored) == model.pool
        assert torch.equal(rng.get_state(), same.get_state())


@given(seed=seeds, capacity=st.integers(1, 11), counts=st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_a_swap_loses_and_doubles_nothing_once_the_pool_is_full(seed: int, capacity: int, counts: list[int]) -> None:
    replay, rng = Replay(capacity), torch.Generator().manual_seed(seed)
    replay.swap(*numbered(-100, capacity), rng=rng)
    given_rows, returned = rows_of(*replay.state_dict()["samples"]), Counter[tuple[float, int]]()
    for number, count in enumerate(counts):
        current = numbered(10 * number, count)
        given_rows += rows_of(*current)
        returned.update(rows_of(*replay.swap(*current, rng=rng)))
    returned.update(rows_of(*replay.state_dict()["samples"]))
    assert returned == Counter(given_rows)


@given(seed=seeds, count=st.integers(2, 9))
def test_half_of_a_batch_is_from_a_filled_pool_and_half_is_current(seed: int, count: int) -> None:
    replay, rng = Replay(13), torch.Generator().manual_seed(seed)
    replay.swap(*numbered(0, 13), rng=rng)
    _, labels = replay.half_batch(*numbered(100, count), rng=rng)
    assert int((labels < 100).sum()) == count // 2
    assert len(set(labels.tolist())) == count
    entered = [label for _, label in rows_of(*replay.state_dict()["samples"]) if label >= 100]
    assert len(entered) == count // 2
    assert set(entered) <= set(labels.tolist())  # those that the critic sees now
    assert len(replay) == 13


def test_half_batches_fill_the_pool_before_they_overwrite() -> None:
    replay, sizes = Replay(11), []
    for number in range(7):
        mixed = replay.half_batch(*numbered(10 * number, 5))
        sizes.append((len(replay), int((mixed[1] < 10 * number).sum())))
    assert sizes == [(2, 0), (4, 2), (6, 2), (8, 2), (10, 2), (11, 2), (11, 2)]
    (_, labels) = replay.state_dict()["samples"]
    assert len(set(labels.tolist())) == 11
    assert int((labels >= 60).sum()) == 2


def test_every_place_and_every_sample_has_the_same_chance() -> None:
    rng, capacity, count = torch.Generator().manual_seed(5), 5, 4
    places, rows = torch.zeros(capacity), torch.zeros(count)
    for _ in range(3000):
        replay = Replay(capacity)
        replay.swap(*numbered(0, capacity), rng=rng)
        _, labels = replay.half_batch(*numbered(100, count), rng=rng)
        places[labels[labels < 100]] += 1
        rows[labels < 100] += 1
    for found, expected in ((places, 3000 * 2 / capacity), (rows, 3000 * 2 / count)):
        # Binomial counts: five standard deviations are 125 and 137; each count is near its mean of 1200 or 1500.
        assert float((found - expected).abs().max()) < 140


def test_a_swap_has_the_probability_that_was_asked_for() -> None:
    rng, replay = torch.Generator().manual_seed(5), Replay(7)
    replay.swap(*numbered(0, 7), rng=rng)
    for probability in (0.5, 0.2):
        changed = 0
        for number in range(1, 1001):
            images, labels = numbered(100 * number, 3)
            _, mixed = replay.swap(images, labels, probability=probability, rng=rng)
            changed += int((mixed != labels).sum())
        assert abs(changed - 3000 * probability) < 140  # five standard deviations


def test_a_number_equal_to_the_probability_swaps_nothing() -> None:
    replay, rng = Replay(1), torch.Generator().manual_seed(5)
    replay.swap(torch.tensor([7]), rng=rng)
    state = rng.get_state()
    for _ in range(2):  # the sample and its place
        torch.randperm(1, generator=rng)
    number = float(torch.rand(1, generator=rng))
    for probability, expected in ((number, 8), (number + 1e-6, 7)):
        rng.set_state(state)
        assert replay.swap(torch.tensor([8]), probability=probability, rng=rng).item() == expected


@pytest.mark.parametrize("way", ["swap", "half_batch"])
def test_the_pool_shares_no_memory_and_no_graph(way: str) -> None:
    replay = Replay(4)
    images = torch.ones(4, 3, requires_grad=True)
    scaled = images * 2
    mixed = getattr(replay, way)(scaled)
    assert not mixed.requires_grad
    before = replay.state_dict()["samples"][0]
    with torch.no_grad():
        scaled.zero_()
    mixed.zero_()
    replay.state_dict()["samples"][0].zero_()
    (stored,) = replay.state_dict()["samples"]
    assert torch.equal(stored, before)
    assert torch.equal(stored, torch.full_like(stored, 2.0))
    assert stored.grad_fn is None
    assert not stored.requires_grad


@pytest.mark.parametrize("way", ["swap", "half_batch"])
def test_shapes_and_dtypes_stay_and_one_tensor_gives_a_tensor(way: str) -> None:
    replay = Replay(5)
    inputs = (torch.ones(3, 2, 2, dtype=torch.bfloat16), torch.zeros(3, dtype=torch.int64), torch.ones(3, 1).bool())
    for _ in range(4):
        mixed = getattr(replay, way)(*inputs)
        assert isinstance(mixed, tuple)
        assert [(one.shape, one.dtype) for one in mixed] == [(one.shape, one.dtype) for one in inputs]
    assert isinstance(getattr(Replay(5), way)(inputs[0]), torch.Tensor)


def test_without_places_batches_are_returned_unchanged() -> None:
    replay = Replay(0)
    images, labels = numbered(0, 5)
    for mixed in (replay.swap(images, labels), replay.half_batch(images, labels)):
        assert torch.equal(mixed[0], images)
        assert torch.equal(mixed[1], labels)
    assert len(replay) == 0


def test_the_shape_of_no_samples_takes_no_memory() -> None:
    replay = Replay(2)
    replay.load_state_dict({"version": 1, "samples": [torch.empty(0, 2**50)]})
    assert len(replay) == 0
    assert replay.swap(torch.ones(1, 3)).shape == (1, 3)


def test_without_a_generator_the_default_one_draws() -> None:
    def mixed(rng: torch.Generator | None) -> list[Rows]:
        replay = Replay(7)
        torch.manual_seed(3)
        ways = [way for _ in range(5) for way in (replay.swap, replay.half_batch)]
        results = [rows_of(*way(*numbered(10 * number, 4), rng=rng)) for number, way in enumerate(ways)]
        return [*results, rows_of(*replay.state_dict()["samples"])]

    assert mixed(None) == mixed(None) == mixed(torch.Generator().manual_seed(3))


@given(seed=seeds, capacity=capacities, filled=st.integers(0, 9))
def test_a_restored_pool_goes_on_exactly_as_the_saved_one(
    seed: int, capacity: int, filled: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    replay, rng = Replay(capacity), torch.Generator().manual_seed(seed)
    if filled:
        replay.swap(*numbered(0, filled), rng=rng)
    path = tmp_path_factory.mktemp("pool") / "pool.pt"
    save_checkpoint(path, {"pool": replay.state_dict()})
    again, state = Replay(capacity), rng.get_state()
    again.load_state_dict(load_checkpoint(path)["pool"])
    assert len(again) == len(replay)
    results = []
    for pool in (replay, again):
        rng.set_state(state)
        results.append(
            [rows_of(*way(*numbered(20 * n, 5), rng=rng)) for n in range(1, 8) for way in (pool.swap, pool.half_batch)]
        )
    assert results[0] == results[1]


def test_a_state_fits_into_a_larger_pool_and_follows_the_samples() -> None:
    replay = Replay(3)
    replay.swap(torch.full((3, 2), 1.5))
    larger = Replay(5)
    larger.load_state_dict(replay.state_dict())
    mixed = larger.swap(torch.zeros(4, 2, dtype=torch.float64), probability=1.0)
    assert mixed.dtype == torch.float64
    assert len(larger) == 5
    assert set(mixed.flatten().tolist()) == {0.0, 1.5} or float(mixed.sum()) == 0.0
    assert larger.state_dict()["samples"][0].dtype == torch.float64
    kept = replay.state_dict()
    replay.load_state_dict(kept)
    kept["samples"][0].zero_()
    assert torch.equal(replay.state_dict()["samples"][0], torch.full((3, 2), 1.5))


def test_a_full_pool_keeps_as_many_tensors_as_before() -> None:
    replay = Replay(7)

    def living() -> int:
        gc.collect()
        return sum(issubclass(type(one), torch.Tensor) for one in gc.get_objects())

    for number in range(5):
        replay.swap(*numbered(number, 3))
    before = living()
    for number in range(300):
        replay.swap(*numbered(number, 3))
        replay.half_batch(*numbered(number, 3))
    assert living() == before


def test_nothing_waits_for_the_device() -> None:
    replay = Replay(5)
    inputs = torch.empty(4, 3, device="meta"), torch.empty(4, dtype=torch.int64, device="meta")
    with HostReads() as reads:
        for _ in range(4):
            replay.swap(*inputs)
            replay.half_batch(*inputs)
    assert reads.total == 0
    assert len(replay) == 5


def test_mistakes_are_named() -> None:
    for capacity in (-1, 1.5):
        with pytest.raises(ValueError, match="capacity must be"):
            Replay(capacity)  # pyright: ignore[reportArgumentType]
    replay = Replay(5)
    with pytest.raises(ValueError, match="samples must be one tensor or several, got none"):
        replay.swap()  # pyright: ignore[reportCallIssue]
    with pytest.raises(ValueError, match="samples must not be empty"):
        replay.swap(torch.ones(0, 3))
    with pytest.raises(ValueError, match="samples must have a batch axis"):
        replay.half_batch(torch.tensor(1.0))
    with pytest.raises(ValueError, match=r"equally many rows in each tensor, got \[3, 2\]"):
        replay.swap(torch.ones(3, 2), torch.ones(2))
    with pytest.raises(ValueError, match="at least 2 for half a batch, got 1"):
        replay.half_batch(torch.ones(1, 2))
    with pytest.raises(ValueError, match=r"probability must lie in 0\.\.1, got 1\.5"):
        replay.swap(torch.ones(3, 2), probability=1.5)
    assert len(replay) == 0
    replay.swap(torch.ones(3, 2), torch.zeros(3, dtype=torch.int64))
    for other in ((torch.ones(3, 2),), (torch.ones(3, 5), torch.zeros(3).long()), (torch.ones(3, 2), torch.zeros(3))):
        with pytest.raises(ValueError, match="samples must be of the kind of earlier ones"):
            replay.swap(*other)
    assert len(replay) == 3


def test_each_rank_saves_its_own_pool_and_refuses_that_of_another() -> None:
    states = as_ranks(2, lambda rank: filled_by(rank).state_dict())
    assert [(one["rank"], one["ranks"]) for one in states] == [(0, 2), (1, 2)]

    def loading(rank: int) -> list[int]:
        replay = Replay(4)
        for other, words in (
            (states[1 - rank], f"{1 - rank} of 2"),
            (filled_by(0).state_dict() | {"ranks": 3}, "of 3"),
        ):
            with pytest.raises(
                ValueError, match=f"that of rank {rank} of 2, got that of rank .*{words}: save and load"
            ):
                replay.load_state_dict(other)
        assert len(replay) == 0
        replay.load_state_dict(states[rank])
        return replay.state_dict()["samples"][1].tolist()

    assert as_ranks(2, loading) == [[0, 1, 2], [10, 11, 12]]
    with pytest.raises(ValueError, match="must be that of rank 0 of 1, got that of rank 0 of 2"):
        Replay(4).load_state_dict(states[0])


def filled_by(rank: int) -> Replay:
    replay = Replay(4)
    replay.swap(*numbered(10 * rank, 3), rng=torch.Generator().manual_seed(rank))
    return replay


@pytest.mark.slow
def test_pools_of_two_processes_go_on_exactly_and_are_not_exchanged(tmp_path: Path) -> None:
    worker = Path(__file__).with_name("replay_worker.py")
    run_ranks([[str(worker), str(rank), str(tmp_path)] for rank in range(2)])
    results = [load_checkpoint(tmp_path / f"result-{rank}.pt") for rank in range(2)]
    for rank, result in enumerate(results):
        assert result["through"] == result["resumed"]
        assert result["refused"].startswith(
            f"state of a replay pool must be that of rank {rank} of 2, got that of rank {1 - rank}"
        )
    assert results[0]["through"] != results[1]["through"]


def test_a_state_without_ranks_is_that_of_one_process() -> None:
    replay = Replay(4)
    replay.load_state_dict({"version": 1, "samples": [torch.arange(3)]})
    assert len(replay) == 3


def test_wrong_states_are_refused() -> None:
    replay = Replay(2)
    with pytest.raises(ValueError, match="must have version 1, got 2"):
        replay.load_state_dict({"version": 2, "samples": []})
    with pytest.raises(ValueError, match="got none of"):
        replay.load_state_dict({"version": 1})
    for samples in ([torch.ones(2, 3), torch.ones(1)], [torch.tensor(1.0)]):
        with pytest.raises(ValueError, match="must hold tensors with equally many samples"):
            replay.load_state_dict({"version": 1, "samples": samples})
    for samples, why in (
        (["one"], r"samples\[0\] as a dense tensor, got 'one'"),
        (None, "samples as a list of tensors, got None"),
        ([torch.ones(2, 3, device="meta")], r"samples\[0\] with values, got a tensor on meta"),
        ([torch.ones(2, 3), torch.ones(2, 3, 0)], r"none empty, got \[\[2, 3\], \[2, 3, 0\]\]"),
        (
            [torch.ones(2, 3), torch.tensor([1.0, torch.nan])],
            r"finite numbers, got samples\[1\] with 1 NaN of 2 values",
        ),
    ):
        with pytest.raises(ValueError, match=why):
            replay.load_state_dict({"version": 1, "samples": samples})
    with pytest.raises(ValueError, match="that of rank 0 of 1, got that of rank a tensor of shape"):
        replay.load_state_dict({"version": 1, "samples": [], "rank": torch.ones(2), "ranks": 1})
    with pytest.raises(ValueError, match="must fit into capacity 2, got 3 samples"):
        replay.load_state_dict({"version": 1, "samples": [torch.ones(3, 2)]})
    assert len(replay) == 0


@pytest.mark.parametrize("rng", [3, "x", np.random.default_rng(0)], ids=str)
@pytest.mark.parametrize("name", ["swap", "half_batch"])
def test_what_draws_must_be_a_generator(name: str, rng: Any) -> None:
    replay = Replay(3)
    with pytest.raises(ValueError, match=r"rng must be a torch\.Generator or None, got "):
        getattr(replay, name)(torch.ones(2, 3), rng=rng)
    assert len(replay) == 0


def test_a_pool_is_filled_and_loaded_in_inference_mode_and_used_outside() -> None:
    replay, loaded = Replay(3), Replay(3)
    with torch.inference_mode():
        replay.swap(torch.ones(2, 3))
        replay.half_batch(torch.ones(2, 3, dtype=torch.float64))
        loaded.load_state_dict(replay.state_dict())
    for pool in (replay, loaded):
        pool.swap(torch.ones(4, 3))
        pool.half_batch(torch.ones(4, 3))
