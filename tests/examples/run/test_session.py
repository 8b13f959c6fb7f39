"""What a session does after which step: grids, lines of the log, curves, what it reports; and how it stops."""

import re
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.ranks import as_ranks
from support.tiny_session import BATCH, TinyPreview

import gankit as gk
from examples.anime_faces.run import (
    Moment,
    RunFolder,
    Together,
    _session as module,
    kept_steps,
    read_log,
    read_losses,
    saved_steps,
)
from examples.anime_faces.run._session import Session
from examples.anime_faces.systems import Share, Training

Curves = list[tuple[list[int], Path, list[int]]]

SessionMaker = Callable[..., Session]


@pytest.fixture(autouse=True)
def curves(monkeypatch: pytest.MonkeyPatch) -> Curves:
    """The steps of the log, the path, and the steps of the losses of each picture of curves that was to be drawn."""
    drawn: Curves = []

    def draw(lines: Any, path: Path, losses: Any) -> None:
        drawn.append(([line["step"] for line in lines], path, losses.steps.tolist()))

    monkeypatch.setattr(module, "draw_curves", draw)
    return drawn


def logged_steps(folder: Path) -> list[int]:
    return [line["step"] for line in read_log(RunFolder(folder).log)]


def test_grids_logs_and_checkpoints_of_a_run_with_a_kept_step(
    session_in: SessionMaker, tmp_path: Path, curves: Curves
) -> None:
    moments: list[Moment] = []
    preview = TinyPreview()
    session = session_in(tmp_path, steps=5, keep=(3,), grid_every=2, preview=preview, watch=moments.append)
    step, fingerprint = session.train(0)
    folder = session.folder
    assert (step, fingerprint) == (5, module.digest(session._state(5)))
    assert preview.drawn == [folder.grid(number).name for number in (0, 2, 3, 4, 5)]
    seen = [(one.done, one.total, one.has_new_grid) for one in moments]
    assert seen == [(0, 5, True), (1, 5, False), (2, 5, True), (3, 5, True), (4, 5, True), (5, 5, True)]
    assert moments[0].seconds_left is None
    assert moments[5].seconds_left == 0.0
    assert all(one.seconds_left is not None and one.seconds_left > 0 for one in moments[1:5])
    lines = read_log(folder.log)
    assert [line["step"] for line in lines] == [2, 3, 4, 5]
    assert [line["images"] for line in lines] == [BATCH * number for number in (2, 3, 4, 5)]
    assert [line["grid"] for line in lines] == [{"average/variety": 0.25}] * 4
    assert all(line["images_per_second"] > 0 for line in lines)
    losses = read_losses(folder.raw_losses)
    assert losses is not None
    assert losses.steps.tolist() == [1, 2, 3, 4, 5]
    assert (kept_steps(folder), saved_steps(folder.checkpoints)) == ([3], [3, 5])
    assert curves == [
        ([2, 3], folder.losses, [1, 2, 3]),
        ([2, 3, 4, 5], folder.losses, [1, 2, 3, 4, 5]),
    ]


def test_without_grids_the_log_has_a_line_now_and_then_and_one_at_the_end(
    session_in: SessionMaker, tmp_path: Path
) -> None:
    session = session_in(tmp_path, steps=9, every=4)
    session.train(0)
    assert logged_steps(tmp_path) == [4, 8, 9]
    assert ["grid" in line for line in read_log(session.folder.log)] == [False, False, True]


def test_the_state_is_saved_and_logged_when_more_than_90_seconds_have_passed(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, curves: Curves
) -> None:
    clock = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.seconds))

    def pacer(step: int, steps: int, elapsed: float) -> int:
        clock.seconds += 45.0
        return steps

    session = session_in(tmp_path, steps=7, pacer=pacer)
    session.train(0)
    assert logged_steps(tmp_path) == [3, 6, 7]
    assert [losses for _, _, losses in curves] == [[1, 2, 3], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 7]]
    assert saved_steps(session.folder.checkpoints) == [6, 7]


def test_a_session_that_continues_draws_no_grid_of_the_start_and_keeps_a_step_that_is_named_late(
    session_in: SessionMaker,
    tmp_path: Path,
) -> None:
    moments: list[Moment] = []
    session = session_in(tmp_path, steps=5, keep=(3,), watch=moments.append)
    assert session.train(3)[0] == 5
    assert kept_steps(session.folder) == [3]
    assert isinstance(session.preview, TinyPreview)
    assert session.preview.drawn == [session.folder.grid(5).name]
    assert (moments[0].done, moments[0].total, moments[0].has_new_grid) == (3, 5, True)
    assert [one.done for one in moments] == [3, 4, 5]


def test_a_step_that_is_kept_already_is_not_written_again(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path, steps=3, keep=(3,))
    session.save(3)
    kept = session.folder.kept / "checkpoint-3.pt"
    written = kept.stat().st_ino, kept.stat().st_mtime_ns
    assert session.train(3) == (3, module.digest(session._state(3)))
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == written


def test_a_finished_run_is_not_trained_on(session_in: SessionMaker, tmp_path: Path) -> None:
    session = session_in(tmp_path, steps=3)
    for done in (3, 4):
        assert session.train(done) == (done, module.digest(session._state(done)))
    assert not logged_steps(tmp_path)
    assert not saved_steps(session.folder.checkpoints)


def test_a_signal_ends_the_session_after_the_step_that_it_interrupts(session_in: SessionMaker, tmp_path: Path) -> None:
    def interrupt(moment: Moment) -> None:
        if moment.done == 2:
            session.signals.caught = signal.SIGTERM

    session = session_in(tmp_path, steps=5, watch=interrupt)
    assert session.train(0)[0] == 2
    assert session.signals.caught == signal.SIGTERM
    assert saved_steps(session.folder.checkpoints) == [2]
    assert logged_steps(tmp_path) == [2]


@pytest.mark.parametrize("caught", [None, signal.SIGINT])
def test_a_signal_to_one_rank_stops_all_and_each_says_so(
    session_in: SessionMaker, tmp_path: Path, caught: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions = [session_in(tmp_path / str(rank), together=Together(Share(rank=rank, ranks=2))) for rank in range(2)]
    sessions[1].signals.caught = caught
    assert as_ranks(2, lambda rank: sessions[rank]._is_stopped()) == [bool(caught)] * 2
    assert [one.signals.caught for one in sessions] == [caught] * 2
    printed = capsys.readouterr()
    assert printed.err == ("finishing this step, then saving\n" * 2 if caught else "")
    assert printed.out == ""


def test_alone_the_signal_was_announced_already(
    session_in: SessionMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = session_in(tmp_path)
    assert not session._is_stopped()
    assert session.signals.caught is None
    session.signals.caught = signal.SIGINT
    assert session._is_stopped()
    assert capsys.readouterr() == ("", "")


def test_pictures_that_cannot_be_written_are_noted_once(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object) -> Any:
        raise OSError(28, "No space left on device", "a picture")

    preview = TinyPreview()
    monkeypatch.setattr(preview, "draw", refuse)
    monkeypatch.setattr(module, "draw_curves", refuse)
    session = session_in(tmp_path, steps=3, grid_every=1, preview=preview)
    assert session.train(0)[0] == 3
    assert capsys.readouterr().out == "note: a picture: No space left on device; the training continues\n"
    assert ["grid" in line for line in read_log(session.folder.log)] == [False] * 3
    assert saved_steps(session.folder.checkpoints) == [3]


def test_the_bar_ends_with_steps_and_updates_before_the_last_state_is_saved(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(gk.training.Checkpoints, "save", lambda *_: shown.append(capsys.readouterr().err))
    session_in(tmp_path, steps=4).train(1)
    (text,) = shown
    last = text.splitlines()[-1]
    assert re.fullmatch(r"training: 4 of 4 steps, .*, \d+ images/s, 4 critic and 4 generator updates", last), text


def test_time_spent_on_compiling_is_said_with_the_step(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play, played = Training.play, list[int]()

    def counted(self: Training, step: int, batches: Any) -> dict[str, torch.Tensor]:
        played.append(step)
        return play(self, step, batches)

    monkeypatch.setattr(Training, "play", counted)
    monkeypatch.setattr(Training, "compile_seconds", property(lambda _: 5.0 + 12.0 * min(1, len(played))))
    session_in(tmp_path, steps=3).train(0)
    assert played == [0, 1, 2]
    assert capsys.readouterr().out == "compiled  updates of step 1 for the first time: 12 s\n"


def test_a_training_that_diverges_is_told_once_with_what_to_do(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "cure_of", lambda recipe, options: f"lower the rates of {recipe} {options}")
    session = session_in(tmp_path, steps=3, grid_every=1)
    with torch.no_grad():
        session.training.networks["critic"].get_parameter("weight").fill_(6.0)
    session.train(0)
    assert re.fullmatch(
        r"note: step 1: the training has diverged: the weights of the critic are 5\.\d on average; Ctrl-C stops it; "
        r"lower the rates of acgan {'width': 4}\n",
        capsys.readouterr().out,
    )
    assert [line["states"] for line in read_log(session.folder.log)] == [["training diverged"]] * 3
