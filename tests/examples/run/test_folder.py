import errno
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
    end = "but no checkpoint: a new run begins among them; remove them or name another --out to keep the two apart\n"
    note = f"note: {folder.path} holds results of an earlier run "
    assert capsys.readouterr().out == f"{note}(2 grids up to step-0000400.png, metrics.json) {end}"
    for path in (folder.grid(400), folder.grid(20), folder.metrics):
        path.unlink()
    folder.grid(20).touch()
    folder.prepare()
    assert capsys.readouterr().out == f"{note}(1 grids up to step-0000020.png) {end}"
    folder.grid(20).unlink()
    folder.samples.touch()
    folder.kept.mkdir()
    folder.prepare()
    assert capsys.readouterr().out == f"{note}(samples.png, kept) {end}"
    folder.grid(20).touch()
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


def test_everything_in_the_folder_has_its_name() -> None:
    folder = RunFolder(Path("run"))
    names = {
        "checkpoints": "checkpoints",
        "kept": "kept",
        "grids": "grids",
        "settings": "settings.json",
        "log": "log.jsonl",
        "raw_losses": "losses.csv",
        "system": "system.txt",
        "outline": "system.json",
        "losses": "losses.png",
        "profile": "profile.png",
        "samples": "samples.png",
        "strip": "strip.png",
        "table": "table.png",
        "metrics": "metrics.json",
        "report": "report.html",
        "lock": "run.lock",
        "owner": "run.owner",
    }
    assert {name: getattr(folder, name) for name in names} == {name: Path("run") / file for name, file in names.items()}
    assert folder.kept_metrics(20) == Path("run/kept/metrics-20.json")
    assert folder.grid(20) == Path("run/grids/step-0000020.png")


@pytest.mark.parametrize("name", [".", "checkpoints", "grids"])
def test_each_folder_is_written_before_any_work(tmp_path: Path, name: str) -> None:
    folder = RunFolder(tmp_path / "new" / "run")
    folder.prepare()
    (folder.path / name / ".probe" / "in_the_way").mkdir(parents=True)
    with pytest.raises(OSError, match=r"\.probe"):
        folder.prepare()


def test_a_disk_without_a_mebibyte_of_room_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def limited(path: Path, data: bytes) -> int:
        if len(data) >= 2**20:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", limited)
    with pytest.raises(OSError, match=r"No space left on device: .*run/\.probe'$"):
        RunFolder(tmp_path / "run").prepare()


def test_a_probe_that_another_process_has_removed_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system has no locks, two may prepare a folder at the same time."""
    unlink = Path.unlink

    def removed_before(path: Path, *, missing_ok: bool = False) -> None:
        if path.name == ".probe":
            unlink(path)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", removed_before)
    RunFolder(tmp_path / "run").prepare()
    assert not list(tmp_path.rglob(".probe"))


def test_what_a_killed_training_left_is_swept_and_what_others_write_is_not(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare()
    end = ".tmp-0123456789ab"
    names = ("settings.json", "log.jsonl", "losses.csv", "losses.png", "losses.legend.txt", "system.txt", "system.json")
    left = [folder.path / f"{name}{end}" for name in (*names, "profile.png", "profile.json", "run.owner", ".probe")]
    left.append(folder.grids / f"step-0000020.png{end}")
    of_others = [
        folder.path / f"{name}{end}"
        for name in ("report.html", "metrics.json", "samples.png", "strip.png", "table.png")
    ]
    for path in (*left, *of_others):
        path.touch()
    folder.prepare()
    assert [path.name for path in left if path.exists()] == []
    assert all(path.exists() for path in of_others)
