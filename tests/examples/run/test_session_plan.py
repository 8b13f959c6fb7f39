"""A plan that changes on the way, and a rank that is not the first and writes nothing."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from support.tiny_session import tiny_parts

import gankit as gk
from examples.anime_faces.run import Feed, Moment, Together, _session as module, kept_steps, read_log, saved_steps
from examples.anime_faces.run._session import Session
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._state import restore_state
from examples.anime_faces.systems import Share, Training

SessionMaker = Callable[..., Session]


@pytest.fixture(autouse=True)
def _no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "draw_curves", lambda lines, path, losses: None)


class _Plans:
    """Plans another number of steps after the given ones, and notes what it was asked."""

    def __init__(self, plans: Mapping[int, int]) -> None:
        self.plans, self.asked = plans, list[tuple[int, int, bool]]()

    def __call__(self, step: int, steps: int, elapsed: float) -> int:
        self.asked.append((step, steps, 0 < elapsed < 1000))
        return self.plans.get(step, steps)


def test_a_shorter_plan_is_logged_saved_said_and_followed(
    session_in: SessionMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments: list[Moment] = []
    pacer = _Plans({2: 4})
    session = session_in(tmp_path, steps=7, every=2, keep=(4, 5, 7, 9), pacer=pacer, watch=moments.append)
    assert session.train(0)[0] == 4
    assert pacer.asked == [(1, 7, True), (2, 7, True), (3, 4, True), (4, 4, True)]
    change = {"step": 2, "before": 7, "after": 4}
    assert [asdict(one) for one in session.settings.changes] == [change]
    assert Settings.load(session.folder.settings).to_dict() == session.settings.to_dict()
    assert [(line["step"], line.get("plan")) for line in read_log(session.folder.log)] == [(2, change), (4, None)]
    assert saved_steps(session.folder.checkpoints) == [2, 4]
    assert gk.training.Checkpoints(session.folder.checkpoints).load_latest()[1]["settings"]["changes"] == [change]  # pyright: ignore[reportOptionalSubscript]
    assert [(one.done, one.total) for one in moments] == [(0, 7), (1, 7), (2, 4), (3, 4), (4, 4)]
    printed = capsys.readouterr()
    assert printed.out == ("plan      7 steps would take too long, now 4; 2 are done; not reached and kept: 5, 7\n")
    assert "training: 4 of 4 steps" in printed.err


def test_a_longer_plan_is_said_to_use_the_time_that_would_be_left(
    session_in: SessionMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = session_in(tmp_path, steps=3, keep=(3,), pacer=_Plans({1: 5, 4: 6}))
    assert session.train(0)[0] == 6
    assert capsys.readouterr().out == (
        "plan      3 steps would leave time, now 5; 1 are done\nplan      5 steps would leave time, now 6; 4 are done\n"
    )
    assert [one.after for one in session.settings.changes] == [5, 6]


def test_after_a_change_the_run_is_one_that_was_stopped_there_and_resumed_with_the_other_plan(
    session_in: SessionMaker, tmp_path: Path
) -> None:
    """The learning rates fall towards the new end, and all else continues."""
    session = session_in(tmp_path / "whole", steps=7, pacer=_Plans({2: 4}))
    _, fingerprint = session.train(0)
    stopped = session_in(tmp_path / "stopped", steps=7)
    for step in range(2):
        stopped.record.add(step + 1, stopped.training.play(step, stopped.feed))
    stopped.save(2)
    found = gk.training.Checkpoints(stopped.folder.checkpoints).load_latest()
    assert found is not None
    resumed = session_in(tmp_path / "resumed", steps=4)
    torch.manual_seed(99)
    assert restore_state(found[1], resumed.training, resumed.feed, resumed.record) == 2
    assert resumed.train(2) == (4, fingerprint)
    assert session_in(tmp_path / "unchanged", steps=7, pacer=_Plans({})).train(0)[1] != fingerprint


def test_a_plan_that_ends_now_builds_nothing_anew(session_in: SessionMaker, tmp_path: Path) -> None:
    def refuse(settings: Settings) -> Any:
        raise AssertionError("nothing is left to train")

    session = session_in(tmp_path, steps=7, pacer=_Plans({2: 2}), build=refuse)
    assert session.train(0)[0] == 2
    assert saved_steps(session.folder.checkpoints) == [2]


def test_settings_that_cannot_be_written_are_noted(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: Settings, path: Path) -> None:
        raise OSError(28, "No space left on device", path.name)

    monkeypatch.setattr(Settings, "save", refuse)
    assert session_in(tmp_path, steps=7, pacer=_Plans({2: 4})).train(0)[0] == 4
    assert capsys.readouterr().out.startswith("note: settings.json: No space left on device; the training continues\n")


class _Second(Together):
    """The second of two ranks, of which the first always agrees."""

    def __init__(self) -> None:
        super().__init__(Share(rank=1, ranks=2))

    def largest(self, number: int) -> int:
        return number

    of_first = largest

    def check_same(self, texts: Mapping[str, str]) -> None:
        assert "networks" in texts


def test_a_rank_that_is_not_the_first_writes_no_file(
    session_in: SessionMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(settings: Settings) -> tuple[Training, Feed, None]:
        return *tiny_parts(settings.steps), None

    monkeypatch.setattr(module, "draw_curves", lambda *_: pytest.fail("drawn by another rank"))
    session = session_in(
        tmp_path, steps=7, keep=(0, 2), pacer=_Plans({3: 5}), together=_Second(), preview=None, build=build
    )
    session.record = module.Record(None, every=2)
    before = sorted(tmp_path.rglob("*"))
    assert session.train(0)[0] == 5
    assert sorted(tmp_path.rglob("*")) == before
    assert session.record.logged == 5
    assert kept_steps(session.folder) == []
