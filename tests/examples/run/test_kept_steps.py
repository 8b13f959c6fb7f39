"""Which checkpoints a folder holds, which are found by their step, and which steps may still be named."""

from pathlib import Path

import pytest

import gankit as gk
from examples.anime_faces.run import RunFolder, checkpoint_of, kept_steps, newest_step
from examples.anime_faces.run._kept import check_kept_steps, keep_checkpoint, kept_in_words, saved_steps


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """The folder of a run that has kept the steps 2, 3 and 5, and has the checkpoints 5 and 7 besides."""
    folder = RunFolder(tmp_path / "run")
    for step in (2, 3, 5):
        keep_checkpoint(folder, step, {"step": step})
    with gk.training.Checkpoints(folder.checkpoints) as checkpoints:
        for step in (3, 5, 7):
            checkpoints.save(step, {"step": step})
    return folder


def test_all_kept_checkpoints_stay_beside_the_newest_two(folder: RunFolder) -> None:
    assert kept_steps(folder) == saved_steps(folder.kept) == [2, 3, 5]
    assert saved_steps(folder.checkpoints) == [5, 7]
    assert newest_step(folder) == 7
    assert gk.training.load_checkpoint(folder.kept / "checkpoint-3.pt")["state"] == {"step": 3}


def test_a_place_without_checkpoints_has_none(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "gone")
    assert saved_steps(folder.path) == kept_steps(folder) == []
    with pytest.raises(ValueError, match=f"^{folder.path} holds no checkpoint; train there first$"):
        newest_step(folder)
    with pytest.raises(ValueError, match=f"^--step must be used with the folder of a run, but {folder.path} holds no"):
        checkpoint_of(folder.path, 3)
    assert not folder.path.exists()


def test_a_step_is_found_among_the_kept_ones_first(folder: RunFolder) -> None:
    assert checkpoint_of(folder.path, 2) == folder.kept / "checkpoint-2.pt"
    assert checkpoint_of(folder.path, 5) == folder.kept / "checkpoint-5.pt"
    assert checkpoint_of(folder.path, 7) == folder.checkpoints / "checkpoint-7.pt"
    with pytest.raises(
        ValueError, match=f"^--step must be one of 2, 3, 5, 7, whose checkpoints {folder.path} holds, but it is 4$"
    ):
        checkpoint_of(folder.path, 4)


def test_steps_that_are_over_can_be_named_only_where_they_are_kept(folder: RunFolder) -> None:
    check_kept_steps([3, 5, 7, 9], folder, trained=7, steps=9)
    check_kept_steps([], folder, trained=7, steps=9)
    for asked, over in (([9, 6, 4], 4), ([3, 6], 6)):
        with pytest.raises(
            ValueError,
            match=f"^--keep must name steps to come, but {over} is over: the run in {folder.path} has done 7 steps$",
        ):
            check_kept_steps(asked, folder, trained=7, steps=9)


def test_steps_beyond_the_plan_are_refused_unless_the_plan_may_change(folder: RunFolder) -> None:
    check_kept_steps([12, 10], folder, trained=7, steps=None)
    with pytest.raises(ValueError, match=r"^--keep must name steps of the plan, which has 9, but 12 is beyond it$"):
        check_kept_steps([8, 12, 10], folder, trained=7, steps=9)


def test_what_will_be_kept_is_put_in_words() -> None:
    assert kept_in_words((2, 9), 9) == "the checkpoints of the steps 2, 9"
    assert kept_in_words((2, 10, 12), 9) == (
        "the checkpoints of the steps 2, 10, 12; beyond the plan, and kept only if it becomes longer: 10, 12"
    )
