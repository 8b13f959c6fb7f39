"""Changes of valid files: a few random ones each, of bytes, of lines, of JSON, of arrays of NumPy, of members of archives."""

import ast
import io
import json
import random
import struct
import warnings
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import torch

from tests.fuzzing.words import NUMBERS, VALUES, WORDS

Mutator = Callable[[random.Random, bytes], bytes]
MOST_CHANGES = 4
LONGEST = 1 << 16
"""Bytes of a changed file: what is larger finds the same faults more slowly."""
# fmt: off
TENSORS: tuple[Callable[[torch.Tensor], torch.Tensor], ...] = (
    torch.zeros_like, lambda one: one.reshape(-1), lambda one: one.reshape(-1)[:0], lambda one: one[None],
    lambda one: one.double(),
    lambda one: one.to(torch.int8), lambda one: one.bool(), lambda one: one.to(torch.complex64), lambda one: one.sum(),
    lambda one: torch.full_like(one.float(), float("nan")), lambda one: one.float() * 1e38,
    lambda one: torch.cat([one.reshape(-1)] * 2),
)
# fmt: on


def several(*changes: Mutator) -> Mutator:
    """Return what makes one to a few of these changes."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        for _ in range(rng.randint(1, MOST_CHANGES)):
            data = rng.choice(changes)(rng, data)[:LONGEST]
        return data

    return mutate


def _place(rng: random.Random, data: Sequence[Any]) -> int:
    # Beginnings and ends hold what says how the rest is read.
    where = rng.random()
    if where < 0.25:
        return rng.randrange(min(len(data), 80) + 1)
    return max(0, len(data) - rng.randrange(80)) if where < 0.4 else rng.randrange(len(data) + 1)


def flip(rng: random.Random, data: bytes) -> bytes:
    """Flip one bit."""
    changed = bytearray(data or b"\0")
    changed[min(_place(rng, changed), len(changed) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def put_byte(rng: random.Random, data: bytes) -> bytes:
    """Overwrite one byte."""
    at = _place(rng, data)
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def put_number(rng: random.Random, data: bytes) -> bytes:
    """Overwrite a whole number of 1 to 8 bytes."""
    at, size = _place(rng, data), rng.choice((1, 2, 4, 8))
    number = (rng.choice(NUMBERS) * rng.choice((1, -1))) % (1 << 8 * size)
    return data[:at] + number.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def cut(rng: random.Random, data: bytes) -> bytes:
    """Cut off the end."""
    return data[: _place(rng, data)]


def delete(rng: random.Random, data: bytes) -> bytes:
    """Delete some bytes."""
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 4, 8, rng.randrange(1, 200))) :]


def repeat(rng: random.Random, data: bytes) -> bytes:
    """Put some bytes there again, once or often."""
    at = _place(rng, data)
    part = data[at : at + rng.choice((1, 2, 8, 60, 400))]
    return data[:at] + part * rng.choice((1, 2, 40)) + data[at:]


def insert_word(rng: random.Random, data: bytes) -> bytes:
    """Insert something that means something to one of the readers."""
    at = _place(rng, data)
    return data[:at] + rng.choice(WORDS) + data[at:]


BYTES = several(flip, put_byte, put_number, cut, delete, repeat, insert_word)


def on_lines(rng: random.Random, data: bytes) -> bytes:
    """Delete, repeat, exchange or change lines, or cells of them."""
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    change = rng.randrange(6)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines.insert(at, lines[other])
    elif change == 2:
        lines[at], lines[other] = lines[other], lines[at]
    elif change == 3:
        lines[at] += rng.choice((b",", b"\t", b" ", b"\r")) + rng.choice(WORDS)
    else:
        between = rng.choice((b",", b"\t", b" ", b";", b":", b"="))
        cells = lines[at].split(between)
        cells[rng.randrange(len(cells))] = rng.choice(WORDS)
        lines[at] = between.join(cells)
    return b"\n".join(lines)


LINES = several(on_lines, on_lines, on_lines, insert_word, flip, delete, repeat, cut)


def changed_value(rng: random.Random, value: Any) -> Any:  # noqa: PLR0911 - a kind of value each
    """Return plain data with one part of it changed, left out, repeated or moved to another place; tensors may be parts."""
    if isinstance(value, torch.Tensor) and rng.random() < 0.8:
        return rng.choice(TENSORS)(value)
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        change = rng.randrange(8)
        if change == 0:
            return {key: one for key, one in value.items() if key != name}
        if change == 1:
            return {**value, rng.choice(("", "a", f"{name}x", "\ud800", 7)): value[name]}
        if change == 2:
            return {**value, name: rng.choice(list(value.values()))}
        return {**value, name: changed_value(rng, value[name])}
    if isinstance(value, list | tuple) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        more = [rng.choice(value)] * rng.randrange(2) if rng.random() < 0.3 else [changed_value(rng, value[at])]
        return type(value)([*value[:at], *more, *value[at + 1 :]])
    if isinstance(value, int | float) and rng.random() < 0.5:
        return rng.choice((value + 1, -value, value * 2, float(value), value - 1))
    if isinstance(value, str) and rng.random() < 0.5:
        at = rng.randrange(len(value) + 1)
        return value[:at] + rng.choice(WORDS).decode("utf-8", "replace") + value[at + rng.randrange(3) :]
    return rng.choice(VALUES)


def on_json(rng: random.Random, data: bytes) -> bytes:
    """Change values of a JSON text; a text that is none any more changes as bytes do."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return BYTES(rng, data)
    value = changed_value(rng, value)
    return json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 1))).encode("utf-8", "replace")


JSON = several(on_json, on_json, on_json, on_json, insert_word, delete)


def on_json_lines(rng: random.Random, data: bytes) -> bytes:
    """Change a value in a file that has a JSON text on each line."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at] = on_json(rng, lines[at]).replace(b"\n", b"")
    return b"\n".join(lines)


JSON_LINES = several(on_json_lines, on_json_lines, on_json_lines, on_lines, insert_word, cut)


def on_header(rng: random.Random, data: bytes) -> bytes:
    """Change what the header of an array says, its length and version with it."""
    if data[:6] != b"\x93NUMPY" or len(data) < 12:
        return BYTES(rng, data)
    start = 10 if data[6] == 1 else 12
    length = int.from_bytes(data[8:start], "little")
    text, body = data[start : start + length].decode("latin-1"), data[start + length :]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers like 1a
            header = ast.literal_eval(text.strip())
        header = changed_value(rng, header) if rng.random() < 0.4 else {**header, **_said(rng)}
        text = repr(header)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        text = insert_word(rng, text.encode("latin-1")).decode("latin-1")
    raw = text.encode("latin-1", "replace") + b" " * rng.choice((0, 1, 17)) + b"\n"
    form, version = rng.choice((("<H", b"\x01\x00"), ("<I", b"\x02\x00"), ("<I", b"\x03\x00"), ("<H", data[6:8])))
    return b"\x93NUMPY" + version + struct.pack(form, len(raw) & 0xFFFF) + raw + body


def _said(rng: random.Random) -> dict[str, Any]:
    axes = [rng.choice((0, 1, 2, 3, 5, 8, -1, 1 << 31, 1 << 40, 1 << 62, 1 << 63)) for _ in range(rng.randrange(5))]
    kinds = (
        "|u1",
        "<f4",
        ">f4",
        "<f8",
        "<f2",
        "|O",
        "<U5",
        "|S0",
        "|V0",
        "<i8",
        "|b1",
        "<M8[s]",
        "<c8",
        "<f16",
        "f4",
        "<x",
    )
    said = {
        "shape": tuple(axes),
        "descr": rng.choice((*kinds, [("a", "<f4")], [], "", ("<f4", (2,)))),
        "fortran_order": True,
    }
    return {name: value for name, value in said.items() if rng.random() < 0.5}


ARRAY = several(on_header, on_header, on_header, flip, put_number, cut, insert_word)


def on_members(inside: Mutator, *, compress: bool) -> Mutator:
    """Return what changes, leaves out, renames or repeats a member of a zip archive."""

    def mutate(rng: random.Random, data: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [(name, archive.read(name)) for name in archive.namelist()]
            at = rng.randrange(len(members))
        except Exception:  # noqa: BLE001 - it is no archive any more
            return BYTES(rng, data)
        name, held = members[at]
        change = rng.randrange(9)
        if change == 0:
            del members[at]
        elif change == 1:
            members.append((rng.choice(("a", "../a", "/a", name, f"{name}.npy", "archive/data/9")), held))
        elif change == 2:
            members[at] = (name + rng.choice(("", "x", "/", "\0")), rng.choice(members)[1])
        else:
            members[at] = (name, inside(rng, held))
        file = io.BytesIO()
        how = zipfile.ZIP_DEFLATED if compress and rng.random() < 0.1 else zipfile.ZIP_STORED
        with warnings.catch_warnings(), zipfile.ZipFile(file, "w", how) as archive:
            warnings.simplefilter("ignore")  # of a name that is there twice
            for name, held in members:
                archive.writestr(name, held)
        return file.getvalue()

    return mutate
