"""The order of pictures in shards: a pure function of seed and number, each picture once an epoch, few shards at a time."""

import numpy as np
import pytest

from examples.anime_faces.run._shard_order import ShardOrder

SIZES = (7, 5, 6, 6, 8, 4)
SHARD_OF = np.random.default_rng(0).permutation(np.repeat(np.arange(6), SIZES))


def test_each_lane_uses_every_picture_of_its_shards_once_an_epoch() -> None:
    order = ShardOrder(SHARD_OF, batch_size=1, seed=3)
    assert order.lanes == 1
    found = np.concatenate([order.batch(number) for number in range(3 * 36)]).reshape(3, 36)
    for epoch in found:
        assert sorted(epoch) == list(range(36))
        shards = SHARD_OF[epoch]
        assert (np.diff(shards) != 0).sum() == 5  # one shard after the other
    assert not np.array_equal(found[0], found[1])
    assert not np.array_equal(SHARD_OF[found[0]], SHARD_OF[found[1]])


@pytest.mark.parametrize(("batch_size", "lanes"), [(4, 4), (12, 6), (10, 5), (7, 1), (64, 4)])
def test_every_lane_gives_equally_many_pictures_and_all_are_used_equally(batch_size: int, lanes: int) -> None:
    order = ShardOrder(SHARD_OF, batch_size=batch_size, seed=3)
    assert order.lanes == lanes
    batches = np.stack([order.batch(number) for number in range(900)])
    counts = np.bincount(batches.reshape(-1), minlength=36)
    assert counts.max() - counts.min() <= 0.12 * counts.mean() + 2
    parts = SHARD_OF[batches[0].reshape(lanes, -1)]
    if batch_size // lanes <= min(SIZES):
        assert all(len(set(part)) == 1 for part in parts)
        assert len({int(part[0]) for part in parts}) == lanes


def test_a_batch_is_a_function_of_seed_and_number_alone() -> None:
    through = ShardOrder(SHARD_OF, batch_size=12, seed=3)
    batches = [through.batch(number) for number in range(40)]
    for number in (39, 0, 17, 3):
        assert np.array_equal(ShardOrder(SHARD_OF, batch_size=12, seed=3).batch(number), batches[number])
    assert not np.array_equal(ShardOrder(SHARD_OF, batch_size=12, seed=4).batch(0), batches[0])


def test_shards_without_a_picture_in_use_are_left_out() -> None:
    order = ShardOrder(np.array([9, 9, 2, 2, 2]), batch_size=2, seed=0)
    assert order.lanes == 2
    assert sorted(np.concatenate([order.batch(0), order.batch(1)]).tolist()) != [0, 0, 1, 1]


def lane_of(lane: int, lanes: int, *, epochs: int) -> np.ndarray:
    """The pictures of a lane one after the other, with seed 3; a run that a later version continues depends on them."""
    members = [np.flatnonzero(np.equal(SHARD_OF, shard)) for shard in range(6)]
    found = []
    for epoch in range(epochs):
        dealt = np.random.default_rng((3, epoch, 4)).permutation(6)[lane::lanes]
        found += [np.random.default_rng((3, epoch, shard, 5)).permutation(members[shard]) for shard in dealt.tolist()]
    return np.concatenate(found)


@pytest.mark.parametrize(("batch_size", "lanes"), [(4, 4), (12, 6), (10, 5), (7, 1), (64, 4)])
def test_batches_are_cut_from_the_pictures_of_each_lane(batch_size: int, lanes: int) -> None:
    order, each = ShardOrder(SHARD_OF, batch_size=batch_size, seed=3), batch_size // lanes
    whole = [lane_of(lane, lanes, epochs=24) for lane in range(lanes)]
    for number in (0, 1, 6, 2, 3, 4, 5, 7, 0):
        expected = np.concatenate([lane[number * each : (number + 1) * each] for lane in whole])
        assert order.batch(number).tolist() == expected.tolist()


@pytest.mark.parametrize(("batch_size", "lanes"), [(64, 16), (34, 2), (17, 1), (15, 15), (200, 10)])
def test_there_are_sixteen_lanes_at_most(batch_size: int, lanes: int) -> None:
    assert ShardOrder(np.arange(40), batch_size=batch_size, seed=0).lanes == lanes


def test_each_shard_is_shuffled_once_an_epoch_and_only_a_few_are_in_memory() -> None:
    order = ShardOrder(SHARD_OF, batch_size=3, seed=3)
    for number in range(36):  # three epochs, of three lanes with two shards
        order.batch(number)
    known = order._within.cache_info()
    assert known.currsize <= 6
    assert 18 <= known.misses <= 21  # lanes are not equally long: one may have begun the fourth epoch
