import errno
import os
import re
from pathlib import Path

import pytest

from examples.anime_faces import files
from examples.anime_faces.errors import FolderInUseError
from examples.anime_faces.files import check_writable, held, read_bytes, sweep, write_text, written_whole


def test_the_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    with written_whole(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
        assert temporary.parent == tmp_path
    assert path.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_windows_is_asked_again_while_somebody_reads_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [PermissionError("in use"), PermissionError("in use")]
    replace = Path.replace

    def refuse(self: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace(self, target)

    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        patched.setattr(files, "ON_WINDOWS", True)
        patched.setattr(files, "WAITS", (0.0, 0.0, 0.0))
        with written_whole(path) as temporary:
            temporary.write_text("new", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "new"
    assert refusals == []


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_an_error_leaves_the_old_file(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.json"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with written_whole(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_directly_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with written_whole(pipe) as path:
            path.write_bytes(b"all of it")
        assert os.read(reader, 100) == b"all of it"
        assert pipe.is_fifo()
    finally:
        os.close(reader)


def test_an_error_of_the_system_names_the_file_and_not_the_temporary_one(tmp_path: Path) -> None:
    def fill_the_disk() -> None:
        with written_whole(tmp_path / "a.json") as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left") as caught:
        fill_the_disk()
    assert caught.value.filename == str(tmp_path / "a.json")
    with pytest.raises(OSError, match="a folder") as caught:  # noqa: SIM117
        with written_whole(tmp_path / "a folder" / "b.json") as temporary:
            temporary.touch()
    assert caught.value.filename == str(tmp_path / "a folder" / "b.json")
    (tmp_path / "c").mkdir()
    with pytest.raises(OSError, match=r"c'$") as caught:  # noqa: SIM117
        with written_whole(tmp_path / "c") as temporary:
            temporary.touch()
    assert caught.value.filename == str(tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c"]


def test_temporary_names_are_no_numbers_of_processes(tmp_path: Path) -> None:
    """The first process of every container has the number 1, and two may write into one folder."""
    with written_whole(tmp_path / "a") as one, written_whole(tmp_path / "a") as other:
        assert one != other
        assert str(os.getpid()) not in one.name.rpartition("-")[2] or len(one.name.rpartition("-")[2]) == 12
        one.touch()
        other.touch()


def test_it_is_on_the_disk_before_it_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), fsync(handle)))
    monkeypatch.setattr(Path, "replace", lambda self, target: (order.append("replace"), replace(self, target)))
    write_text(tmp_path / "a", "text")
    assert order == ["fsync", "replace"]


def test_a_text_that_is_there_already_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_text(path, "caf\xe9 \udcff\n")
    assert path.read_bytes() == b"caf\xc3\xa9 \\udcff\n"
    before = path.stat().st_ino
    write_text(path, "caf\xe9 \udcff\n", only_changed=True)
    assert path.stat().st_ino == before
    write_text(path, "tea\n", only_changed=True)
    assert path.read_bytes() == b"tea\n"


def test_only_unfinished_files_of_these_names_are_swept(tmp_path: Path) -> None:
    names = ["log.jsonl.tmp-0123456789ab", "report.html.tmp-0123456789ab", "log.jsonl", "log.jsonl.tmp-12", "a.tmp-x"]
    for name in names:
        (tmp_path / name).touch()
    sweep(tmp_path, "log.jsonl")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[2:])
    sweep(tmp_path / "nowhere")


def test_places_that_cannot_be_written_are_known_before(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "folder" / "a.png")
    check_writable(tmp_path / "a.png")
    check_writable(Path(os.devnull))
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "file"))):
        check_writable(tmp_path / "file" / "a.png")
    with pytest.raises(ValueError, match="must be a file, but it is a folder"):
        check_writable(tmp_path)


def test_a_lock_is_held_by_one_and_survives_nobody(tmp_path: Path) -> None:
    with held(tmp_path / "lock", refusal="taken") as is_locked:
        assert is_locked
        with pytest.raises(FolderInUseError, match="taken"), held(tmp_path / "lock", refusal="taken"):
            pass
    with held(tmp_path / "lock", refusal="taken"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.FileLock, "acquire", refuse)
    with held(tmp_path / "lock", refusal="taken") as is_locked:
        assert not is_locked


def test_another_error_of_the_lock_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.FileLock, "acquire", refuse)
    with pytest.raises(OSError, match="Permission denied"), held(tmp_path / "lock", refusal="taken"):
        pass


def test_only_so_many_bytes_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    assert read_bytes(path, 3) == b"abc"
    with pytest.raises(ValueError, match=r"^it has more than 2 bytes$"):
        read_bytes(path, 2)
    with pytest.raises(ValueError, match="must be a file, but it is a folder"):
        read_bytes(tmp_path, 2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_that_nobody_reads_is_refused_and_one_that_is_read_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a"
    os.mkfifo(path)
    with pytest.raises(OSError, match=re.escape(os.strerror(errno.ENXIO))) as caught:
        write_text(path, "b")
    assert caught.value.filename == str(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_text(path, "b")
    assert os.read(reader, 10) == b"b"
    os.close(reader)
