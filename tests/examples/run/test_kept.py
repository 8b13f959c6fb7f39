"""Checkpoints and grids of named steps stay, exactly as the run was then; and commands that use them."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.__main__ import main
from examples.anime_faces.run import (
    RunFolder,
    TrainRequest,
    checkpoint_of,
    digest,
    kept_steps,
    load_any_checkpoint,
    load_generator,
    newest_step,
    train,
)
from examples.anime_faces.systems import Networks
from tests.examples.run.test_train import broken_at, planning, stopping_at

RequestMaker = Callable[..., TrainRequest]
pytestmark = pytest.mark.usefixtures("without_curves")


def test_named_steps_are_kept_with_their_grids_beside_the_newest_two(request_for: RequestMaker, tmp_path: Path) -> None:
    folder = RunFolder(train(request_for(keep=(5, 2))) and tmp_path / "run")
    assert kept_steps(folder) == [2, 5]
    assert newest_step(folder) == 7
    assert len(list(folder.checkpoints.iterdir())) == 2
    assert sorted(path.name for path in folder.grids.glob("*.png")) == [
        f"step-000000{step}.png" for step in (0, 2, 5, 7)
    ]
    usual = train(request_for(out=tmp_path / "usual"))
    assert usual.digest == digest(load_any_checkpoint(tmp_path / "run"))  # keeping changes nothing
    short = train(request_for(out=tmp_path / "short", steps=2))
    kept = load_any_checkpoint(checkpoint_of(tmp_path / "run", 2))
    assert kept["step"] == 2
    assert digest(kept) == short.digest
    assert not RunFolder(tmp_path / "usual").kept.exists()


def test_a_run_that_goes_on_keeps_what_it_kept(request_for: RequestMaker, tmp_path: Path) -> None:
    whole = train(request_for(keep=(2, 5), out=tmp_path / "whole"))
    with stopping_at(random.Random(0).choice([2, 3, 4])):
        train(request_for(keep=(2, 5)))
    train(request_for())  # without naming them again
    folder = RunFolder(tmp_path / "run")
    assert kept_steps(folder) == [2, 5]
    assert digest(load_any_checkpoint(folder.path)) == whole.digest
    for step in (2, 5):
        both = [load_any_checkpoint(checkpoint_of(tmp_path / name, step)) for name in ("run", "whole")]
        assert digest(both[0]) == digest(both[1])
    train(request_for(steps=11, keep=(2, 9)))
    assert kept_steps(folder) == [2, 5, 9]
    assert json.loads(folder.settings.read_text())["keep"] == [2, 5, 9]


@pytest.mark.parametrize("place", ["kept", "checkpoints"])
def test_a_run_that_is_killed_while_it_saves_a_named_step_keeps_it(
    request_for: RequestMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    import gankit as gk

    original = gk.training.Checkpoints.save

    def save(self: gk.training.Checkpoints, step: int, state: Any) -> None:
        if step == 3 and self.folder.name == place and not broken:
            broken.append(step)
            raise RuntimeError("killed")
        original(self, step, state)

    broken: list[int] = []
    monkeypatch.setattr(gk.training.Checkpoints, "save", save)
    with pytest.raises(RuntimeError, match="killed"):
        train(request_for(keep=(3,)))
    train(request_for(keep=(3,)))
    assert kept_steps(RunFolder(tmp_path / "run")) == [3]


def test_the_step_where_a_run_stands_can_be_named_late_and_earlier_ones_cannot(
    request_for: RequestMaker, tmp_path: Path
) -> None:
    train(request_for(steps=4))
    with pytest.raises(ValueError, match=r"--keep must name steps to come, but 3 is over: the run in .*run has done 4"):
        train(request_for(keep=(3, 4)))
    train(request_for(steps=4, keep=(4,)))
    assert kept_steps(RunFolder(tmp_path / "run")) == [4]


def test_steps_beyond_the_plan_are_refused(request_for: RequestMaker) -> None:
    with pytest.raises(ValueError, match="--keep must name steps of the plan, which has 7, but 8 is beyond it"):
        train(request_for(keep=(3, 8)))
    assert not request_for().out.exists()
    with pytest.raises(ValueError, match="--keep must be above 0, and at most 1,000,000,000, but it is 0"):
        request_for(keep=(0,))


def test_steps_beyond_a_plan_of_minutes_are_noted(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planning(monkeypatch, {2: 4})
    request = request_for("default", steps=None, minutes=1.0, keep=(2, 6, 50))
    train(request)
    printed = capsys.readouterr().out
    assert (
        "keep      the checkpoints of the steps 2, 6, 50; beyond the plan, and kept only if it becomes longer: 50"
        in printed
    )
    assert "now 4; 2 are done; not reached and kept: 6" in printed
    assert kept_steps(RunFolder(request.out)) == [2]
    train(request)  # the same command continues, as always


def test_a_checkpoint_is_found_by_its_step(request_for: RequestMaker, tmp_path: Path) -> None:
    train(request_for(keep=(3,)))
    run = tmp_path / "run"
    assert load_generator(checkpoint_of(run, 3)).step == 3
    assert checkpoint_of(run, 7).parent.name == "checkpoints"
    with pytest.raises(ValueError, match=r"--step must be one of 3, 7, whose checkpoints .*run holds, but it is 4"):
        checkpoint_of(run, 4)
    for nowhere in (tmp_path / "nowhere", checkpoint_of(run, 3)):
        with pytest.raises(ValueError, match="--step must be used with the folder of a run, but"):
            checkpoint_of(nowhere, 3)
    with pytest.raises(ValueError, match="nowhere holds no checkpoint; a run beside it: "):
        newest_step(RunFolder(tmp_path / "nowhere"))


def test_a_broken_run_keeps_what_it_kept(request_for: RequestMaker, tmp_path: Path) -> None:
    def kill(networks: Networks) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(broken_at(request_for(keep=(2,)), 4, kill))
    assert load_any_checkpoint(tmp_path / "run")["step"] == 2
    assert kept_steps(RunFolder(tmp_path / "run")) == [2]


def test_the_commands_keep_steps_and_draw_from_them(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, sheet = tmp_path / "run", tmp_path / "sheet.png"
    small = ("--width", "4", "--batch-size", "4", "--steps", "5", "--threads", "1", "--precision", "float32")
    place = ("--recipe", "acgan", "--data", str(faces_folder), "--out", str(run))
    assert main(["train", *place, *small, "--keep", "2", "4"]) == 0
    assert "keep      the checkpoints of the steps 2, 4\n" in capsys.readouterr().out
    assert kept_steps(RunFolder(run)) == [2, 4]
    drawn: list[bytes] = []
    for step in (2, 4, 5):
        assert (
            main(["sample", "blue hair", "--run", str(run), "--out", str(sheet), "--n", "1", "--step", str(step)]) == 0
        )
        assert f"from step {step}" in capsys.readouterr().out
        drawn.append(sheet.read_bytes())
    assert len(set(drawn)) == 3
    assert main(["sample", "blue hair", "--run", str(run), "--out", str(sheet), "--step", "3"]) == 2
    assert "error: --step must be one of 2, 4, 5" in capsys.readouterr().err
