"""The figures of several checkpoints beside each other: which is the best, and what is measured."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.__main__ import main
from examples.anime_faces.metrics import _steps as steps_module, metrics_path, steps_summary
from examples.anime_faces.run import RunFolder, best_of_each, read_kept


def figure(
    value: float, floor: float | None = None, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    return {"value": value, "floor": floor, "at_least": low, "at_most": high}


def record(step: int, **figures: dict[str, Any]) -> dict[str, Any]:
    return {"step": step, "figures": figures}


RECORDS = {
    10: record(
        10,
        fid=figure(90, 20),
        noise_usage=figure(1.5, 1.0),
        spectrum=figure(3, None, None, 2),
        hair=figure(0.5, None, 0.9),
    ),
    20: record(
        20,
        fid=figure(40, 20),
        noise_usage=figure(0.9, 1.0),
        spectrum=figure(1, None, None, 2),
        hair=figure(0.7, None, 0.9),
    ),
    30: record(
        30,
        fid=figure(5, 30),
        noise_usage=figure(0.2, 1.0),
        spectrum=figure(9, None, None, 2),
        hair=figure(0.6, None, 0.9),
    ),
}


def test_the_best_step_is_nearest_to_real_pictures_or_farthest_inside_its_bound() -> None:
    assert best_of_each(RECORDS) == {"fid": 20, "noise_usage": 20, "spectrum": 20, "hair": 20}
    close = {
        **RECORDS,
        40: record(40, fid=figure(19, 20), noise_usage=figure(1.0, 1.0), spectrum=figure(0, None, None, 2)),
    }
    assert best_of_each(close) == {"fid": 40, "noise_usage": 40, "spectrum": 40}  # 40 has no figure of hair
    equal = {10: record(10, fid=figure(1, 3)), 20: record(20, fid=figure(5, 3), kid=figure(1))}
    assert best_of_each(equal) == {"fid": 10}


def test_the_table_marks_the_best_step_of_each_figure() -> None:
    lines = steps_summary(RECORDS, "fid").splitlines()
    assert lines[0].split() == ["figure", "10", "20", "30", "real"]
    assert lines[1].split() == ["fid", "90", "40*", "5", "20"]
    assert lines[3].split() == ["spectrum", "3", "1*", "9"]
    assert lines[-1] == "* nearest to real pictures. Best step by fid: 20"
    with pytest.raises(ValueError, match=r"--by must name one of the figures fid, noise_usage, .*, but it is 'fidd'"):
        steps_summary(RECORDS, "fidd")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = RunFolder(tmp_path / "run")
    for path in (folder.checkpoints / "checkpoint-20.pt", folder.checkpoints / "checkpoint-30.pt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for step in (10, 20):
        folder.kept.mkdir(exist_ok=True)
        (folder.kept / f"checkpoint-{step}.pt").touch()
    return folder.path


def test_every_kept_step_and_the_newest_are_measured_into_files_of_their_own(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[tuple[Path, int]] = []

    def evaluate_run(question: Any) -> dict[str, Any]:
        step = 30 if question.run == run else int(question.run.stem.split("-")[1])
        measured.append((question.run, question.samples))
        metrics_path(question.run).write_text(json.dumps(RECORDS[step]))
        return RECORDS[step]

    monkeypatch.setattr(steps_module, "evaluate_run", evaluate_run)
    assert main(["evaluate", str(run), "--all-kept", "--by", "spectrum", "--samples", "55"]) == 0
    assert measured == [(run / "kept" / "checkpoint-10.pt", 55), (run / "kept" / "checkpoint-20.pt", 55), (run, 55)]
    assert "Best step by spectrum: 20" in capsys.readouterr().out
    assert sorted(path.name for path in run.rglob("metrics*.json")) == [
        "metrics-10.json",
        "metrics-20.json",
        "metrics.json",
    ]
    assert read_kept(RunFolder(run)) == RECORDS
    (run / "kept" / "metrics-10.json").write_text("{")
    with pytest.raises(ValueError, match=r"metrics-10\.json is damaged \(line 1, .*run evaluate again"):
        read_kept(RunFolder(run))


def test_one_step_is_measured_beside_its_checkpoint(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Path] = []
    whole = {"figures": {}, "passed": 0, "bounded": 0, "notes": []}
    monkeypatch.setattr(
        "examples.anime_faces.metrics.evaluate_run", lambda question: (asked.append(question.run), whole)[1]
    )
    assert main(["evaluate", str(run), "--step", "10"]) == 0
    assert asked == [run / "kept" / "checkpoint-10.pt"]
    assert f"written to {run / 'kept' / 'metrics-10.json'}" in capsys.readouterr().out
    assert main(["evaluate", str(run), "--step", "10", "--all-kept"]) == 2
    assert "--all-kept and --step must not both be given" in capsys.readouterr().err
    assert main(["evaluate", str(run), "--step", "11"]) == 2
    assert "--step must be one of 10, 20, 30" in capsys.readouterr().err


def test_a_run_without_kept_checkpoints_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (run / "kept").iterdir():
        path.unlink()
    assert main(["evaluate", str(run), "--all-kept"]) == 2
    assert "run has none: train it with --keep STEPS" in capsys.readouterr().err


def test_a_checkpoint_that_is_not_kept_has_the_metrics_of_its_run(run: Path) -> None:
    assert metrics_path(run / "checkpoints" / "checkpoint-20.pt") == run / "metrics.json"
    assert metrics_path(run) == run / "metrics.json"
