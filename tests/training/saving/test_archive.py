"""The layout of archives: what torch writes is read, and everything that another reader could read differently is refused."""

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from support.forged import members_of, sealed, zipped

from gankit.training import CheckpointError, load_checkpoint
from gankit.training._saving import _archive
from gankit.training._saving._archive import LayoutError, read_layout

NOTHING = b"\x80\x02N."


def _saved(state: Any) -> bytes:
    file = io.BytesIO()
    torch.save(state, cast("Any", file))
    return file.getvalue()


def _read(archive: bytes) -> Any:
    return read_layout(io.BytesIO(archive), len(archive))


def test_what_torch_writes_is_read() -> None:
    layout = _read(_saved({"a": torch.ones(3), "b": [torch.zeros(0), torch.ones(2, dtype=torch.uint8)]}))
    assert layout.storages == {"0": 12, "1": 0, "2": 2}
    assert layout.pickle.startswith(b"\x80\x02}")
    assert layout.pickle.endswith(b".")


def test_what_pythons_zip_writer_writes_is_read_too() -> None:
    layout = _read(zipped(members_of(NOTHING, {"0": b"1234"})))
    assert (layout.pickle, layout.storages) == (NOTHING, {"0": 4})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"constants.pkl": b"N."}, "member 'constants.pkl' is none that save_checkpoint writes"),
        ({"data/00": b""}, "member 'data/00' is none that save_checkpoint writes"),
        ({"data/x": b""}, "member 'data/x' is none"),
        ({"../../x": b""}, "is none that save_checkpoint writes"),
        ({"DATA.PKL": NOTHING}, "member 'DATA.PKL' is none"),
        ({"code/a.py": b""}, "is none that save_checkpoint writes"),
        ({"byteorder": b"middle"}, "member 'byteorder' does not hold what save_checkpoint writes into it"),
        ({"version": b"x"}, "member 'version' does not hold"),
        ({".storage_alignment": b"9" * 70}, "member '.storage_alignment' does not hold"),
        ({".format_version": b"-1"}, "member '.format_version' does not hold"),
    ],
)
def test_other_members_are_refused(more: dict[str, bytes], why: str) -> None:
    with pytest.raises(LayoutError, match=why):
        _read(zipped(members_of(NOTHING, {}, more)))


def test_a_member_outside_of_the_folder_is_refused() -> None:
    with pytest.raises(LayoutError, match=r"member 'data\.pkl' is none that save_checkpoint writes"):
        _read(zipped([("data.pkl", NOTHING), *members_of(NOTHING)]))


@pytest.mark.parametrize("name", ["data.pkl", "version", "data/0"])
def test_a_member_that_is_there_twice_is_refused(name: str) -> None:
    members = members_of(NOTHING, {"0": b"1234"})
    with pytest.raises(LayoutError, match=f"member '{name}' is listed twice"):
        _read(zipped([*members, *(member for member in members if member[0] == f"archive/{name}")]))


@pytest.mark.parametrize("name", ["data.pkl", "version"])
def test_a_missing_member_is_refused(name: str) -> None:
    with pytest.raises(LayoutError, match=f"member '{name}' is missing"):
        _read(zipped([member for member in members_of(NOTHING) if member[0] != f"archive/{name}"]))


def test_one_compressed_member_is_enough() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", NOTHING)
        archive.writestr("archive/version", b"3" * 100, zipfile.ZIP_DEFLATED)
    with pytest.raises(LayoutError, match="member 'archive/version' is compressed, which save_checkpoint never does"):
        _read(file.getvalue())


def _changed(archive: bytes, mark: bytes, offset: int, form: str, *values: int) -> bytes:
    """Return the archive with other numbers at an offset from the last record that begins with a mark."""
    data = bytearray(archive)
    struct.pack_into(form, data, data.rindex(mark) + offset, *values)
    return bytes(data)


ENTRY, HEADER, END, END_64, LOCATOR = b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7"
SMALL = zipped(members_of(NOTHING, {"0": b"1234"}))
OF_TORCH = _saved([torch.ones(3)])


@pytest.mark.parametrize(
    ("archive", "why"),
    [
        (b"", "it is not an archive: its end is missing"),
        (bytes(300), "it is not an archive"),
        (_changed(SMALL, END, 4, "<H", 1), "it is not an archive"),
        (_changed(SMALL, END, 20, "<H", 5), "it is not an archive"),
        (_changed(SMALL, END, 8, "<H", 2), "it is not an archive"),
        (_changed(SMALL, END, 8, "<HH", 3, 3), "there are bytes between its members and its directory, or after it"),
        (_changed(SMALL, END, 8, "<HH", 9, 9), "its directory is cut short"),
        (
            bytes(9000) + struct.pack("<4s4H2IH", END, 0, 0, 1, 1, 9000, 0, 0),
            "its directory has 9000 bytes for 1 members",
        ),
        (_changed(SMALL, END, 16, "<I", 5), "its directory does not end where its end record begins"),
        (b"prefix" + SMALL, "its directory does not end where its end record begins"),
        (_changed(SMALL, ENTRY, 0, "<I", 0), "its directory is not one that save_checkpoint writes"),
        (_changed(SMALL, ENTRY, 8, "<H", 1), "its directory is not one that save_checkpoint writes"),  # encrypted
        (_changed(SMALL, ENTRY, 20, "<II", 5, 6), "has two lengths, 5 and 6"),
        (
            _changed(SMALL, ENTRY, 20, "<II", 4_000_000_000, 4_000_000_000),
            "declares 4000000000 bytes, more than the file holds",
        ),
        (
            _changed(SMALL, ENTRY, 20, "<II", 0xFFFFFFFF, 0xFFFFFFFF),
            "the length of member 'archive/byteorder' is missing",
        ),
        (_changed(SMALL, ENTRY, 42, "<I", 0), "does not follow the one before it"),
        (_changed(SMALL, HEADER, 0, "<I", 0), "the header of member 'byteorder' differs from the directory"),
        (_changed(SMALL, HEADER, 30, "<I", 0), "the header of member 'byteorder' differs from the directory"),
        (_changed(SMALL, HEADER, 28, "<H", 60_000), "declares 6 bytes, more than the file holds"),
        (_changed(SMALL, HEADER, 8, "<H", 8), "the header of member 'byteorder' differs"),
        (_changed(OF_TORCH, END_64, 0, "<I", 0), "its two end records do not fit together"),
        (_changed(OF_TORCH, LOCATOR, 8, "<Q", 0), "its two end records do not fit together"),
        (_changed(OF_TORCH, END_64, 24, "<Q", 2), "its two end records do not fit together"),
        (_changed(OF_TORCH, END_64, 24, "<QQ", 2**40, 2**40), "may list at most 32768"),
        (_changed(OF_TORCH, END_64, 40, "<Q", 2**60), "its directory does not end where its end record begins"),
    ],
)
def test_a_layout_that_readers_could_disagree_about_is_refused(archive: bytes, why: str) -> None:
    with pytest.raises(LayoutError, match=why):
        _read(archive)


def test_bytes_between_members_or_before_the_directory_are_refused() -> None:
    start = SMALL.rindex(HEADER)
    gap = bytearray(SMALL[:start] + b"hidden" + SMALL[start:])
    struct.pack_into("<I", gap, gap.rindex(ENTRY) + 42, start + 6)
    struct.pack_into("<I", gap, gap.rindex(END) + 16, gap.index(ENTRY))
    with pytest.raises(LayoutError, match="member 'byteorder' does not follow the one before it"):
        _read(bytes(gap))
    directory = SMALL.index(ENTRY)
    gap = bytearray(SMALL[:directory] + b"hidden" + SMALL[directory:])
    struct.pack_into("<I", gap, gap.rindex(END) + 16, directory + 6)
    with pytest.raises(LayoutError, match="there are bytes between its members and its directory"):
        _read(bytes(gap))


class _Stream(io.BytesIO):
    """A file in which nobody can go back, as a pipe: zip writers put lengths behind each member."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


@pytest.mark.parametrize("wide", [False, True])
def test_lengths_behind_the_members_are_read_over(wide: bool) -> None:
    file = _Stream()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members_of(NOTHING, {"0": b"1234"}):
            with archive.open(name, "w", force_zip64=wide) as member:
                member.write(data)
    layout = _read(file.getvalue())
    assert (layout.pickle, layout.storages) == (NOTHING, {"0": 4})


def _with_wide_numbers(archive: bytes, wide: tuple[int, ...], said: int, kept: int, mark: int = 1) -> bytes:
    """Return the archive with some of two lengths and the place of each member in 64 bits, in a field of its directory."""
    directory = archive.index(ENTRY)
    entries, at = b"", directory
    while archive[at : at + 4] == ENTRY:
        numbers = struct.unpack_from("<II", archive, at + 20) + struct.unpack_from("<I", archive, at + 42)
        name_length = struct.unpack_from("<H", archive, at + 28)[0]
        field = struct.pack(f"<HH{len(wide)}Q", mark, said, *(numbers[place] for place in wide))[: 4 + kept]
        narrow = [0xFFFFFFFF if place in wide else number for place, number in enumerate(numbers)]
        entry = bytearray(archive[at : at + 46 + name_length])
        struct.pack_into("<II", entry, 20, *narrow[:2])
        struct.pack_into("<H", entry, 30, len(field))
        struct.pack_into("<I", entry, 42, narrow[2])
        entries, at = entries + entry + field, at + 46 + name_length
    end = bytearray(archive[at:])
    struct.pack_into("<I", end, 12, len(entries))
    return archive[:directory] + entries + bytes(end)


@pytest.mark.parametrize("wide", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_numbers_of_64_bits_are_read_where_all_of_them_are_there(wide: tuple[int, ...]) -> None:
    length = 8 * len(wide)
    layout = _read(_with_wide_numbers(SMALL, wide, length, length))
    assert (layout.pickle, layout.storages) == (NOTHING, {"0": 4})
    missing = "the length of member 'archive/data.pkl' is missing"
    for said, kept, mark in [(length - 1, length, 1), (length, length - 1, 1), (length, length, 2)]:
        with pytest.raises(LayoutError, match=missing):
            _read(_with_wide_numbers(SMALL, wide, said, kept, mark))


def test_members_that_lie_over_each_other_are_refused() -> None:
    """A thousand storages in the same bytes would need a thousand times the memory of the file."""
    archive = bytearray(zipped(members_of(NOTHING, {"0": bytes(100), "1": bytes(100)})))
    entries = [place for place in range(len(archive)) if archive[place : place + 4] == ENTRY]
    first = struct.unpack_from("<I", archive, entries[1] + 42)[0]
    struct.pack_into("<I", archive, entries[2] + 42, first)
    with pytest.raises(LayoutError, match="member 'data/1' does not follow the one before it"):
        _read(bytes(archive))


def test_a_long_description_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archive, "LONGEST_PICKLE", 3)
    with pytest.raises(LayoutError, match="takes 4 bytes, more than 3: put long lists of numbers into tensors"):
        _read(SMALL)


class _Counting(io.FileIO):
    """A file that counts the bytes that are read from it."""

    count = 0

    def read(self, size: int | None = -1, /) -> Any:
        data = super().read(size)
        self.count += len(data or b"")
        return data


@pytest.mark.parametrize("directory", [0, 2**39])
def test_of_an_enormous_file_little_is_read(tmp_path: Path, directory: int) -> None:
    length = 10**12
    path = tmp_path / "a"
    with path.open("wb") as file:
        file.seek(length - 22)
        file.write(struct.pack("<4s4H2IH", END, 0, 0, 1, 1, 60, directory & 0xFFFFFFFF, 0))
    with _Counting(path) as counting:
        with pytest.raises(LayoutError):
            read_layout(cast("Any", counting), length)
        assert counting.count < 10_000


def _in_the_directory_of_the_end(archive: bytes) -> bytes:
    """Make a zip64 record that names a directory of its own, which only some readers look at."""
    other = zipped(members_of(b"\x80\x02}."))
    return other + archive


@pytest.mark.parametrize("make", [_in_the_directory_of_the_end, lambda archive: archive + archive])
def test_two_archives_in_one_file_are_refused(tmp_path: Path, make: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.pt").write_bytes(sealed(make(SMALL)))
    with pytest.raises(
        CheckpointError, match=r"a\.pt was refused: its directory does not end where its end record begins"
    ):
        load_checkpoint(tmp_path / "a.pt")
