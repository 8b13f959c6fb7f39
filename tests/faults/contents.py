"""Hostile contents of files: JSON, arrays, texts, pictures, and things that are no file. Those of torch are in `pickles`."""

import io
import json
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.pickles import Call, pickled

SPARSE = 1 << 40
Write = Callable[[Path], None]
"""Puts something at a path, at which there is nothing."""
Made = bytes | Callable[[], bytes]
"""Contents of a file; those that take long are made when they are needed."""


def made(data: Made) -> bytes:
    """Return contents."""
    return data if isinstance(data, bytes) else data()


def writing(data: Made) -> Write:
    """Return what writes contents."""

    def write(path: Path) -> None:
        path.write_bytes(made(data))

    return write


def sparse(path: Path) -> None:
    """Write a file of 2^40 zeros that takes no place on the disk."""
    with path.open("wb") as file:
        file.truncate(SPARSE)


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        before = Path.cwd()
        os.chdir(path.parent)  # names of sockets must be short
        try:
            one.bind(path.name)
        finally:
            os.chdir(before)


NODES: dict[str, Write] = {
    "is: a folder": Path.mkdir,
    "is: a link to nothing": lambda path: path.symlink_to(path.with_name("nothing")),
    "is: a link to itself": lambda path: path.symlink_to(path),
    "is: a pipe": os.mkfifo,
    "is: a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "is: a link to /dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "is: a socket": _bind,
    "is: 2^40 zeros": sparse,
}


def texts() -> dict[str, Made]:
    """Return what is no text, or a strange one."""
    return {
        "text: NUL bytes": b"a,b\0c\n",
        "text: UTF-16": "1,blue hair\n".encode("utf-16"),
        "text: latin-1": "1,blue h\xe4ir\n".encode("latin-1"),
        "text: lone carriage returns": b"1,blue hair\r2,red hair\r",
        "text: a line of 20 MB": lambda: b"1," + b"a" * 20_000_000,
        "text: a line of 1 MB": b"1," + b"a" * 1_000_000,
        "text: random bytes": np.random.default_rng(0).bytes(50_000),
        "text: quotes without an end": b'file,hair\n"1.png,blue\n' * 20_000,
        "text: a count of 100,000 digits": b"1,blue hair:" + b"9" * 100_000 + b"\t\n",
        "text: a million commas": b"1," + b"," * 1_000_000,
        "text: a million colons": b"1,a" + b":" * 1_000_000,
        "text: a million counts and a fault": b"1," + b"a:1 " * 250_000 + b"b",
        "text: a million words": b"1," + b"blue " * 200_000,
    }


def json_texts() -> dict[str, Made]:
    """Return what is no JSON, or a strange one."""
    return {
        "json: empty": b"",
        "json: no JSON": b"hello",
        "json: cut short": b'{"schema": 1, "recipe": "ac',
        "json: UTF-16": '{"schema": 1}'.encode("utf-16"),
        "json: NUL bytes": bytes(500),
        "json: 100,000 nested lists": b"[" * 100_000 + b"]" * 100_000,
        "json: 100,000 nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "json: a number of 1,000,000 digits": b'{"schema": ' + b"1" * 1_000_000 + b"}",
        "json: a number with an exponent": b'{"schema": 1e999999}',
        "json: NaN": b'{"schema": NaN}',
        "json: a list": b"[]",
        "json: a number": b"7",
        "json: a text": b'"a"',
        "json: null": b"null",
        "json: an empty object": b"{}",
        "json: half a character": b'{"schema": "\\ud800"}',
        "json: 40 MB": lambda: b'{"a": [' + b"1," * 20_000_000 + b"1]}",
        "json: 2 MB of empty lists": b'{"a": [' + b"[]," * 690_000 + b"1]}",
        "json: 2 MB of empty objects": b'{"a": [' + b"{}," * 690_000 + b"1]}",
    }


def changed_json(whole: dict[str, Any]) -> dict[str, bytes]:
    """Return a whole file with each entry left out, or of another kind."""
    others: dict[str, Any] = {
        "left out": None,
        "null": None,
        "a text": "x",
        "a list": [],
        "an object": {},
        "-1": -1,
        "10^400": 10**400,
        "1e308": 1e308,
        "nested": json.loads("[" * 900 + "]" * 900),
    }
    found = {}
    for name in whole:
        for what, other in others.items():
            changed = {key: value for key, value in whole.items() if key != name}
            if what != "left out":
                changed[name] = other
            found[f"entry {name}: {what}"] = json.dumps(changed).encode()
    return found


def _npy(header: str, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header.encode("latin-1")
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text) if length is None else length) + text + data


def _packed_zeros() -> bytes:
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.zeros(1 << 28, np.uint8))
    return packed.getvalue()


def arrays(sentinel: Path) -> dict[str, Made]:
    """Return arrays of NumPy that run code, or say that they are huge."""

    def described(shape: str, descr: str = "'|u1'", data: bytes = bytes(100)) -> bytes:
        return _npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data)

    evil = pickled(Call(os.system, f"touch {sentinel}"))
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as file:
        file.writestr("a.npy", described("(1,)", "'|O'", evil))
    return {
        "array: a pickle": evil,
        "array: objects": described("(1,)", "'|O'", evil),
        "array: a header that is a call": _npy(f"__import__('os').system('touch {sentinel}')"),
        "array: a shape that is a call": described(f"(__import__('os').system('touch {sentinel}'),)"),
        "array: terabytes": described("(1099511627776,)"),
        "array: 256 MB": described("(268435456,)"),
        "array: sizes whose product overflows": described("(4294967296, 4294967296, 4294967296)"),
        "array: a negative size": described("(-1,)"),
        "array: no axes": described("()"),
        "array: texts": described("(1,)", "'<U25'"),
        "array: of nothing": described("(0,)"),
        "array: a type of 2^31 bytes": described("(1,)", "'|V2147483647'"),
        "array: a header of 60,000 brackets": _npy("(" * 60_000),
        "array: a header that is not there": _npy("", length=60_000),
        "array: a file of arrays, 256 MB of zeros": _packed_zeros,
        "array: a file of objects": kept.getvalue(),
        "array: empty": b"",
        "array: rubbish": bytes(range(256)) * 20,
    }


def pictures() -> dict[str, Made]:
    """Return files that are called pictures, and are none or too large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def png(width: int, height: int, data: bytes) -> bytes:
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

    def many_zeros() -> bytes:
        return zlib.compress(bytes(30_000_000), 1)

    return {
        "picture: empty": b"",
        "picture: a page": b"<html>not found</html>",
        "picture: of 30,000 x 30,000 pixels": lambda: png(30_000, 30_000, many_zeros()),
        "picture: of 2^31 x 2^31 pixels": lambda: png(1 << 31, 1 << 31, many_zeros()),
        "picture: of 8,000 x 8,000 pixels": lambda: png(8000, 8000, zlib.compress(bytes(8000 * 24_001), 1)),
        "picture: a text of 200 MB in it": lambda: (
            png(32, 32, zlib.compress(bytes(32 * 97)))[:-12]
            + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"a" * 200_000_000, 1))
            + chunk(b"IEND", b"")
        ),
        "picture: PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\nshowpage\n",
        "picture: SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "picture: cut short": png(32, 32, zlib.compress(bytes(32 * 97)))[:60],
    }


def safetensors(sentinel: Path) -> dict[str, Made]:
    """Return files of tensors in the format of safetensors that say what is not so."""

    def file(header: bytes, data: bytes = bytes(8)) -> bytes:
        return struct.pack("<Q", len(header)) + header + data

    def one(about: str) -> bytes:
        return file(f'{{"a":{about}}}'.encode())

    return {
        "tensors: empty": b"",
        "tensors: rubbish": bytes(range(256)) * 20,
        "tensors: a pickle": pickled(Call(os.system, f"touch {sentinel}")),
        "tensors: a header of 2^60 bytes": struct.pack("<Q", 1 << 60) + bytes(100),
        "tensors: a header of 90 MB": lambda: file(b'{"a":' + b"[" * 90_000_000),
        "tensors: 100,000 nested lists": file(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "tensors: a header that is cut off": struct.pack("<Q", 500) + b'{"a":',
        "tensors: terabytes": one('{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}'),
        "tensors: sizes whose product overflows": one(
            '{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}'
        ),
        "tensors: more than there is": one('{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}'),
        "tensors: an unknown type": one('{"dtype":"PY","shape":[2],"data_offsets":[0,8]}'),
        "tensors: of 4 bits": one('{"dtype":"F4","shape":[16],"data_offsets":[0,8]}'),
        "tensors: half a character": one('{"dtype":"F32","shape":[2],"data_offsets":[0,8],"\\ud800":1}'),
        "tensors: other names": one('{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'),
    }
