"""Checkpoints of a session: what is refused, what happens where the disk refuses, and whose folder it is."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import torch

import gankit as gk
from examples.anime_faces.errors import RunReplacedError, TrainingDivergedError, UnsavedError
from examples.anime_faces.run import (
    RunFolder,
    _session as module,
    digest,
    kept_steps,
    read_losses,
    saved_steps,
)
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._session import Session

FULL = "no space is left on the disk that this command writes to"

SessionMaker = Callable[..., Session]


@pytest.fixture(autouse=True)
def _no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "draw_curves", lambda lines, path, losses: None)


def _refusing(monkeypatch: pytest.MonkeyPatch, steps: Collection[int], error: OSError) -> None:
    """Let the disk refuse the checkpoints of these steps."""
    save = gk.training.Checkpoints.save

    def refuse(self: gk.training.Checkpoints, step: int, state: Any) -> None:
        if step in steps:
            raise error
        save(self, step, state)

    monkeypatch.setattr(gk.training.Checkpoints, "save", refuse)


def _play(session: Session, steps: int) -> None:
    for step in range(steps):
        session.record.add(step + 1, session.training.play(step, session.feed))


def _newest(folder: RunFolder) -> Any:
    found = gk.training.Checkpoints(folder.checkpoints).load_latest()
    assert found is not None
    return found


def test_what_is_saved_is_the_state_and_its_digest_is_returned(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path, steps=5, keep=(2,))
    _play(session, 2)
    fingerprint = session.save(2)
    step, state = _newest(session.folder)
    assert step == state["step"] == 2
    assert state["settings"] == session.settings.to_dict()
    assert state["draws"] == 2
    assert (
        list(state["recent"]) == ["critic/score", "generator/score", "losses/critic", "losses/generator"]
        or state["recent"]
    )
    torch.testing.assert_close(state["networks"]["critic"], dict(session.training.networks["critic"].state_dict()))
    assert digest(state) == fingerprint
    assert kept_steps(session.folder) == [2]
    assert (session.folder.kept / "checkpoint-2.pt").read_bytes() == (
        session.folder.checkpoints / "checkpoint-2.pt"
    ).read_bytes()


def test_where_the_disk_refuses_the_training_continues_and_saves_again(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _refusing(monkeypatch, {1, 2, 4, 5}, OSError(28, "No space left on device"))
    session = session_in(tmp_path, steps=7, keep=(1, 2, 3, 4, 5))
    assert session.train(0)[0] == 7
    assert capsys.readouterr().out == "".join(
        f"note: step {step} is not saved: {FULL}; the training continues, and saves again in 90 s\n"
        for step in (1, 2, 4, 5)
    )
    assert kept_steps(session.folder) == [3]
    assert saved_steps(session.folder.checkpoints) == [3, 7]


@pytest.mark.parametrize("is_first", [True, False])
def test_the_third_refusal_in_a_row_ends_the_training(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_first: bool
) -> None:
    session = session_in(tmp_path, steps=9, keep=(2, 3, 4, 5))
    if not is_first:
        session.save(0)
    _refusing(monkeypatch, range(1, 10), OSError(28, "No space left on device"))
    there = "there is no checkpoint" if is_first else "the last checkpoint, of step 0, is whole"
    with pytest.raises(UnsavedError) as caught:
        session.train(0)
    assert str(caught.value) == f"step 4 cannot be saved: {FULL}; {there}: make room, and repeat the command"


def test_the_last_state_must_be_saved(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_in(tmp_path, steps=2)
    _refusing(monkeypatch, {2}, OSError(13, "Permission denied", "a file"))
    with pytest.raises(UnsavedError) as caught:
        session.train(0)
    assert str(caught.value).startswith("step 2 cannot be saved: a file: Permission denied; there is no checkpoint:")


def test_another_process_that_writes_there_ends_the_training_at_once(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _refusing(monkeypatch, {1}, OSError("another process saves there"))
    with pytest.raises(OSError, match="another process saves there"):
        session_in(tmp_path, steps=5, keep=(1,)).train(0)


def test_a_weight_that_is_not_finite_is_not_saved(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path)
    with torch.no_grad():
        session.training.networks["critic"].get_parameter("bias").fill_(float("nan"))
    with pytest.raises(TrainingDivergedError, match=r"^step 3: critic\.bias is not finite$"):
        session.save(3)
    assert not saved_steps(session.folder.checkpoints)


def test_a_moment_that_is_not_finite_is_not_saved(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path)
    _play(session, 1)
    for moments in session.training.players["critic"][""].updates[""].optimizer.state.values():
        moments["momentum_buffer"].fill_(float("inf"))
    with pytest.raises(TrainingDivergedError, match=r"^step 3: .*momentum_buffer"):
        session.save(3)
    assert not saved_steps(session.folder.checkpoints)


class _Replaced:
    """A folder that is another one from the given look on."""

    def __init__(self, after: int) -> None:
        self.looks, self.after = 0, after

    def check(self) -> None:
        self.looks += 1
        if self.looks > self.after:
            raise RunReplacedError("replaced")


def test_nothing_is_written_into_a_folder_that_is_another_one(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path, hold=_Replaced(0))
    _play(session, 1)
    with pytest.raises(RunReplacedError):
        session.save(1)
    losses = read_losses(session.folder.raw_losses)
    assert losses is None or not len(losses.steps)


def test_the_folder_is_looked_at_again_before_the_checkpoint_is_written(
    session_in: SessionMaker, tmp_path: Path
) -> None:
    session = session_in(tmp_path, hold=_Replaced(1))
    with pytest.raises(RunReplacedError):
        session.save(1)
    assert not saved_steps(session.folder.checkpoints)


def test_no_grid_is_drawn_into_a_folder_that_is_another_one(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path, hold=_Replaced(0), grid_every=1)
    with pytest.raises(RunReplacedError):
        session.train(0)
    assert [path.name for path in session.folder.grids.iterdir()] == [session.folder.grid(0).name]
    assert session.folder.log.read_text(encoding="utf-8") == ""


def test_losses_are_on_the_disk_before_the_checkpoint_that_follows_them(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_in(tmp_path)
    seen: list[tuple[list[int], list[int]]] = []

    def sync(_: object) -> None:
        losses = read_losses(session.folder.raw_losses)
        assert losses is not None
        seen.append((losses.steps.tolist(), saved_steps(session.folder.checkpoints)))

    monkeypatch.setattr(Record, "sync", sync)
    _play(session, 2)
    session.save(2)
    assert seen == [([1, 2], [])]
