"""Archives with a checksum inside: any change is found, and nothing is built before everything is checked."""

import io
import os
import zipfile
from pathlib import Path
from typing import IO, Any, cast

import pytest
import torch
from hypothesis import given, strategies as st
from support.forged import members_of, sealed, zipped

from gankit.training import load_checkpoint, save_checkpoint
from gankit.training._saving import _sealed
from gankit.training._saving._sealed import COMMENT_LENGTH, SealingWriter, check_sealed


def _saved(state: Any) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(file)
    torch.save(state, cast("IO[bytes]", writer))
    writer.seal()
    return file.getvalue()


def test_a_sealed_file_is_still_an_archive_that_torch_reads() -> None:
    data = _saved({"a": torch.arange(3)})
    assert torch.load(io.BytesIO(data), weights_only=True)["a"].tolist() == [0, 1, 2]
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    assert zipfile.ZipFile(io.BytesIO(data)).comment == data[-COMMENT_LENGTH:]
    assert data[-COMMENT_LENGTH - 2 : -64] == COMMENT_LENGTH.to_bytes(2, "little") + b"gankit sha256 "
    file = io.BytesIO(data)
    check_sealed(file)
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
    assert file.getvalue() == sealed(whole)
    assert file.getvalue()[: len(whole) - 2] == whole[:-2]


@pytest.mark.parametrize("quick", [0, 1 << 26], ids=["checksum last", "checksum first"])
def test_every_flip_in_the_seal_and_the_end_of_the_archive_is_found(
    monkeypatch: pytest.MonkeyPatch, quick: int
) -> None:
    monkeypatch.setattr(_sealed, "QUICK", quick)
    data = _saved({"a": 1})
    for position in range(len(data) - COMMENT_LENGTH - 30, len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            with pytest.raises(ValueError, match=r"\w"):
                check_sealed(io.BytesIO(changed))


@pytest.mark.parametrize("length", [0, 1, COMMENT_LENGTH, COMMENT_LENGTH + 1, 500])
def test_short_files_are_refused(length: int) -> None:
    why = f"it has only {length} bytes" if length <= COMMENT_LENGTH else "its last bytes are not a seal"
    with pytest.raises(ValueError, match=why):
        check_sealed(io.BytesIO(bytes(length)))


def test_a_file_of_torch_save_is_refused_with_what_reads_it() -> None:
    plain = io.BytesIO()
    torch.save({"weight": torch.ones(30)}, plain)
    with pytest.raises(ValueError, match=r"not a seal: it was cut short, or written by torch\.save, .*torch\.load"):
        check_sealed(plain)
    with pytest.raises(ValueError, match=r"not a seal: it was cut short, or not written by save_checkpoint$"):
        check_sealed(io.BytesIO(bytes(500)))


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


def test_what_is_no_archive_is_refused_even_when_sealed() -> None:
    with pytest.raises(ValueError, match="it is not an archive"):
        check_sealed(io.BytesIO(sealed(bytes(300))))


def test_a_changed_file_is_left_at_its_start_too() -> None:
    data = bytearray(_saved({"a": torch.arange(3)}))
    data[len(data) // 2] ^= 1
    file = io.BytesIO(data)
    with pytest.raises(ValueError, match="its bytes do not have the sha256 that it was sealed with"):
        check_sealed(file)
    assert file.tell() == 0


def test_a_file_that_shrinks_while_it_is_read() -> None:
    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return b"" if self.tell() == 0 else super().read(size)

    with pytest.raises(ValueError, match="it became shorter while it was read"):
        check_sealed(Shrinking(_saved({"a": 1})))


class _Counting(io.FileIO):
    """A file that counts the bytes that are read from it."""

    count = 0

    def read(self, size: int | None = -1, /) -> Any:
        data = super().read(size)
        self.count += len(data or b"")
        return data


def _enormous(path: Path, end: bytes) -> None:
    """Write a file of 10 ** 12 bytes that takes no space, with some bytes at its end."""
    with path.open("wb") as file:
        file.seek(10**12 - len(end))
        file.write(end)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (bytes(1), "its last bytes are not a seal"),
        (sealed(bytes(30))[-COMMENT_LENGTH:], "it is not an archive"),
        (sealed(zipped(members_of(b"\x80\x02N."))), "its directory does not end where its end record begins"),
    ],
    ids=["nothing", "a seal", "an archive"],
)
def test_a_file_of_10_to_the_12_bytes_is_refused_from_its_end(tmp_path: Path, end: bytes, why: str) -> None:
    _enormous(tmp_path / "a.pt", end)
    with _Counting(tmp_path / "a.pt") as file:
        with pytest.raises(ValueError, match=why):
            check_sealed(cast("Any", file))
        assert file.count < 10_000


def test_tensors_larger_than_the_memory_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(tmp_path / "a.pt", [torch.zeros(1000, dtype=torch.uint8)])
    sizes = {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 256}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    with pytest.raises(MemoryError, match=r"a\.pt of \d+ bytes does not fit .* need 1000 bytes of memory, .* has 768"):
        load_checkpoint(tmp_path / "a.pt")
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert load_checkpoint(tmp_path / "a.pt")[0].sum() == 0
