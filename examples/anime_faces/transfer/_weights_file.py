"""Files of tensors by name that ``torch.save`` of any version wrote, read without running or building anything else in them."""

import io
import math
from collections.abc import Mapping
from pathlib import Path
from struct import Struct
from typing import IO, Any

import torch

from examples.anime_faces.files import check_ordinary
from examples.anime_faces.transfer._instructions import Described, Storage, WeightsError, described

DTYPES = {
    "torch.ByteStorage": torch.uint8,
    "torch.CharStorage": torch.int8,
    "torch.ShortStorage": torch.int16,
    "torch.IntStorage": torch.int32,
    "torch.LongStorage": torch.int64,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.FloatStorage": torch.float32,
    "torch.DoubleStorage": torch.float64,
}
MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
"""With which files begin that versions before 1.6 wrote."""
LONGEST_PICKLE = 1 << 22
LONGEST_DIRECTORY = 1 << 20
END = Struct("<4s4H2IH")
ENTRY = Struct("<4s6H3I5H2I")
HEADER = Struct("<4s5H3I2H")

Places = Mapping[str, tuple[int, int]]
"""Where in the file the bytes of each storage are: the position of the first, and their number."""


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a file, on the CPU.

    Sizes are compared with that of the file before a tensor is made, so that no more memory is used than the file is large.

    Args:
        path: A file of ``torch.save`` with a dict of tensors by name, such as a network's ``state_dict()``.

    Raises:
        WeightsError: It holds something else; the message says what, in one line, and does not name the file.
        OSError: It cannot be read.
        ValueError: It is no ordinary file.
    """
    check_ordinary(path)
    with path.open("rb") as file:
        is_archive = file.read(4) == b"PK\3\4"
        file.seek(0)
        state, places = _archive(file) if is_archive else _old(file)
        if not isinstance(state, dict) or not state or not all(isinstance(one, Described) for one in state.values()):
            raise WeightsError("it must hold tensors by name, as a network's state_dict does, and nothing else")
        tensors: dict[str, Described] = state
        size, there = sum(map(_bytes, tensors.values())), file.seek(0, io.SEEK_END)
        if size > there:  # numbers that are not in the file, but copies of one of them
            raise WeightsError(f"it must hold all {size:,} bytes of its tensors, but it has {there:,}")
        for one in tensors.values():
            _check(one, places)
        return {name: _built(one, file, places) for name, one in tensors.items()}


def _archive(file: IO[bytes]) -> tuple[Any, Places]:
    """Return what an archive describes, and where its storages are."""
    members = _members(file)
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise WeightsError("it is an archive without one data.pkl")
    folder = pickles[0].removesuffix("data.pkl")
    if (order := f"{folder}byteorder") in members and _member(file, members[order], 16) != b"little":
        raise WeightsError("its numbers begin with their highest byte")
    state = described(io.BytesIO(_member(file, members[pickles[0]], LONGEST_PICKLE)))
    start = f"{folder}data/"
    return state, {name.removeprefix(start): place for name, place in members.items() if name.startswith(start)}


def _members(file: IO[bytes]) -> dict[str, tuple[int, int]]:
    """Return the position and the length of the data of each member."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - END.size - (1 << 16)))
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + END.size > len(tail):
        raise WeightsError("it is an archive that is cut off")
    *_, count, size, start, _ = END.unpack_from(tail, at)
    if size > LONGEST_DIRECTORY or start + size > length:
        raise WeightsError("it is an archive with a directory that is too large, or is cut off")
    file.seek(start)
    directory, place, members = file.read(size), 0, dict[str, tuple[int, int]]()
    for _ in range(count):
        if place + ENTRY.size > size:
            raise WeightsError("it is an archive whose directory is cut off")
        _, _, _, _, method, _, _, _, packed, own, name_length, more, comment, _, _, _, header = ENTRY.unpack_from(
            directory, place
        )
        first = place + ENTRY.size
        name = directory[first : first + name_length].decode("utf-8", "replace")
        if method or packed != own:
            raise WeightsError("it is an archive of compressed members, which torch.save does not write")
        members[name] = _data_of(file, header, own, length)
        place = first + name_length + more + comment
    return members


def _data_of(file: IO[bytes], header: int, own: int, length: int) -> tuple[int, int]:
    file.seek(header)
    data = file.read(HEADER.size)
    name, more = HEADER.unpack(data)[-2:] if len(data) == HEADER.size else (0, 0)
    first = header + HEADER.size + name + more
    if data[:4] != b"PK\3\4" or first + own > length:
        raise WeightsError("it is an archive with a member that is cut off")
    return first, own


def _member(file: IO[bytes], place: tuple[int, int], most: int) -> bytes:
    if place[1] > most:
        raise WeightsError(f"all but the numbers in it takes {place[1]:,} bytes, which is too much for tensors by name")
    file.seek(place[0])
    return file.read(place[1])


def _old(file: IO[bytes]) -> tuple[Any, Places]:
    """Return what a file of torch before 1.6 describes, and where its storages are: one after the other at the end."""
    magic, protocol, system = described(file), described(file), described(file)
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, dict) or not system.get("little_endian", True):
        raise WeightsError("it is no file of torch.save")
    state, keys = described(file), described(file)
    if not isinstance(state, dict) or not isinstance(keys, list):
        raise WeightsError("it must hold tensors by name, as a network's state_dict does, and nothing else")
    sizes = {one.storage.key: _item(one.storage) for one in state.values() if isinstance(one, Described)}
    at, places = file.tell(), dict[str, tuple[int, int]]()
    for key in keys:
        file.seek(at)
        count = int.from_bytes(file.read(8), "little")
        if not isinstance(key, str) or key not in sizes:
            raise WeightsError("it has numbers that belong to no tensor")
        places[key] = (at + 8, count * sizes[key])
        at += 8 + count * sizes[key]
    return state, places


def _item(storage: Storage) -> int:
    if storage.kind not in DTYPES:
        raise WeightsError(f"it has numbers of the unknown type {storage.kind[:80]}")
    return DTYPES[storage.kind].itemsize


def _bytes(one: Described) -> int:
    return math.prod(one.shape) * _item(one.storage)


def _check(one: Described, places: Places) -> None:
    """Refuse a tensor that does not lie in its storage without gaps, or a storage that is not in the file."""
    _, length = places.get(one.storage.key, (0, -1))
    if length != one.storage.count * _item(one.storage):
        raise WeightsError("it has a tensor whose numbers are not in the file")
    if 0 in one.shape:
        return
    span = 1 + sum((size - 1) * stride for size, stride in zip(one.shape, one.strides, strict=True))
    if one.offset + span > one.storage.count or span != math.prod(one.shape):
        raise WeightsError("it has a tensor whose numbers do not lie side by side in the file")


def _built(one: Described, file: IO[bytes], places: Places) -> torch.Tensor:
    kind, data = DTYPES[one.storage.kind], bytearray(_bytes(one))
    if not data:
        return torch.empty(one.shape, dtype=kind)
    file.seek(places[one.storage.key][0] + one.offset * kind.itemsize)
    data[:] = file.read(len(data))
    if len(data) != _bytes(one):
        raise WeightsError("it became shorter while it was read")
    return torch.frombuffer(data, dtype=kind).as_strided(one.shape, one.strides)
