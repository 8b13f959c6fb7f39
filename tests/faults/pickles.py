"""Pickles that run code, or build what no checkpoint holds, and the archives around them."""

import code
import collections
import functools
import importlib
import io
import logging
import marshal
import operator
import os
import pathlib
import pickle
import posix
import runpy
import shutil
import struct
import subprocess
import timeit
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

REBUILD: Any = importlib.import_module("torch._utils")
TENSORS: Any = importlib.import_module("torch._tensor")
RUNNER: Any = runpy
BIG = 1 << 40


class Call:
    """Is pickled as a call of a function, which a reader of pickles makes.

    Args:
        function: The function; another `Call` for what a call returns.
        arguments: Its arguments, in which there may be more calls.
        state: What the result is given afterwards, by ``__setstate__`` or its attributes.
    """

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self._parts = (function, arguments) if state is None else (function, arguments, state)

    def __call__(self) -> None:
        """Do nothing: pickle asks only whether what is called can be called."""

    def __reduce__(self) -> Any:
        """Return the call."""
        return self._parts


class Stored:
    """Is pickled as a reference to a storage of an archive.

    Args:
        key: Its name there.
        numbers: How many float32 numbers the pickle says that it has.
    """

    def __init__(self, key: str, numbers: int) -> None:
        self.key, self.numbers = key, numbers


class _Pickler(pickle._Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return ("storage", torch.FloatStorage, obj.key, "cpu", obj.numbers) if isinstance(obj, Stored) else None


def pickled(value: Any) -> bytes:
    """Return a pickle, in the protocol of torch."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=2).dump(value)
    return buffer.getvalue()


def tensor(key: str, numbers: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0) -> Call:
    """Return what is pickled as a tensor over a storage, whether it fits or not."""
    storage = Stored(key, numbers)
    return Call(REBUILD._rebuild_tensor_v2, storage, offset, shape, strides, False, collections.OrderedDict())


def calls(sentinel: Path) -> dict[str, Any]:
    """Return what runs code, or reaches for it, when a pickle of it is read without care; what runs makes the sentinel."""
    path = str(sentinel)
    touch, source = f"touch {path}", f"open({path!r}, 'w').close()"
    system = Call(getattr, Call(importlib.import_module, "os"), "system")
    inner = pickle.dumps(Call(os.system, touch))
    program = compile(source, "x", "exec")
    function = Call(Call(type, shutil.copyfile), Call(marshal.loads, marshal.dumps(program)), {})
    return {
        "os.system": Call(os.system, touch),
        "posix.system": Call(posix.system, touch),
        "subprocess.Popen": Call(subprocess.Popen, ["touch", path]),
        "subprocess.check_output": Call(subprocess.check_output, ["touch", path]),
        "eval": Call(eval, f"{source} or 1"),
        "exec": Call(exec, source),
        "builtins.open": Call(open, path, "w"),
        "io.FileIO": Call(io.FileIO, path, "w"),
        "os.open": Call(os.open, path, os.O_CREAT | os.O_WRONLY),
        "os.mkdir": Call(os.mkdir, path),
        "Path.touch": Call(pathlib.Path.touch, pathlib.PosixPath(path)),
        "shutil.copyfile": Call(shutil.copyfile, os.devnull, path),
        "logging.FileHandler": Call(logging.FileHandler, path),
        "getattr of an imported module": Call(system, touch),
        "__import__": Call(Call(getattr, Call(__import__, "os"), "system"), touch),
        "a chain of reduces": Call(functools.reduce, operator.add, [[Call(os.system, touch)], []]),
        "functools.partial": Call(functools.partial(os.system, touch)),
        "map over a list": Call(list, Call(map, os.system, [touch])),
        "operator.methodcaller": Call(operator.methodcaller("touch"), pathlib.PosixPath(path)),
        "pickle.loads": Call(pickle.loads, inner),
        "a function of marshal": Call(function),
        "timeit.timeit": Call(timeit.timeit, source, "pass", timeit.default_timer, 1),
        "RUNNER._run_code": Call(RUNNER._run_code, Call(compile, source, "x", "exec"), {}),
        "code.InteractiveInterpreter": Call(
            code.InteractiveInterpreter.runsource, Call(code.InteractiveInterpreter), source
        ),
        "numpy.testing.runstring": Call(np.testing.runstring, source, {}),
        "numpy.memmap": Call(np.memmap, path, "uint8", "w+", 0, 1),
        "torch.save": Call(torch.save, 1, path),
        "torch.storage._load_from_bytes": Call(torch.storage._load_from_bytes, inner),
        "torch.load": Call(torch.load, path),
        "add_safe_globals, then os.system": [
            Call(torch.serialization.add_safe_globals, [os.system]),
            Call(os.system, touch),
        ],
        "a whole module": nn.Linear(2, 2),
        "a hook of a tensor": Call(
            REBUILD._rebuild_tensor_v2,
            Stored("0", 2),
            0,
            (2,),
            (1,),
            True,
            {0: Call(os.system, touch)},
        ),
        "a state of a parameter": Call(
            REBUILD._rebuild_parameter_with_state,
            tensor("0", 2, (2,), (1,)),
            False,
            collections.OrderedDict(),
            {"__class__": Call(os.system, touch)},
        ),
        "a tensor of another type": Call(
            TENSORS._rebuild_from_type_v2,
            os.system,
            torch.Tensor,
            (touch,),
            {},
        ),
        "attributes of an ordered dict": Call(collections.OrderedDict, state={"__class__": Call(os.system, touch)}),
    }


def streams(sentinel: Path) -> dict[str, bytes]:
    """Return pickles of raw opcodes."""
    touch = f"touch {sentinel}".encode()
    return {
        "GLOBAL and REDUCE in protocol 0": b"cposix\nsystem\n(V" + touch + b"\ntR.",
        "INST": b"(V" + touch + b"\niposix\nsystem\n.",
        "OBJ": b"(cposix\nsystem\nV" + touch + b"\no.",
        "a name with dots": b"\x80\x04\x8c\x05posix\x8c\x0fsystem.__call__\x93\x8c"
        + bytes([len(touch)])
        + touch
        + b"\x85R.",
        "os through torch": b"\x80\x02ctorch.serialization\nos.system\nX"
        + struct.pack("<I", len(touch))
        + touch
        + b"\x85R.",
        "an extension": b"\x80\x02\x82\x01.",
        "a persistent id that is text": b"\x80\x02X\x04\x00\x00\x00evilQ.",
        "only rubbish": bytes(range(256)),
        "no end": b"\x80\x02]q\x00",
        "a memo that is not there": b"\x80\x02h\x07.",
        "a stack that is empty": b"\x80\x02R.",
        "100,000 nested lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "a list in itself": b"\x80\x02]q\x00h\x00a.",
        "each list twice in the next, 60 times": b"\x80\x02]q\x00"
        + b"".join(b"]q" + bytes([n]) + b"(h" + bytes([n - 1]) + b"h" + bytes([n - 1]) + b"e" for n in range(1, 61))
        + b".",
        "a number of 8,000,000 bits": b"\x80\x02\x8b" + struct.pack("<I", 1_000_000) + b"\x7f" * 1_000_000 + b".",
        "a text that says 2 GB": b"\x80\x02X\xff\xff\xff\x7f" + b"a" * 100 + b".",
        "bytes that say 2^60": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b".",
        "a frame of 2^60 bytes": b"\x80\x04\x95" + struct.pack("<Q", 1 << 60) + b"].",
        "a memo number of 2^31": b"\x80\x02]r\xff\xff\xff\x7f.",
    }


CROWDS = {
    "lists of one number": b"]K\x01a",
    "empty lists": b"]",
    "empty tuples": b")",
    "pairs of numbers": b"K\x01K\x02\x86",
    "texts of one letter": b"X\x01\x00\x00\x00a",
    "dicts of one number": b"}K\x01K\x02s",
    "numbers of one byte, one by one": b"\x8a\x01\x01",
    "lists without numbers": b"](e",
}
"""Small objects, of which a small file has millions; each is plain data."""


def crowd(item: bytes, size: int = 14 << 20) -> bytes:
    """Return a pickle of a list of one object many times."""
    return b"\x80\x02]" + (b"(" + item * 1000 + b"e") * (size // (1000 * len(item))) + b"."


def bombs() -> dict[str, Any]:
    """Return what is small in a file and huge in memory."""
    return {
        "bytearray(2^29)": Call(bytearray, 1 << 29),
        "bytearray(2^40)": Call(bytearray, BIG),
        "a list of bytearray(2^28)": [Call(bytearray, 1 << 28) for _ in range(3)],
        "2^40 numbers of stride 0": tensor("0", 1, (BIG,), (0,)),
        "2^26 numbers of stride 0": tensor("0", 1, (1 << 26,), (0,)),
        "2^40 numbers that overlap": tensor("0", 2, (1 << 20, 1 << 20), (0, 0)),
        "a storage that says 2^40 numbers": tensor("0", BIG, (BIG,), (1,)),
        "a storage that says 2^28 numbers": tensor("0", 1 << 28, (1 << 28,), (1,)),
        "a tensor beyond its storage": tensor("0", 1, (1000,), (1,)),
        "an offset beyond the storage": tensor("0", 2, (1,), (1,), 1 << 50),
        "a negative offset": tensor("0", 2, (1,), (1,), -4),
        "a negative size": tensor("0", 2, (-3,), (1,)),
        "sizes whose product overflows": tensor("0", 2, (1 << 33, 1 << 33, 1 << 33), (0, 0, 0)),
        "a storage that is not there": tensor("7", 2, (2,), (1,)),
        "a counter of a range": Call(collections.Counter, Call(range, BIG)),
        "a set of a range": Call(set, Call(range, 1 << 28)),
        "zeros of 2^40 numbers": Call(torch.zeros, BIG),
        "numpy zeros of 2^30 numbers": Call(np.zeros, 1 << 30),
        "a text times 2^30": Call(operator.mul, "a", 1 << 30),
    }


def foreign() -> dict[str, Any]:
    """Return harmless values that are no plain data: no checkpoint holds them."""
    return {
        "a set": {1, 2},
        "a frozen set": frozenset({1}),
        "a complex number": 1 + 2j,
        "bytes": b"abc",
        "a bytearray": bytearray(b"abc"),
        "a slice": slice(1, 2),
        "a function": len,
        "a function of torch": torch.nn.functional.relu,
        "a class": nn.Linear,
        "a dtype": torch.float32,
        "a device": torch.device("cpu"),
        "a size": torch.Size([1, 2]),
        "a counter": collections.Counter("aab"),
        "a deque": collections.deque([1]),
        "a path": pathlib.PurePosixPath("a"),
        "an array of numpy": np.arange(3),
        "a number of numpy": np.float64(1.0),
        "an object": types.SimpleNamespace(a=1),
        "a key that is a tuple": {(1, 2): 3},
    }


def foreign_tensors() -> dict[str, Any]:
    """Return tensors that no checkpoint holds, as ``torch.save`` writes them."""
    return {
        "a sparse tensor": torch.eye(3).to_sparse(),
        "a sparse tensor in rows": _without_warning(lambda: torch.eye(3).to_sparse_csr()),
        "a quantized tensor": _without_warning(lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.quint8)),
        "a meta tensor": torch.empty(3, device="meta"),
        "a storage": torch.ones(3).untyped_storage(),
        "a generator": torch.Generator(),
    }


def _without_warning(make: Callable[[], torch.Tensor]) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that they are new, or old
        return make()
