import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from examples.anime_faces import files
from examples.anime_faces.data import check_place_of_run
from examples.anime_faces.data._places import check_space
from examples.anime_faces.data._staging import staged_folder
from examples.anime_faces.errors import FolderInUseError
from examples.anime_faces.run import RunFolder

WRITE = """
import sys
from pathlib import Path
from examples.anime_faces.data._staging import staged_folder
with staged_folder(Path(sys.argv[1]), overwrite=False) as folder:
    (folder / "dataset.json").write_text("other")
    print(folder, flush=True)
    sys.stdin.read()
"""


def make(out: Path, text: str = "new", *, overwrite: bool = False) -> None:
    with staged_folder(out, overwrite=overwrite) as folder:
        (folder / "dataset.json").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def unfinished(out: Path, number: int, *, old: bool = False) -> Path:
    return out.parent / f".{out.name}.unfinished-{number:012x}{'-old' if old else ''}"


def test_the_folder_appears_at_the_end_with_its_parents(tmp_path):
    out = tmp_path / "a" / "b" / "out"
    with staged_folder(out, overwrite=False) as folder:
        (folder / "x").write_text("x")
        assert not out.exists()
    assert names(out) == ["x"]
    assert names(out.parent) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_nothing(tmp_path, error):
    def fail() -> None:
        with staged_folder(tmp_path / "out", overwrite=False) as folder:
            (folder / "x").write_text("x")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []


def test_an_error_leaves_the_old_data_set(tmp_path):
    def fail() -> None:
        with staged_folder(tmp_path / "out", overwrite=True):
            raise ValueError

    make(tmp_path / "out", "old")
    with pytest.raises(ValueError):
        fail()
    assert (tmp_path / "out" / "dataset.json").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_a_data_set_is_replaced_only_if_asked(tmp_path):
    make(tmp_path / "out", "old")
    with pytest.raises(ValueError, match="--overwrite"):
        make(tmp_path / "out", "new")
    assert (tmp_path / "out" / "dataset.json").read_text() == "old"
    make(tmp_path / "out", "new", overwrite=True)
    assert (tmp_path / "out" / "dataset.json").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_a_folder_that_is_no_data_set_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    make(tmp_path / "photos")  # an empty folder is free to use
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "holiday.jpg").touch()
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="left alone"):
        make(tmp_path / "mine", overwrite=True)
    with pytest.raises(ValueError, match="is a file"):
        make(tmp_path / "file", overwrite=True)
    assert names(tmp_path / "mine") == ["holiday.jpg"]


@pytest.mark.parametrize(
    "other",
    ["settings.json", "checkpoints/checkpoint-6.pt", "grids/", "factors/notes.txt", "measured/mine.png", "link"],
)
def test_nothing_that_is_no_part_of_a_data_set_is_deleted(tmp_path, other):
    make(out := tmp_path / "out", "old")
    if other == "link":
        (out / other).symlink_to(tmp_path)
    elif other.endswith("/"):
        (out / other).mkdir()
    else:
        (out / other).parent.mkdir(exist_ok=True)
        (out / other).write_text("mine")
    name = "checkpoints/" if "checkpoint-" in other else other
    with pytest.raises(
        ValueError, match=rf"--overwrite would delete what `prepare` did not write in .*out: {name}; move"
    ):
        make(out, overwrite=True)
    assert (out / "dataset.json").read_text() == "old"
    assert (out / other).exists()


def test_many_names_are_cut_off(tmp_path, monkeypatch):
    make(out := tmp_path / "out", "old")
    listed = Path.iterdir
    # A system lists files in any order.
    monkeypatch.setattr(Path, "iterdir", lambda path: iter(sorted(listed(path), reverse=True)))
    for number in range(8):
        (out / f"{number}.png").touch()
    with pytest.raises(ValueError, match=r"0.png, 1.png, 2.png, 3.png, 4.png and 3 more; move"):
        make(out, overwrite=True)


def test_all_that_a_data_set_has_is_replaced(tmp_path):
    make(out := tmp_path / "out", "old")
    for name in (
        "images.npy",
        "labels.npy",
        "texts.txt",
        "skipped.jsonl",
        ".DS_Store",
        "factors/hair.npy",
        "measured/a.safetensors",
        "measured/a.safetensors.tmp-0123456789ab",
    ):
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).touch()
    make(out, overwrite=True)
    assert names(out) == ["dataset.json"]


def test_a_run_has_a_folder_of_its_own(tmp_path):
    make(tmp_path / "data")
    (tmp_path / "run").mkdir()
    for free in ("run", "new", "data/run"):
        check_place_of_run(tmp_path / free)
    with pytest.raises(
        ValueError, match=r"--out must be a folder of its own, for the run, but .*data contains a data set"
    ):
        check_place_of_run(tmp_path / "data")


def test_a_run_does_not_begin_among_files_of_others(tmp_path):
    for number in range(7):
        (tmp_path / f"{number}.jpg").touch()
    with pytest.raises(
        ValueError, match=r"new or empty folder, or that of a run, .*: 0\.jpg, .*4\.jpg and 2 more; name"
    ):
        check_place_of_run(tmp_path)
    (tmp_path / "settings.json").touch()  # it is a run, into which somebody put pictures
    check_place_of_run(tmp_path)


def test_what_a_stopped_command_left_is_no_hindrance(tmp_path):
    run = RunFolder(tmp_path)
    for name in (name for name, one in vars(RunFolder).items() if isinstance(one, property) and name != "settings"):
        path = getattr(run, name)
        path.touch() if path.suffix else path.mkdir()
    for name in (".gitignore", "Thumbs.db", "train.log", f"log.jsonl.tmp-{'0' * 12}"):
        (tmp_path / name).touch()
    check_place_of_run(tmp_path)
    (tmp_path / "grids.txt").touch()
    with pytest.raises(ValueError, match=r"contains other files: grids\.txt; name"):
        check_place_of_run(tmp_path)


def test_a_folder_that_appears_meanwhile_is_not_lost(tmp_path):
    def race() -> None:
        with staged_folder(tmp_path / "out", overwrite=False) as folder:
            (folder / "dataset.json").write_text("mine")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "dataset.json").write_text("theirs")

    with pytest.raises(ValueError, match="already"):
        race()
    assert (tmp_path / "out" / "dataset.json").read_text() == "theirs"
    assert names(tmp_path) == ["out"]


def test_what_killed_programs_left_is_swept(tmp_path):
    out = tmp_path / "out"
    for path in (unfinished(out, 1), unfinished(out, os.getpid())):
        path.mkdir()
        (path / "images.npy").touch()
    others = [".out.unfinished-mine", ".outer.unfinished-000000000001", ".out.unfinished-000000000001.zip"]
    for name in others:
        (tmp_path / name).mkdir()
    make(out)
    assert set(names(tmp_path)) == {*others, "out"}


def test_what_a_living_program_writes_is_never_swept(tmp_path):
    """Neither is it over a network or in another container, where the number of its process says nothing: it holds a lock."""
    out = tmp_path / "a [b]*"
    command = [sys.executable, "-c", WRITE, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        staging = Path(other.stdout.readline().strip())
        for overwrite in (False, True):
            with pytest.raises(FolderInUseError, match="is being written by another process"):
                make(out, overwrite=overwrite)
        assert (staging / "dataset.json").read_text() == "other"
        other.communicate("")
        assert other.returncode == 0
    assert (out / "dataset.json").read_text() == "other"
    assert names(tmp_path) == [out.name]


def test_a_killed_program_holds_nothing(tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, "-c", WRITE, str(out)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        other.kill()
    assert len(names(tmp_path)) == 2  # the lock, and what was not finished
    make(out)
    assert names(tmp_path) == ["out"]


def test_where_nothing_can_be_locked_nothing_is_swept(tmp_path, monkeypatch, capsys):
    def refuse(*arguments: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(files.FileLock, "acquire", refuse)
    out = tmp_path / "out"
    unfinished(out, 1).mkdir()
    make(out)
    assert names(tmp_path) == [unfinished(out, 1).name, "out"]
    assert "has no locks: take care that only one program writes" in capsys.readouterr().out


def test_a_data_set_comes_back_if_the_program_was_killed_while_replacing_it(tmp_path):
    out = tmp_path / "out"
    make(unfinished(out, 1, old=True), "old")
    with pytest.raises(ValueError, match="already"):
        make(out, "new")
    assert (out / "dataset.json").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_on_windows_only_files_are_synchronized(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ON_WINDOWS", True)
    monkeypatch.setattr(files, "WAITS", (0.0,))
    synchronized = []
    monkeypatch.setattr(os, "fsync", lambda handle: synchronized.append(stat.S_ISREG(os.fstat(handle).st_mode)))
    out = tmp_path / "out"
    make(out)
    assert synchronized == [True]
    make(out, "other", overwrite=True)
    assert (out / "dataset.json").read_text() == "other"


def test_a_file_that_cannot_reach_the_disk_is_an_error_and_a_folder_is_not(tmp_path, monkeypatch):
    def full(handle: int) -> None:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError("disk full")
        raise OSError("folders cannot be synchronized here")

    with staged_folder(tmp_path / "empty", overwrite=False):
        monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        make(tmp_path / "out")
    assert names(tmp_path) == ["empty"]


def test_an_error_leaves_no_folder_that_was_not_there(tmp_path):
    def half(out: Path) -> None:
        with staged_folder(out, overwrite=False) as folder:
            (folder / "dataset.json").write_text("half")
            raise RuntimeError("no")

    def fail(out: Path) -> None:
        with pytest.raises(RuntimeError, match="no"):
            half(out)

    (tmp_path / "there").mkdir()
    fail(tmp_path / "there" / "new" / "a" / "out")
    assert names(tmp_path) == ["there"]
    assert names(tmp_path / "there") == []
    make(tmp_path / "there" / "first")
    fail(tmp_path / "there" / "second")
    assert names(tmp_path / "there") == ["first"]


def test_a_disk_without_room_is_refused_before_any_work(tmp_path, monkeypatch):
    out = tmp_path / "a" / "b"
    asked = []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or SimpleNamespace(free=3 * 2**20))
    check_space(out, 3 * 2**20)
    with pytest.raises(ValueError, match=r"b needs about 4 MiB for its pictures, but the disk has only 3 MiB free"):
        check_space(out, 4 * 2**20)
    assert asked == [tmp_path] * 2
    assert not out.parent.exists()
