"""Training on pictures in shards: ranks share them, partners are near, and a stopped run goes on bit for bit."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from examples.anime_faces.data import Dataset, ShardedImages, write_shards
from examples.anime_faces.run import Feed, TrainRequest, choose_store, train
from examples.anime_faces.run._stores import ShardStore
from examples.anime_faces.systems import ExactlyOne, Hardware, Selection, Share

pytest.importorskip("webdataset", reason="needs the package webdataset of the extra `examples`")


@pytest.fixture(scope="module")
def sharded(faces_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The faces in 8 shards."""
    folder = tmp_path_factory.mktemp("sharded") / "faces"
    shutil.copytree(faces_folder, folder)
    return write_shards(Dataset.open(folder), 8)


def _feed(
    dataset: Dataset, *, share: Share | None = None, group: int = 1, replacement: bool = False, batch_size: int = 16
) -> Feed:
    dataset = Dataset.open(dataset.path)  # with no shard in memory
    store = choose_store(dataset.images, Hardware())
    assert isinstance(store, ShardStore)
    return Feed(
        store,
        _selection(dataset),
        batch_size=batch_size,
        seed=3,
        hardware=Hardware(),
        group=group,
        share=share or Share(),
        replacement=replacement,
    )


def _selection(dataset: Dataset) -> Selection:
    return ExactlyOne().select(dataset)


@pytest.mark.parametrize("group", [1, 4])
def test_ranks_get_the_batches_of_one_process_and_read_shards_of_their_own(sharded: Dataset, group: int) -> None:
    whole = _feed(sharded, group=group)
    parts = [_feed(sharded, share=Share(rank=rank, ranks=2), group=group) for rank in range(2)]
    for _ in range(3):
        images, conditions = next(whole)
        found = [next(part) for part in parts]
        for of, of_parts in ((images, [one[0] for one in found]), (conditions, [one[1] for one in found])):
            assert of is not None
            blocks = [part.unflatten(0, (group, -1)) for part in of_parts if part is not None]
            assert torch.equal(torch.cat(blocks, dim=1).flatten(0, 1), of)
    shards = sharded.images.shards[_selection(sharded).rows]  # pyright: ignore[reportAttributeAccessIssue]
    first, second = (set(shards[part._own_rows(0)].tolist()) for part in parts)
    assert first
    assert second
    assert not first & second


def test_pictures_and_conditions_belong_together_and_partners_have_the_same(sharded: Dataset) -> None:
    feed, selection = _feed(sharded, group=4), _selection(sharded)
    images, conditions = next(feed)
    rows = feed.rows(0)
    assert conditions is not None
    assert torch.equal(conditions, torch.from_numpy(selection.conditions)[rows])
    shown = ((images + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(shown, sharded.images[selection.rows[rows]])
    leaders = rows.reshape(4, 4)
    shards = sharded.images.shards[selection.rows]  # pyright: ignore[reportAttributeAccessIssue]
    assert (shards[leaders] == shards[leaders[0]]).all()
    assert all(torch.equal(block, conditions[:4]) for block in conditions.split(4))


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_rank_keeps_the_shards_of_two_batches_and_reads_those_of_later_ones(sharded: Dataset, ranks: int) -> None:
    feed = _feed(sharded, share=Share(rank=ranks - 1, ranks=ranks))
    images, lanes = feed._store.images, feed._shards.lanes  # pyright: ignore[reportAttributeAccessIssue,reportOptionalMemberAccess]
    assert lanes == 8
    assert images.kept == 2 * lanes // ranks + 2
    rows = _selection(sharded).rows
    with mock.patch.object(ShardedImages, "read_ahead") as read_ahead:
        for number in range(3):
            next(feed)
            (later,) = read_ahead.call_args.args
            assert np.array_equal(later, rows[feed._own_rows(number + 8)])


def test_what_cannot_be_streamed_is_refused(sharded: Dataset) -> None:
    with pytest.raises(ValueError, match="pictures in shards cannot be drawn with replacement"):
        _feed(sharded, replacement=True)
    with pytest.raises(ValueError, match="the batch size must be a multiple of 3"):
        _feed(sharded, share=Share(ranks=3))
    with pytest.raises(
        ValueError,
        match=r"^3 ranks cannot share 8 lanes of shards: give a number of ranks that divides it, or another",
    ):
        _feed(sharded, share=Share(ranks=3), batch_size=48)
    with pytest.raises(ValueError, match="a data set in shards cannot be joined with a second one"):
        choose_store(sharded.images, Hardware(), second=sharded.images)


@pytest.fixture
def _without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._session.draw_curves", lambda lines, path, losses: None)


@pytest.mark.usefixtures("_without_curves")
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    sharded: Dataset, request_for: Callable[..., TrainRequest], tmp_path: Path
) -> None:
    request = request_for(data=sharded.path, steps=6, out=tmp_path / "whole")
    whole = train(request)
    cut = replace(request, out=tmp_path / "cut", steps=3)
    assert train(cut).digest != whole.digest
    assert train(replace(cut, steps=6)).digest == whole.digest
    assert isinstance(Dataset.open(sharded.path).images, ShardedImages)
