import io
import zipfile
from typing import IO, Any, cast

import pytest
import torch
from hypothesis import given, strategies as st

from gankit.training._sealed import COMMENT_LENGTH, SealingWriter, check_seal


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
    assert check_seal(io.BytesIO(bytes(length))) is not None


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
    assert "no archive" in fault


def test_a_changed_file_is_left_at_its_start_too() -> None:
    data = bytearray(_sealed({"a": 1}))
    data[len(data) // 2] ^= 1
    file = io.BytesIO(data)
    assert check_seal(file) == "its bytes do not have the sha256 that it was sealed with"
    assert file.tell() == 0
