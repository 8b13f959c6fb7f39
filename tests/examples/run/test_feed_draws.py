"""What is drawn by the seed: the same pictures in the same order, in this version and in later ones."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import gankit as gk
from examples.anime_faces.run import Feed
from examples.anime_faces.run._stores import MappedStore, ResidentStore
from examples.anime_faces.systems import Description, Hardware, Selection, Share

IMAGES = np.arange(11, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2).repeat(3, 3)
ROWS = np.array([0, 2, 3, 5, 7, 8, 10])
CONDITIONS = np.array([0, 0, 1, 0, 1, 0, 0])


def selected(conditions: np.ndarray | None = CONDITIONS, **changes: Any) -> Selection:
    return Selection(rows=ROWS, conditions=conditions, description=Description(size=2, kind="table"), **changes)


def feed(batch_size: int, selection: Selection | None = None, **changes: Any) -> Feed:
    options = {"seed": 5, "hardware": Hardware(), **changes}
    return Feed(ResidentStore(IMAGES, "cpu"), selection or selected(), batch_size=batch_size, **options)


def drawn(*key: int) -> np.random.Generator:
    """The random numbers of seed 5 and a key; a run that is continued by a later version depends on them."""
    return np.random.default_rng((5, *key))


def test_epochs_are_permutations_that_are_cut_into_batches() -> None:
    whole = np.concatenate([drawn(epoch).permutation(7) for epoch in range(9)])
    small, large = feed(3), feed(19)
    for number in range(20):
        assert small.rows(number).tolist() == whole[3 * number : 3 * number + 3].tolist()
    for number in range(3):  # each reaches into three epochs or four
        assert large.rows(number).tolist() == whole[19 * number : 19 * number + 19].tolist()


def test_with_replacement_each_batch_is_drawn_by_its_number() -> None:
    batches = feed(4, replacement=True)
    for number in (0, 1, 30):
        assert batches.rows(number).tolist() == drawn(number, 3).integers(7, size=4).tolist()


def test_a_picture_that_mixes_a_batch_is_drawn_by_the_number_of_the_batch() -> None:
    plain, mixed = feed(2), feed(2, selected(mixed=True))
    others: Any = {0: [2, 4], 1: [0, 1, 3, 5, 6]}  # the positions of the other condition
    replaced = 0
    for number in range(20):
        first, second = plain.rows(number).tolist()
        if CONDITIONS[first] == CONDITIONS[second]:
            second = drawn(number, 2).choice(others[CONDITIONS[first]])
            replaced += 1
        assert mixed.rows(number).tolist() == [first, second]
    assert replaced > 2


def test_partners_are_drawn_block_by_block_by_the_number_of_the_batch() -> None:
    grouped, leaders = feed(6, group=3), feed(2)
    same: Any = {0: [0, 1, 3, 5, 6], 1: [2, 4]}
    for number in range(12):
        rng, leading = drawn(number, 1), leaders.rows(number).tolist()
        partners = [rng.choice(same[CONDITIONS[leader]]) for _ in range(2) for leader in leading]
        assert grouped.rows(number).tolist() == [*leading, *partners]


def test_partners_of_many_pictures_are_chosen_from_them_in_order() -> None:
    conditions = np.random.default_rng(0).integers(3, size=(90, 2))
    selection = Selection(rows=np.arange(90), conditions=conditions, description=Description(size=2, kind="table"))
    grouped = Feed(
        ResidentStore(np.zeros((90, 2, 2, 3), np.uint8), "cpu"),
        selection,
        batch_size=40,
        seed=5,
        hardware=Hardware(),
        group=2,
    )
    leading = drawn(0).permutation(90)[:20].tolist()
    same = [np.flatnonzero((conditions == conditions[leader]).all(axis=1)) for leader in leading]
    rng = drawn(0, 1)
    assert grouped.rows(0).tolist() == [*leading, *(rng.choice(peers) for peers in same)]


def test_each_rank_gets_its_part_of_every_block() -> None:
    whole = feed(12, group=3).rows(4).reshape(3, 2, 2)  # blocks, ranks, pictures
    for rank in range(2):
        part = feed(12, group=3, share=Share(rank=rank, ranks=2))
        part.draws = 4
        assert ((next(part)[0][:, 0, 0, 0] + 1) * 127.5).round().tolist() == ROWS[whole[:, rank]].reshape(-1).tolist()


@pytest.mark.parametrize("size", [0, 100_001])
def test_a_batch_has_a_hundred_thousand_pictures_at_most(size: int) -> None:
    assert feed(100_000).batch_size == 100_000
    with pytest.raises(ValueError, match=f"^batch size must be at least 1 and at most 100,000, but it is {size}$"):
        feed(size)


def test_a_batch_that_ranks_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a multiple of 6, and at least 6, for 2 ranks and 3 pictures of each"):
        feed(9, group=3, share=Share(ranks=2))


def test_everything_is_on_the_device() -> None:
    """The device `meta` stands for any other than the processor."""
    meta = Hardware(device="meta")
    store = ResidentStore(IMAGES, "meta")
    for vectors, shape in ((None, (3,)), (torch.ones(2, 5), (3, 5))):
        images, condition = next(Feed(store, selected(vectors=vectors), batch_size=3, seed=0, hardware=meta))
        assert condition is not None
        assert (images.device.type, images.shape) == ("meta", (3, 3, 2, 2))
        assert (condition.device.type, condition.shape) == ("meta", shape)


def test_pictures_are_in_the_layout_of_the_hardware() -> None:
    for channels_last in (True, False):
        images, _ = next(feed(3, hardware=Hardware(channels_last=channels_last)))
        assert images.is_contiguous(memory_format=torch.channels_last) == channels_last
        assert images.is_contiguous() != channels_last


def test_the_feed_of_a_system_is_made_of_its_batches() -> None:
    def shared(step: int) -> gk.schedules.Round:
        return gk.schedules.Round(1 + step % 2)

    for changes in ({"group": 3}, {"replacement": True, "share": Share(rank=1, ranks=2)}):
        options: dict[str, Any] = {"shared": shared, "group": 1, "replacement": False, "share": Share(), **changes}
        share = options.pop("share")
        system: Any = SimpleNamespace(batch_size=12, **options)
        made = Feed.of_system(
            system,
            ResidentStore(IMAGES, "cpu"),
            selected(),
            seed=5,
            hardware=Hardware(channels_last=False),
            share=share,
        )
        expected = feed(12, share=share, hardware=Hardware(channels_last=False), **options)
        assert made.batch_size == 12
        for _ in range(5):
            for one, other in zip(next(made), next(expected), strict=True):
                assert one is not None
                assert other is not None
                assert torch.equal(one, other)
                assert one.stride() == other.stride()


def test_a_feed_is_its_own_iterator_and_counts_its_draws() -> None:
    batches = feed(3)
    assert iter(batches) is batches
    for count in range(3):
        assert batches.draws == count
        next(batches)


class _Recorded(MappedStore):
    """A store that notes what is read; its batches stay on the host, which needs no device."""

    def __init__(self) -> None:
        super().__init__(IMAGES, "cpu")
        self.read: list[list[int]] = []

    def take(self, rows: np.ndarray) -> torch.Tensor:
        self.read.append(rows.tolist())
        return super().take(rows)


@pytest.fixture
def ahead() -> Callable[[], tuple[Feed, _Recorded]]:
    """Make a feed that reads pictures for a CUDA device."""

    def make() -> tuple[Feed, _Recorded]:
        store = _Recorded()
        return Feed(store, selected(None), batch_size=3, seed=5, hardware=Hardware(device="cuda")), store

    return make


def read_so_far(batches: Feed) -> None:
    assert batches._ahead is not None
    batches._ahead[1].result()


def test_pictures_on_disk_are_read_one_batch_ahead_of_a_cuda_device(
    ahead: Callable[[], tuple[Feed, _Recorded]],
) -> None:
    batches, store = ahead()
    plain = feed(3, selected(None))
    for number in range(4):
        assert torch.equal(next(batches)[0], next(plain)[0])
        read_so_far(batches)
        assert store.read == [ROWS[plain.rows(one)].tolist() for one in range(number + 2)]
    batches.draws = 1  # what was read ahead is of no use
    assert torch.equal(next(batches)[0], next(at(plain, 1))[0])
    read_so_far(batches)
    assert store.read[5:] == [ROWS[plain.rows(one)].tolist() for one in (1, 2)]


def at(batches: Feed, draws: int) -> Feed:
    batches.draws = draws
    return batches


def test_a_batch_that_updates_share_is_read_once() -> None:
    store = _Recorded()
    batches = Feed(
        store, selected(None), batch_size=3, seed=5, hardware=Hardware(), shared=lambda _: gk.schedules.Round(2)
    )
    for _ in range(4):
        next(batches)
    assert store.read == [ROWS[batches.rows(number)].tolist() for number in (0, 1)]


def test_pictures_that_are_on_the_device_are_not_read_ahead() -> None:
    assert feed(3, selected(None), hardware=Hardware(device="cuda"))._reader is None


def test_pictures_for_the_processor_are_read_when_they_are_drawn() -> None:
    store = _Recorded()
    batches = Feed(store, selected(None), batch_size=3, seed=5, hardware=Hardware())
    next(batches)
    assert store.read == [ROWS[batches.rows(0)].tolist()]
    assert batches._reader is None
