from pathlib import Path

import pytest

from examples.anime_faces.run import RunFolder


def test_a_new_run_among_the_results_of_an_old_one_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    folder.report.touch()  # a demo shows it before it trains
    folder.prepare()
    assert capsys.readouterr().out == ""
    folder.grid(400).touch()
    folder.grid(20).touch()
    folder.metrics.touch()
    folder.prepare()
    assert "earlier run (2 grids up to step-0000400.png, metrics.json) but no checkpoint" in capsys.readouterr().out
    (folder.checkpoints / "checkpoint-400.pt").touch()
    folder.prepare()
    assert capsys.readouterr().out == ""


def test_probes_leave_nothing(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    assert sorted(path.name for path in folder.path.rglob("*")) == ["checkpoints", "grids"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "grids").write_text("")
    with pytest.raises(OSError, match="grids"):
        RunFolder(tmp_path / "run").prepare()


def test_grids_sort_by_step() -> None:
    folder = RunFolder(Path("run"))
    names = [folder.grid(step).name for step in (9, 10, 20_000)]
    assert names == sorted(names)


def test_what_a_killed_training_left_is_swept_and_what_others_write_is_not(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    end = ".tmp-0123456789ab"
    left = [
        folder.path / f"{name}{end}"
        for name in ("settings.json", "log.jsonl", "losses.csv", "losses.png", "system.txt")
    ]
    left += [folder.grids / f"step-0000020.png{end}", folder.path / f".probe{end}"]
    of_others = [folder.path / f"{name}{end}" for name in ("report.html", "metrics.json", "samples.png", "strip.png")]
    for path in (*left, *of_others):
        path.touch()
    folder.prepare()
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in of_others)
