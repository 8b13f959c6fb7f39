import errno
import os
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.run import _growing
from examples.anime_faces.run._growing import GrowingFile


class _FullDisk:
    """A file on a disk with little room."""

    def __init__(self, file: Any, room: int) -> None:
        self.file, self.room = file, room

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: Any) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self.file.write(bytes(data[: self.room]))
        self.room -= written
        return written


def test_lines_are_appended_whole(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "log")
    file.append("lost\n")  # it is not open
    file.open("first\n")
    file.append("second\n")
    file.append("third\n")
    file.sync()
    assert (tmp_path / "log").read_text(encoding="utf-8") == "first\nsecond\nthird\n"
    file.close()
    file.append("lost\n")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "first\nsecond\nthird\n"


def test_what_a_full_disk_refuses_is_written_when_it_has_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "log"
    file = GrowingFile(path)
    file.open("first\n")
    disk: Any = _FullDisk(file._file, room=3)
    file._file = disk
    file.append("second\n")
    assert path.read_text(encoding="utf-8") == "first\n"  # no half line
    file.append("third\n")
    said = capsys.readouterr().out
    assert said == f"note: {path} cannot be written now (No space left on device); the training continues\n"
    disk.room = 10**6
    file.append("fourth\n")
    assert path.read_text(encoding="utf-8") == "first\nsecond\nthird\nfourth\n"
    assert capsys.readouterr().out == ""
    file.close()


def test_a_disk_that_takes_a_few_bytes_at_a_time_gets_all_of_them(tmp_path: Path) -> None:
    class Slow:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, data: Any) -> int:
            return self.file.write(bytes(data[:2]))

    file = GrowingFile(tmp_path / "log")
    file.open("")
    file._file = Slow(file._file)  # pyright: ignore[reportAttributeAccessIssue]
    file.append("all of it\n")
    assert (tmp_path / "log").read_text(encoding="utf-8") == "all of it\n"
    file.close()


def test_a_rewriting_that_is_killed_leaves_the_old_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_text("old\n", encoding="utf-8")

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        GrowingFile(path).open("new\n")
    assert path.read_text(encoding="utf-8") == "old\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_that_is_full_ends_no_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    file = GrowingFile(tmp_path / "log")
    file.open("")
    for _ in range(3):
        file.append("line\n")
        file.sync()
    file.close()
    assert capsys.readouterr().out.count("cannot be written now") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_in_its_place_is_left_alone_with_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "log")
    file = GrowingFile(tmp_path / "log")
    file.open("first\n")
    file.append("second\n")
    assert not file.is_open
    assert "log cannot be written now (it is a pipe); the training continues" in capsys.readouterr().out


def test_only_so_much_is_kept_for_a_disk_that_stays_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_growing, "MOST_WAITING", 12)
    for lost, kept in (("12345678901\n", True), ("123456789012\n", False)):
        file = GrowingFile(tmp_path / "log")
        file.open("first\n")
        disk: Any = _FullDisk(file._file, room=0)
        file._file = disk
        file.append(lost)
        disk.room = 10**6
        file.append("second\n")
        file.close()
        assert (tmp_path / "log").read_text(encoding="utf-8") == "first\n" + lost * kept + "second\n"


def test_lines_before_a_full_disk_stay_and_names_that_are_not_text_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = GrowingFile(path)
    file.open("first\n")
    file.append("second \udc80\n")
    disk: Any = _FullDisk(file._file, room=4)
    file._file = disk
    file.append("third\n")
    assert path.read_bytes() == b"first\nsecond \\udc80\n"
    disk.room = 10**6
    file.append("")
    file.close()
    assert path.read_bytes() == b"first\nsecond \\udc80\nthird\n"


def test_a_file_that_is_opened_again_begins_anew(tmp_path: Path) -> None:
    file = GrowingFile(tmp_path / "log")
    assert not file.is_open
    file.open("first\n")
    assert file.is_open
    before, disk = file._file, _FullDisk(file._file, room=0)
    file._file = disk  # pyright: ignore[reportAttributeAccessIssue]
    file.append("waiting\n")
    file.open("again\n")
    assert before is not None
    assert before.closed
    file.append("more\n")
    file.close()
    assert not file.is_open
    assert (tmp_path / "log").read_text(encoding="utf-8") == "again\nmore\n"


def test_a_file_that_cannot_be_opened_is_said_once_and_nothing_is_appended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gone" / "log"
    file = GrowingFile(path)
    for _ in range(2):
        file.open("first\n")
        file.append("second\n")
        file.sync()
        assert not file.is_open
    assert capsys.readouterr().out == (
        f"note: {path} cannot be written now (No such file or directory); the training continues\n"
    )
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EINVAL, "Invalid argument"), ""),  # of a file system that cannot do it
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (OSError("without a number"), "without a number"),
    ],
)
def test_lines_that_do_not_reach_the_disk_are_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    said: str,
) -> None:
    synchronized: list[int] = []

    def fail(number: int) -> None:
        synchronized.append(number)
        raise error

    file = GrowingFile(tmp_path / "log")
    file.open("first\n")
    assert file._file is not None
    number = file._file.fileno()
    monkeypatch.setattr(os, "fsync", fail)
    file.sync()
    file.close()
    file.sync()
    assert synchronized == [number]
    note = f"note: {tmp_path / 'log'} cannot be written now ({said}); the training continues\n"
    assert capsys.readouterr().out == (note if said else "")


def test_an_error_of_closing_ends_no_training(tmp_path: Path) -> None:
    class _Failing:
        def close(self) -> None:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    file = GrowingFile(tmp_path / "log")
    file._file = _Failing()  # pyright: ignore[reportAttributeAccessIssue]
    file.close()
    assert not file.is_open
