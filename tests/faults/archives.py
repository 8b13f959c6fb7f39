"""Hostile files for readers of torch's archives: the pickles, and archives that are wrong themselves."""

import hashlib
import io
import struct
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch

import gankit as gk
from tests.faults.contents import Made
from tests.faults.pickles import CROWDS, bombs, calls, crowd, foreign, foreign_tensors, pickled, streams, tensor

MARK = b"gankit sha256 "
FORGED = "forged"


def archive(pickle_bytes: bytes, storages: Mapping[str, bytes] | None = None) -> bytes:
    """Return an archive as ``torch.save`` lays it out, with any pickle in it."""
    buffer = io.BytesIO()
    writers: Any = torch.serialization
    with writers._open_zipfile_writer(buffer) as writer:
        records = {
            "data.pkl": pickle_bytes,
            ".format_version": b"1",
            ".storage_alignment": b"64",
            "byteorder": b"little",
        }
        for name, data in {**records, **{f"data/{key}": data for key, data in (storages or {}).items()}}.items():
            writer.write_record(name, data, len(data))
    return buffer.getvalue()


def sealed(data: bytes) -> bytes:
    """Return an archive with a right checksum, which anybody can compute: it must not be what keeps a hostile file out."""
    body = data[:-2] + (len(MARK) + 64).to_bytes(2, "little") + MARK
    return body + hashlib.sha256(body).hexdigest().encode()


def _saved(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def _deflated(pickle_bytes: bytes, storages: Mapping[str, int]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, data in {"data.pkl": pickle_bytes, "version": b"3\n", "byteorder": b"little"}.items():
            file.writestr(f"archive/{name}", data)
        for key, length in storages.items():
            with file.open(f"archive/data/{key}", "w", force_zip64=True) as member:
                for _ in range(length >> 20):
                    member.write(bytes(1 << 20))
    return buffer.getvalue()


def _of_members(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled(1))
        for number in range(count):
            file.writestr(f"archive/data/{number}", b"")
    return buffer.getvalue()


def _declaring(data: bytes, length: int) -> bytes:
    """Return an archive whose directory says that its last storage has this many bytes."""
    at = data.rfind(b"archive/data/0") - 46
    return data[: at + 20] + struct.pack("<II", length, length) + data[at + 28 :]


def wrapped(value: Any) -> dict[str, Any]:
    """Return a checkpoint with a value in the place of its networks."""
    return {"version": 1, "step": 3, "state": {"networks": value}}


@cache
def files(sentinel: Path) -> dict[str, Made]:
    """Return hostile files for readers of torch's archives, by what is in them."""
    numbers = {"0": bytes(8)}
    found: dict[str, Made] = {}
    for kind, values in {"runs": calls(sentinel), "bomb": bombs(), "holds": foreign()}.items():
        for name, value in values.items():
            found[f"{kind}: {name}"] = archive(pickled(wrapped(value)), numbers)
            if kind == "runs":
                found[f"old format, {kind}: {name}"] = pickled(value)
    found |= {f"opcodes: {name}": archive(data, numbers) for name, data in streams(sentinel).items()}
    found |= {f"opcodes alone: {name}": data for name, data in streams(sentinel).items()}
    found |= {f"holds: {name}": _saved(wrapped(value)) for name, value in foreign_tensors().items()}
    one = pickled(wrapped(tensor("0", 1 << 26, (1 << 26,), (1,))))
    whole = archive(pickled(wrapped(tensor("0", 2, (2,), (1,)))), numbers)
    found |= {
        "archive: 256 MB of zeros, deflated": lambda: _deflated(one, {"0": 1 << 28}),
        "archive: a pickle of 64 MB, deflated": lambda: _deflated(b"\x80\x02]" + b"]0" * (1 << 25) + b".", {}),
        "archive: says 4 GB": _declaring(whole, 0xFFFFFFF0),
        "archive: a pickle of 64 MB": lambda: archive(b"\x80\x02]" + b"]0" * (1 << 25) + b"."),
        "archive: a directory of 200,000 members": lambda: _of_members(200_000),
        "archive: 20,000 members": lambda: archive(pickled(1), {str(number): b"" for number in range(20_000)}),
        **{f"archive: 14 MB of {name}": lambda item=item: archive(crowd(item)) for name, item in CROWDS.items()},
        "archive: no pickle": _deflated(b"", {}),
        "archive: only its end": whole[-300:],
        "archive: another one inside": archive(pickled(1), {"0": whole}),
        "empty": b"",
        "a text": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n",
    }
    return found


def check_forging() -> None:
    """Check that forged archives are what gankit reads: else all of them would be refused for another reason.

    Raises:
        RuntimeError: They are not.
    """
    data = archive(
        pickled({"weights": tensor("0", 2, (2,), (1,)), "name": FORGED}), {"0": struct.pack("<2f", 1.0, 2.0)}
    )
    with tempfile.NamedTemporaryFile(suffix=".pt") as file:
        Path(file.name).write_bytes(sealed(data))
        try:
            state = gk.training.load_checkpoint(file.name)
        except gk.training.CheckpointError as error:
            raise RuntimeError(
                f"the trial cannot forge checkpoints any more, teach it the new layout: {error}"
            ) from error
    assert state["weights"].tolist() == [1.0, 2.0]
