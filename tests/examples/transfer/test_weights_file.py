"""Tensors of every form of `torch.save` are read as torch reads them; what else a file holds is refused before it is built."""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from examples.anime_faces.transfer._instructions import WeightsError, described
from examples.anime_faces.transfer._weights_file import DTYPES, read_weights


def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    found = {kind.removeprefix("torch."): torch.randint(0, 9, (2, 3)).to(dtype) for kind, dtype in DTYPES.items()}
    whole = torch.randn(5, 7)
    return found | {
        "transposed": torch.randn(3, 5).T,
        "channels last": torch.randn(2, 3, 5, 7).to(memory_format=torch.channels_last),
        "one number": torch.tensor(3.0),
        "none": torch.empty(0, 4),
        "a part": whole[2:4],
        "another part": whole[1],
        "a parameter": nn.Parameter(torch.randn(2)),
    }


@pytest.mark.parametrize("archive", [True, False])
def test_tensors_are_those_that_torch_reads(archive: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save(OrderedDict(state()), path, _use_new_zipfile_serialization=archive)
    read, expected = read_weights(path), torch.load(path, weights_only=True)
    assert list(read) == list(expected)
    for name, one in expected.items():
        torch.testing.assert_close(read[name], one.detach(), rtol=0, atol=0, check_stride=True)
    assert not any(one.requires_grad for one in read.values())


@pytest.mark.parametrize("archive", [True, False])
def test_the_state_of_a_network_with_its_versions(archive: bool, tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3))
    torch.save(network.state_dict(), tmp_path / "a.ckpt", _use_new_zipfile_serialization=archive)
    read = read_weights(tmp_path / "a.ckpt")
    assert list(read) == list(network.state_dict())
    assert all(torch.equal(read[name], one) for name, one in network.state_dict().items())


def test_files_of_a_gpu_are_read_without_one(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "a.ckpt", _use_new_zipfile_serialization=False)
    data = (tmp_path / "a.ckpt").read_bytes()
    (tmp_path / "a.ckpt").write_bytes(data.replace(b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:0"))
    assert torch.equal(read_weights(tmp_path / "a.ckpt")["a"], torch.ones(2))


def _saved(value: Any, *, archive: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=archive)
    return buffer.getvalue()


ONE = {"a": torch.ones(4)}


def _instead(old: bytes, new: bytes, *, archive: bool = True) -> bytes:
    data = _saved(ONE, archive=archive)
    assert old in data
    assert len(old) == len(new)
    return data.replace(old, new)


def _deflated() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a/data.pkl", b"\x80\x02]" + b"]0" * (1 << 20) + b".")
    return buffer.getvalue()


def _stored(instructions: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a/data.pkl", instructions)
    return buffer.getvalue()


def _old(instructions: bytes) -> bytes:
    return b"".join(pickle.dumps(one, 2) for one in (0x1950A86A20F9469CFC6C, 1001, {})) + instructions


SHARED = b"\x80\x02}q\x00K\x01" + b"".join(b"\x86q\x01h\x01" for _ in range(60))
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "no file of torch.save, or is cut off"),
    "a text": (lambda: b"not weights", r"the instruction b'n'"),
    "a list": (lambda: _saved([torch.ones(1)]), "must hold tensors by name"),
    "no tensors": (lambda: _saved({}), "must hold tensors by name"),
    "more than tensors": (lambda: _saved({"a": torch.ones(1), "b": 1}), "must hold tensors by name"),
    "a module": (lambda: _saved(nn.Linear(1, 1)), r"it holds torch\.nn\.modules\.linear\.Linear, which is no part"),
    "a function": (lambda: _saved({"a": print}), r"it holds (__builtin__|builtins)\.print, which is no part"),
    "a sparse tensor": (lambda: _saved({"a": torch.eye(2).to_sparse()}), "_rebuild_sparse_tensor, which is no part"),
    "a complex tensor": (lambda: _saved({"a": torch.ones(1) * 1j}), "the unknown type torch.ComplexFloatStorage"),
    "numbers as keys": (lambda: _saved({1: torch.ones(1)}), "a key that is no text"),
    "a tensor twice as large": (lambda: _instead(b"K\x04\x85", b"K\x08\x85"), "do not lie side by side"),
    "copies of one number": (
        lambda: _saved({"a": torch.ones(1).expand(1 << 20)}),
        "all 4,194,304 bytes of its tensors",
    ),
    "gaps": (lambda: _saved({"a": torch.ones(9)[::2]}), "do not lie side by side"),
    "a storage that is not there": (
        lambda: _instead(b"X\1\0\0\0\x30", b"X\1\0\0\0\x37"),
        "whose numbers are not in the file",
    ),
    "big-endian numbers": (lambda: _instead(b"little", b"big\0\0\0"), "begin with their highest byte"),
    "a deflated pickle": (_deflated, "an archive of compressed members"),
    "a long pickle": (lambda: _stored(b"\x80\x02]" + b"]" * (1 << 22)), "takes 4,194,307 bytes"),
    "many instructions": (lambda: _stored(b"\x80\x02" + b"]" * (1 << 17)), "more than 65,536 instructions"),
    "many instructions in the old form": (lambda: _old(b"]" * (1 << 17)), "more than 65,536 instructions"),
    "tuples in tuples": (lambda: _stored(SHARED), "it refers to an object|tuples in tuples"),
    "a long name": (lambda: _stored(b"\x80\x02X\0\0\1\0" + b"a" * (1 << 16)), "a name of 65,536 bytes"),
    "a line without an end": (lambda: _stored(b"\x80\x02c" + b"a" * (1 << 16)), "is cut off"),
    "items without a container": (lambda: _stored(b"\x80\x02K\1K\1K\1s."), "something that is no dict"),
    "a mark too few": (lambda: _stored(b"\x80\x02}e."), "the beginning of a container is missing"),
    "an object too few": (lambda: _stored(b"\x80\x02}s."), "an object is missing"),
    "two objects": (lambda: _stored(b"\x80\x02}}."), "several objects"),
    "an old file cut short": (lambda: _saved(ONE, archive=False)[:-3], "become|became shorter|not in the file|cut off"),
    "an old file with more numbers": (
        lambda: _instead(struct.pack("<Q", 4), struct.pack("<Q", 1 << 40), archive=False),
        "not in the file",
    ),
    "another number at the beginning": (lambda: b"\x80\x02K\1." * 3, "no file of torch.save"),
    "an archive without a directory": (lambda: _saved(ONE)[:200], "an archive that is cut off"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_else_a_file_holds_is_refused(name: str, tmp_path: Path) -> None:
    make, message = REFUSED[name]
    (tmp_path / "a.ckpt").write_bytes(make())
    with pytest.raises(WeightsError, match=message) as caught:
        read_weights(tmp_path / "a.ckpt")
    assert "\n" not in str(caught.value)


def test_every_cut_file_is_refused(tmp_path: Path) -> None:
    for archive in (True, False):
        whole = _saved(ONE, archive=archive)
        for length in range(0, len(whole) - 1, 7):
            (tmp_path / "a.ckpt").write_bytes(whole[:length])
            with pytest.raises(WeightsError):
                read_weights(tmp_path / "a.ckpt")


def test_a_pickle_of_each_known_instruction() -> None:
    value = {"a": [1, 300, -70_000, 2.5, True, False, None, (1, 2), (1, 2, 3), (), "é"], "b": 1 << 70, "c": {"d": [3]}}
    assert described(io.BytesIO(pickle.dumps(value, 2))) == value
