import numpy as np
import pytest
import torch

import gankit as gk
from examples.anime_faces.run import Feed
from examples.anime_faces.run._stores import ResidentStore
from examples.anime_faces.systems import Description, Hardware, Selection, Share

COUNT = 7
IMAGES = np.arange(11, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2).repeat(3, 3)
ROWS = np.array([0, 2, 3, 5, 7, 8, 10])


def feed(
    batch_size: int,
    *,
    seed: int = 0,
    shared: gk.schedules.Schedule | None = None,
    labeled: bool = True,
    replacement: bool = False,
) -> Feed:
    selection = Selection(
        rows=ROWS,
        conditions=ROWS[:, None].astype(np.int64) if labeled else None,
        description=Description(size=2, kind="table"),
    )
    return Feed(
        ResidentStore(IMAGES, "cpu"),
        selection,
        batch_size=batch_size,
        seed=seed,
        hardware=Hardware(),
        shared=shared,
        replacement=replacement,
    )


def shown(images: torch.Tensor) -> list[int]:
    return ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


@pytest.mark.parametrize("batch_size", [1, 3, 7, 19])
def test_every_epoch_shows_every_picture_once(batch_size: int) -> None:
    batches = feed(batch_size)
    seen = [picture for _ in range(5 * COUNT) for picture in shown(next(batches)[0])]
    for epoch in range(len(seen) // COUNT):
        assert sorted(seen[epoch * COUNT : (epoch + 1) * COUNT]) == ROWS.tolist()


def test_pictures_keep_their_conditions() -> None:
    batches = feed(3)
    for _ in range(9):
        images, condition = next(batches)
        assert condition is not None
        assert shown(images) == condition[:, 0].tolist()


def test_one_integer_resumes_it() -> None:
    whole, resumed = feed(3), feed(3)
    for _ in range(5):
        next(whole)
    resumed.draws = 5
    for _ in range(6):
        torch.testing.assert_close(next(resumed)[0], next(whole)[0])


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    first = [shown(next(feed(7))[0]) for _ in range(2)]
    assert first[0] == first[1]
    assert shown(next(feed(7, seed=1))[0]) != first[0]
    batches = feed(7)
    assert shown(next(batches)[0]) != shown(next(batches)[0])


def test_with_replacement_every_picture_is_drawn_each_time_alike() -> None:
    batches, other, again = (feed(COUNT, seed=seed, replacement=True) for seed in (0, 1, 0))
    drawn = [shown(next(batches)[0]) for _ in range(600)]
    assert any(len(set(pictures)) < COUNT for pictures in drawn[:10])  # twice in a batch
    for place in (0, COUNT - 1):  # 600 draws of 7 pictures: 86 each, with a standard deviation of 9
        counts = np.bincount([pictures[place] for pictures in drawn])[ROWS]
        assert counts.min() > 45
        assert counts.max() < 130
    assert len({tuple(pictures) for pictures in drawn}) > 590
    assert shown(next(other)[0]) != drawn[0]
    again.draws = 400
    images, condition = next(again)
    assert condition is not None
    assert shown(images) == condition[:, 0].tolist() == drawn[400]


def updates_of(step: int) -> gk.schedules.Round:
    return gk.schedules.Round((3, 1, 0, 2)[step % 4])


def test_the_updates_of_a_round_share_a_batch_however_many_they_are() -> None:
    plain, shared = feed(3), feed(3, shared=updates_of)
    fresh = [shown(next(plain)[0]) for _ in range(6)]
    drawn = [shown(next(shared)[0]) for _ in range(11)]
    # A round without critic updates draws one batch, for the generator.
    assert drawn == [fresh[number] for number in (0, 0, 0, 1, 2, 3, 3, 4, 4, 4, 5)]


@pytest.mark.parametrize("draws", range(11))
def test_shared_batches_resume_too(draws: int) -> None:
    whole, resumed = feed(3, shared=updates_of), feed(3, shared=updates_of)
    drawn = [shown(next(whole)[0]) for _ in range(13)]
    for begin in (draws, 0, draws):  # back to the beginning as well
        resumed.draws = begin
        assert [shown(next(resumed)[0]) for _ in range(2)] == drawn[begin : begin + 2]


def test_unlabeled_pictures_have_no_condition() -> None:
    assert next(feed(2, labeled=False))[1] is None


def test_a_batch_holds_something() -> None:
    with pytest.raises(ValueError, match="batch size must be at least 1 and at most 100,000, but it is 0"):
        feed(0)


def test_groups_are_of_one_condition_and_led_by_the_order() -> None:
    conditions = np.array([[0, 0], [0, 1], [0, 0], [2, 1], [0, 1], [0, 0], [0, 0]])
    selection = Selection(rows=ROWS, conditions=conditions, description=Description(size=2, kind="table"))
    store, usual = ResidentStore(IMAGES, "cpu"), {"seed": 0, "hardware": Hardware()}
    grouped = Feed(store, selection, batch_size=8, group=4, **usual)
    plain = Feed(store, selection, batch_size=2, **usual)
    partners: set[tuple[int, int]] = set()
    for _ in range(40):
        images, condition = next(grouped)
        assert condition is not None
        leaders = shown(next(plain)[0])
        assert shown(images)[:2] == leaders
        for index in range(2):
            assert len({tuple(row) for row in condition[index::2].tolist()}) == 1
            partners |= {(leaders[index], partner) for partner in shown(images)[2 + index :: 2]}
    rows = ROWS.tolist()
    same = {(rows[a], rows[b]) for a in range(7) for b in range(7) if conditions[a].tolist() == conditions[b].tolist()}
    assert partners == same  # every partner of the same condition comes, and no other
    again = Feed(store, selection, batch_size=8, group=4, **usual)
    again.draws = 39
    last = shown(next(again)[0])
    again.draws = 39
    assert shown(next(again)[0]) == last


def test_groups_divide_the_batch() -> None:
    selection = Selection(rows=ROWS, conditions=None, description=Description(size=2, kind="table"))
    store = ResidentStore(IMAGES, "cpu")
    with pytest.raises(ValueError, match="batch size must be a multiple of 4, but it is 6"):
        Feed(store, selection, batch_size=6, seed=0, hardware=Hardware(), group=4)
    feed = Feed(store, selection, batch_size=7, seed=0, hardware=Hardware(), group=7)
    assert sorted(shown(next(feed)[0])) == ROWS.tolist()  # nothing to group by


def test_vectors_are_handed_out_in_the_place_of_their_indices() -> None:
    vectors = torch.randn(3, 5)
    conditions = np.array([0, 2, 1, 2, 0, 0, 1])
    selection = Selection(
        rows=ROWS, conditions=conditions, description=Description(size=2, kind="table"), vectors=vectors, mixed=True
    )
    batches = Feed(ResidentStore(IMAGES, "cpu"), selection, batch_size=3, seed=0, hardware=Hardware())
    index_of = dict(zip(ROWS.tolist(), conditions.tolist(), strict=True))
    for _ in range(9):
        images, condition = next(batches)
        torch.testing.assert_close(condition, vectors[[index_of[picture] for picture in shown(images)]])


def test_mixed_batches_hold_two_conditions_whatever_the_shares() -> None:
    conditions = np.array([0, 0, 0, 1, 0, 0, 0])
    usual = {"rows": ROWS, "conditions": conditions, "description": Description(size=2, kind="table")}
    feeds = [
        Feed(ResidentStore(IMAGES, "cpu"), Selection(**usual, mixed=mixed), batch_size=2, seed=3, hardware=Hardware())
        for mixed in (True, False)
    ]
    replaced = 0
    for number in range(60):
        mixed, plain = (feed.rows(number) for feed in feeds)
        assert set(conditions[mixed].tolist()) == {0, 1}
        if set(conditions[plain].tolist()) == {0, 1}:
            assert mixed.tolist() == plain.tolist()
        else:
            assert mixed[0] == plain[0]
            replaced += 1
        assert feeds[0].rows(number).tolist() == mixed.tolist()
    assert 20 < replaced < 60
    with pytest.raises(ValueError, match="batch size must be at least 2, for two different conditions, but it is 1"):
        Feed(ResidentStore(IMAGES, "cpu"), Selection(**usual, mixed=True), batch_size=1, seed=0, hardware=Hardware())


@pytest.mark.parametrize("rank", [0, 1])
def test_mixed_batches_hold_two_conditions_in_the_part_of_each_rank(rank: int) -> None:
    conditions = np.array([0, 0, 0, 1, 0, 0, 0])
    description = Description(size=2, kind="table")
    selection = Selection(rows=ROWS, conditions=conditions, description=description, mixed=True)
    share, replaced = Share(rank=rank, ranks=2), 0
    batches = Feed(ResidentStore(IMAGES, "cpu"), selection, batch_size=4, seed=3, hardware=Hardware(), share=share)
    for number in range(40):
        part = batches.rows(number)[2 * rank : 2 * rank + 2]
        images, condition = next(batches)
        assert condition is not None
        assert set(condition.tolist()) == {0, 1}
        assert shown(images)[0] == ROWS[part[0]]
        if set(conditions[part].tolist()) == {0, 1}:
            assert shown(images) == ROWS[part].tolist()
        else:
            replaced += 1
    assert 0 < replaced < 40


def test_only_the_orders_of_two_epochs_are_in_memory() -> None:
    batches, again = feed(3), feed(3)
    for _ in range(30):
        next(batches)
        assert batches._order.cache_info().currsize <= 2
    for number in (8, 0):  # an order that was given up is drawn again, alike
        assert batches.rows(number).tolist() == again.rows(number).tolist()
