"""The layout of a checkpoint file: which members its archive has, and where; strict, so that no other reader sees others.

A zip archive can be built so that two readers find different members in it. Here only what ``torch.save`` writes is known:
members without a gap between them, their directory, and the end records, each where the one before it ends.
"""

import re
from dataclasses import dataclass
from struct import Struct
from typing import IO

LONGEST_PICKLE = 1 << 24
"""Bytes of everything in a state but the values of tensors."""
MOST_MEMBERS = 1 << 15
LONGEST_ENTRY = 256
END = Struct("<4s4H2IH")
LOCATOR = Struct("<4sIQI")
END_64 = Struct("<4sQ2H2I4Q")
ENTRY = Struct("<4s6H3I5H2I")
HEADER = Struct("<4s5H3I2H")
DESCRIPTOR_LENGTHS = (0, 16, 24)
FLAGS = 0x0808  # a descriptor follows the data; names are UTF-8
BEYOND_32 = 0xFFFFFFFF
FOLDER = b"archive/"
STORAGE = re.compile(rb"data/(0|[1-9][0-9]{0,8})")
PICKLE = b"data.pkl"
SMALL = {
    b"version": re.compile(rb"[0-9]{1,4}\n?"),
    b"byteorder": re.compile(rb"little|big"),
    b".format_version": re.compile(rb"[0-9]{1,4}"),
    b".storage_alignment": re.compile(rb"[1-9][0-9]{0,8}"),
    b".data/serialization_id": re.compile(rb"[0-9]{1,64}"),
}
"""What ``torch.save`` writes beside the pickle and the storages, and what may stand in it."""


class LayoutError(ValueError):
    """The bytes are not those of an archive that `save_checkpoint` writes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is in the archive.

    Args:
        pickle: The bytes of the member that describes the state.
        storages: Number of bytes of each storage, by its key in the pickle.
    """

    pickle: bytes
    storages: dict[str, int]


def read_layout(file: IO[bytes], end: int, comment: int = 0) -> Layout:
    """Read the members of an archive; nothing larger than the pickle is read.

    Args:
        file: Seekable.
        end: The position where the archive ends but for its comment.
        comment: Length of the comment.

    Raises:
        LayoutError: It is not one that `save_checkpoint` writes; the message says where.
    """
    count, size, start = _read_end(file, end, comment)
    if count > MOST_MEMBERS or size > LONGEST_ENTRY * count:
        raise LayoutError(f"its directory has {size} bytes for {count} members, and may list at most {MOST_MEMBERS}")
    directory = _read(file, start, size, "its directory")
    found: dict[bytes, tuple[int, int]] = {}
    at = place = 0
    for _ in range(count):
        name, length, header, at = _entry(directory, at)
        if name in found:
            raise LayoutError(f"member {_shown(name)} is listed twice")
        if header - place not in DESCRIPTOR_LENGTHS:
            raise LayoutError(f"member {_shown(name)} does not follow the one before it")
        place = _check_header(file, header, name, length, start)
        found[name] = (place - length, length)
    if at != size or start - place not in DESCRIPTOR_LENGTHS:
        raise LayoutError("there are bytes between its members and its directory, or after it")
    for required in (PICKLE, b"version"):
        if required not in found:
            raise LayoutError(f"member {_shown(required)} is missing")
    return _layout(file, found)


def _layout(file: IO[bytes], found: dict[bytes, tuple[int, int]]) -> Layout:
    storages: dict[str, int] = {}
    pickle = b""
    for name, (place, length) in found.items():
        if match := STORAGE.fullmatch(name):
            storages[match[1].decode()] = length
        elif name == PICKLE:
            if length > LONGEST_PICKLE:
                raise LayoutError(
                    f"all but the values of its tensors takes {length} bytes, more than {LONGEST_PICKLE}: put long lists of "
                    "numbers into tensors"
                )
            pickle = _read(file, place, length, "data.pkl")
        elif name not in SMALL:
            raise LayoutError(f"member {_shown(name)} is none that save_checkpoint writes")
        elif length > 64 or not SMALL[name].fullmatch(_read(file, place, length, name.decode())):
            raise LayoutError(f"member {_shown(name)} does not hold what save_checkpoint writes into it")
    return Layout(pickle, storages)


def _read_end(file: IO[bytes], end: int, comment: int) -> tuple[int, int, int]:
    """Return the number of members, and the size and the place of the directory, from the last records of the archive."""
    at = end - END.size
    mark, disk, its_disk, here, count, size, start, comment_length = END.unpack(_read(file, at, END.size, "its end"))
    if mark != b"PK\5\6" or disk or its_disk or here != count or comment_length != comment:
        raise LayoutError("it is not an archive: its end record is missing")
    if at >= LOCATOR.size + END_64.size:
        mark, disk, place, _ = LOCATOR.unpack(_read(file, at - LOCATOR.size, LOCATOR.size, "its end"))
        if mark == b"PK\6\7":
            at -= LOCATOR.size + END_64.size
            mark, _, _, _, *more = END_64.unpack(_read(file, at, END_64.size, "its end"))
            if mark != b"PK\6\6" or place != at or disk or more[0] or more[1] or more[2] != more[3]:
                raise LayoutError("its two end records do not fit together")
            count, size, start = more[3:]
    if start + size != at:
        raise LayoutError("its directory does not end where its end record begins")
    return count, size, start


def _entry(directory: bytes, at: int) -> tuple[bytes, int, int, int]:
    """Return the name, the length and the place of the header of the member at a place of the directory, and the next place."""
    if at + ENTRY.size > len(directory):
        raise LayoutError("its directory is cut short")
    mark, _, _, flags, method, _, _, _, packed, length, *rest = ENTRY.unpack_from(directory, at)
    name_length, more_length, comment_length, disk, _, _, header = rest
    first = at + ENTRY.size
    name = directory[first : first + name_length]
    more = directory[first + name_length : first + name_length + more_length]
    after = first + name_length + more_length + comment_length
    if mark != b"PK\1\2" or after > len(directory) or disk or flags & ~FLAGS or comment_length:
        raise LayoutError(f"its directory is not one that save_checkpoint writes, at member {_shown(name)}")
    if method != 0:
        raise LayoutError(f"member {_shown(name)} is compressed, which save_checkpoint never does")
    packed, length, header = _wide((packed, length, header), more, name)
    if packed != length:
        raise LayoutError(f"member {_shown(name)} has two lengths, {packed} and {length}")
    if not name.startswith(FOLDER):
        raise LayoutError(f"member {_shown(name)} is none that save_checkpoint writes")
    return name.removeprefix(FOLDER), length, header, after


def _wide(numbers: tuple[int, int, int], more: bytes, name: bytes) -> tuple[int, ...]:
    """Return lengths and place, those that need more than 32 bits from the field that holds them."""
    missing = [position for position, number in enumerate(numbers) if number == BEYOND_32]
    if not missing:
        return numbers
    whole = list(numbers)
    field = more[4:]
    if more[:2] != b"\1\0" or len(field) < 8 * len(missing) or int.from_bytes(more[2:4], "little") < 8 * len(missing):
        raise LayoutError(f"the length of member {_shown(name)} is missing")
    for place, position in enumerate(missing):
        whole[position] = int.from_bytes(field[8 * place : 8 * place + 8], "little")
    return tuple(whole)


def _check_header(file: IO[bytes], at: int, name: bytes, length: int, end: int) -> int:
    """Check the header in front of a member, and return where the member ends."""
    fields = HEADER.unpack(_read(file, at, HEADER.size, _shown(name)))
    mark, _, flags, method = fields[:4]
    name_length, more_length = fields[-2:]
    whole = FOLDER + name
    if (
        mark != b"PK\3\4"
        or method
        or flags & ~FLAGS
        or name_length != len(whole)
        or _read(file, at + HEADER.size, name_length, _shown(name)) != whole
    ):
        raise LayoutError(f"the header of member {_shown(name)} differs from the directory")
    after = at + HEADER.size + name_length + more_length + length
    if after > end:
        raise LayoutError(f"member {_shown(name)} declares {length} bytes, more than the file holds there")
    return after


def _read(file: IO[bytes], at: int, length: int, what: str) -> bytes:
    if at < 0:
        raise LayoutError(f"it is not an archive: {what} is missing")
    file.seek(at)
    data = file.read(length)
    if len(data) != length:
        raise LayoutError(f"{what} is cut short")
    return data


def _shown(name: bytes) -> str:
    return repr(name[:60].decode(errors="replace"))
