import errno
import io
import os
import signal
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pytest
import torch
from hypothesis import given, strategies as st

from gankit.training._saving import _files
from gankit.training._saving._files import (
    COMMENT_LENGTH,
    SealingWriter,
    check_seal,
    replaced_atomically,
    sweep_orphans,
)


def _dead_process() -> int:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return child


@contextmanager
def _live_process() -> Iterator[int]:
    """A process of our own, which must get no signal from the code inside; the parent might be anybody's."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        signal.pause()
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def test_the_file_appears_when_the_context_ends(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with replaced_atomically(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
        assert len(list(tmp_path.iterdir())) == 2
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_an_exception_leaves_the_old_file_and_no_other(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail() -> None:
        with replaced_atomically(path) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replaced_atomically(tmp_path / "a") as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_the_order_is_write_sync_rename_sync_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    sync, replace = os.fsync, Path.replace

    def logged_sync(descriptor: int) -> None:
        log.append(
            "sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else f"sync {os.fstat(descriptor).st_size}"
        )
        sync(descriptor)

    def logged_replace(self: Path, target: Path) -> Path:
        log.append("rename")
        assert self.parent == target.parent
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", logged_sync)
    monkeypatch.setattr(Path, "replace", logged_replace)
    with replaced_atomically(tmp_path / "a") as file:
        file.write(b"12345")
    assert log == ["sync 5", "rename", "sync folder"]


@pytest.mark.parametrize(("number", "tolerated"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_folder_that_cannot_be_synced_is_tolerated_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, tolerated: bool
) -> None:
    sync = os.fsync

    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "no")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    expected = (
        pytest.warns(RuntimeWarning, match="does not write folders through") if tolerated else pytest.raises(OSError)
    )
    with expected, replaced_atomically(tmp_path / "a") as file:
        file.write(b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_orphans_of_dead_processes_are_swept_and_nothing_else(tmp_path: Path) -> None:
    dead = _dead_process()
    gone = [f"a.pt.tmp-{dead}-01234567", f"a.pt.tmp-{os.getpid()}-01234567"]
    kept = [
        f"a.pt.tmp-{os.getpid()}-{_files.PROCESS}",
        f"a.pt.tmp-{dead}-0123456",
        f"tmp-{dead}-01234567",
        "a.pt",
        "notes.tmp",
        "a.pt.tmp-99999999999999999999999-01234567",
    ]
    with _live_process() as live:
        kept.append(f"a.pt.tmp-{live}-01234567")
        for name in gone + kept:
            (tmp_path / name).touch()
        sweep_orphans(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)


def test_windows_signals_no_process_and_opens_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There signal 0 is Ctrl-C, which ends the other process, and a folder cannot be opened."""

    def refuse(*arguments: object) -> None:
        raise PermissionError(errno.EACCES, "no", *arguments)

    own, other = f"a.pt.tmp-{os.getpid()}-01234567", f"a.pt.tmp-{_dead_process()}-01234567"
    for name in (own, other):
        (tmp_path / name).touch()
    monkeypatch.setattr(_files, "POSIX", False)
    monkeypatch.setattr(os, "kill", refuse)
    monkeypatch.setattr(os, "open", refuse)
    sweep_orphans(tmp_path)
    with replaced_atomically(tmp_path / "a") as file:
        file.write(b"x")
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", other]


def test_an_orphan_that_another_process_removes_first_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orphan = tmp_path / f"a.pt.tmp-{_dead_process()}-01234567"
    orphan.touch()
    kill = os.kill

    def removed_meanwhile(process: int, number: int) -> None:
        orphan.unlink()
        kill(process, number)

    monkeypatch.setattr(os, "kill", removed_meanwhile)
    sweep_orphans(tmp_path)
    assert not orphan.exists()


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, "no", str(self), mode)

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(PermissionError), replaced_atomically(tmp_path / "a"):
        pass


def test_the_folder_is_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    open_folder = os.open

    def watched(path: Path, flags: int) -> int:
        opened.append(open_folder(path, flags))
        return opened[-1]

    with replaced_atomically(tmp_path / "a"):
        monkeypatch.setattr(os, "open", watched)
    assert len(opened) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])


def _sealed(state: Any) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(file)
    torch.save(state, cast("IO[bytes]", writer))
    writer.seal()
    return file.getvalue()


def _reseal(archive: bytes) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(file)
    writer.write(archive)
    writer.seal()
    return file.getvalue()


def test_a_sealed_file_is_still_an_archive_that_torch_reads() -> None:
    data = _sealed({"a": torch.arange(3)})
    assert torch.load(io.BytesIO(data), weights_only=True)["a"].tolist() == [0, 1, 2]
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert zipfile.ZipFile(io.BytesIO(data)).comment == data[-COMMENT_LENGTH:]
    assert data[-COMMENT_LENGTH - 2 : -64] == COMMENT_LENGTH.to_bytes(2, "little") + b"gankit sha256 "
    file = io.BytesIO(data)
    assert check_seal(file) is None
    assert file.tell() == 0


@given(parts=st.lists(st.binary(max_size=5), max_size=20))
def test_however_it_is_written_the_bytes_are_the_same(parts: list[bytes]) -> None:
    whole = b"".join(parts) + b"\0\0"
    file = io.BytesIO()
    writer = SealingWriter(file)
    for part in (*parts, b"\0", b"\0"):
        assert writer.write(part) == len(part)
    writer.flush()
    writer.seal()
    assert file.getvalue() == _reseal(whole)
    assert file.getvalue()[: len(whole) - 2] == whole[:-2]


def test_every_flip_in_the_seal_and_the_end_of_the_archive_is_found() -> None:
    data = _sealed({"a": 1})
    for position in range(len(data) - COMMENT_LENGTH - 30, len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            assert check_seal(io.BytesIO(changed)) is not None


@pytest.mark.parametrize("length", [0, 1, COMMENT_LENGTH, COMMENT_LENGTH + 1, 500])
def test_short_files_are_refused(length: int) -> None:
    fault = check_seal(io.BytesIO(bytes(length)))
    assert fault is not None
    assert (f"it has only {length} bytes" == fault) == (length <= COMMENT_LENGTH)


class _Full(io.BytesIO):
    """A file on a disk that is full after some bytes."""

    flushed = 0

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 10:
            raise OSError(28, "no space left")
        return super().write(data)

    def flush(self) -> None:
        self.flushed += 1


def test_a_write_that_fails_is_reported_and_kept_and_a_flush_is_passed_on() -> None:
    file = _Full()
    writer = SealingWriter(file)
    writer.write(b"12345")
    assert writer.failure is None
    writer.flush()
    assert file.flushed == 1
    with pytest.raises(OSError, match="no space left") as caught:
        writer.write(b"12345678901")
    assert writer.failure is caught.value


def test_one_compressed_member_is_enough() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("stored", b"12345")
        archive.writestr("compressed", bytes(100), zipfile.ZIP_DEFLATED)
    fault = check_seal(io.BytesIO(_reseal(file.getvalue())))
    assert fault == "a member is compressed, which save_checkpoint never does"


@pytest.mark.parametrize("more", [0, 1])
def test_members_may_declare_as_much_as_the_file_holds_and_no_byte_more(more: int) -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a", b"12345")
    length = len(_reseal(stored.getvalue()))
    forged = bytearray(stored.getvalue())
    directory = forged.rindex(b"PK\x01\x02")
    forged[directory + 20 : directory + 28] = (length + more).to_bytes(4, "little") * 2
    fault = check_seal(io.BytesIO(_reseal(bytes(forged))))
    assert fault == (f"its members declare {length + 1} bytes, more than its own {length}" if more else None)


def test_an_archive_that_would_unpack_to_more_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**6))
    assert (
        check_seal(io.BytesIO(_reseal(file.getvalue()))) == "a member is compressed, which save_checkpoint never does"
    )
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a", b"12345")
    forged = bytearray(stored.getvalue())
    directory = forged.rindex(b"PK\x01\x02")
    forged[directory + 20 : directory + 28] = (4_000_000_000).to_bytes(4, "little") * 2
    fault = check_seal(io.BytesIO(_reseal(bytes(forged))))
    assert fault is not None
    assert "declare 4000000000 bytes, more than its own" in fault


def test_what_is_no_archive_is_refused_even_when_sealed() -> None:
    fault = check_seal(io.BytesIO(_reseal(bytes(300))))
    assert fault is not None
    assert "not an archive" in fault


def test_a_changed_file_is_left_at_its_start_too() -> None:
    data = bytearray(_sealed({"a": 1}))
    data[len(data) // 2] ^= 1
    file = io.BytesIO(data)
    assert check_seal(file) == "its bytes do not have the sha256 that it was sealed with"
    assert file.tell() == 0


def test_a_file_that_shrinks_while_it_is_read() -> None:
    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return b"" if self.tell() == 0 else super().read(size)

    assert check_seal(Shrinking(_sealed({"a": 1}))) == "it became shorter while it was read"
