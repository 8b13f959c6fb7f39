"""Pickles of tensors by name: described by a small machine that imports and calls nothing, and knows no other objects.

Python's unpickler would import and call what a file names; also a restricted one builds whatever a file requests, of any size
and depth. Here only the instructions are known that ``torch.save`` uses for tensors by name, today and before torch 1.6.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from struct import unpack
from typing import IO, Any, ClassVar

MOST_INSTRUCTIONS = 1 << 16
LONGEST_TEXT = 1 << 12
MOST_AXES = 8
HOOKS, PARAMETER = "collections.OrderedDict", "torch._utils._rebuild_parameter"
REBUILDS = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
STORAGE = re.compile(r"torch\.[A-Z][A-Za-z0-9]{0,40}Storage")


class WeightsError(ValueError):
    """A file holds something else than tensors by name; the message says what."""


@dataclass(frozen=True, slots=True)
class Named:
    """A class or function that a pickle names; it is not imported."""

    name: str


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers in the file: the name of their class, their key in the file, and how many the pickle says there are."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Described:
    """A tensor: where its numbers are in a storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """Where the items of a container begin."""


_FIXED = {ord("K"): ("<B", 1), ord("M"): ("<H", 2), ord("J"): ("<i", 4), ord("G"): (">d", 8)}
_CONSTANTS = {ord("N"): None, 0x88: True, 0x89: False, ord(")"): ()}
_TUPLES = {0x85: 1, 0x86: 2, 0x87: 3}
_WIDTHS = {ord("q"): 1, ord("r"): 4, ord("h"): 1, ord("j"): 4}
_PUTS = b"qr"


def described(file: IO[bytes]) -> Any:
    """Return what the pickle at the position of a file describes, and leave the position after it.

    Returns:
        Plain data, and `Described` in place of tensors.

    Raises:
        WeightsError: It is no pickle, or holds something else.
    """
    machine = _Machine(file)
    for _ in range(MOST_INSTRUCTIONS):
        if machine.step():
            return machine.result()
    raise WeightsError(f"it has more than {MOST_INSTRUCTIONS:,} instructions")


class _Machine:
    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self) -> bool:
        """Follow an instruction; return whether it was the last."""
        code = self._take(1)[0]
        if code in _FIXED:
            form, length = _FIXED[code]
            self._stack.append(unpack(form, self._take(length))[0])
        elif code in _CONSTANTS:
            self._stack.append(_CONSTANTS[code])
        elif code in _TUPLES:
            self._stack.append(_tuple_of(self._pop(_TUPLES[code])))
        elif code in _WIDTHS:
            self._refer(code, int.from_bytes(self._take(_WIDTHS[code]), "little"))
        elif code in self._PUSHED:
            self._stack.append(self._PUSHED[code](self))
        elif code in self._DONE:
            self._DONE[code](self)
        elif code != ord("."):
            raise WeightsError(f"it has the instruction {bytes([code])!r}, which builds no tensors")
        return code == ord(".")

    def result(self) -> Any:
        """Return the only object that is left."""
        (result,) = self._pop(1)
        if self._stack:
            raise WeightsError("it describes several objects")
        return result

    def _take(self, length: int) -> bytes:
        data = self._file.read(length)
        if len(data) != length:
            raise WeightsError("it is no file of torch.save, or is cut off")
        return data

    def _text(self, length: int) -> str:
        if length > LONGEST_TEXT:
            raise WeightsError(f"it has a name of {length:,} bytes")
        return self._take(length).decode("utf-8", "replace")

    def _line(self) -> str:
        line = self._file.readline(LONGEST_TEXT)
        if not line.endswith(b"\n"):
            raise WeightsError("it is cut off")
        return line[:-1].decode("utf-8", "replace")

    def _named(self, name: str) -> Named:
        if name not in (HOOKS, PARAMETER, *REBUILDS) and not STORAGE.fullmatch(name):
            raise WeightsError(f"it holds {name[:80]}, which is no part of tensors by name")
        return Named(name)

    def _refer(self, code: int, number: int) -> None:
        if code in _PUTS:
            (self._memo[number],) = self._pop(1)
            self._stack.append(self._memo[number])
        elif number in self._memo:
            self._stack.append(self._memo[number])
        else:
            raise WeightsError("it refers to an object that is not there")

    def _pop(self, count: int) -> list[Any]:
        items = self._stack[-count:]
        if len(items) != count or _Mark in items:
            raise WeightsError("an object is missing")
        del self._stack[-count:]
        return items

    def _items(self) -> list[Any]:
        """Remove what stands after the last mark, and the mark."""
        items: list[Any] = []
        while self._stack:
            item = self._stack.pop()
            if item is _Mark:
                return items[::-1]
            items.append(item)
        raise WeightsError("the beginning of a container is missing")

    def _extend(self, items: list[Any]) -> None:
        if not self._stack or not isinstance(self._stack[-1], list):
            raise WeightsError("items are put into something that is no list")
        self._stack[-1].extend(items)

    def _fill(self, items: list[Any]) -> None:
        if not self._stack or not isinstance(self._stack[-1], dict) or len(items) % 2:
            raise WeightsError("items are put into something that is no dict")
        keys = items[::2]
        if not all(isinstance(key, str) for key in keys):
            raise WeightsError("a dict has a key that is no text")
        self._stack[-1].update(zip(keys, items[1::2], strict=True))

    _PUSHED: ClassVar[dict[int, Callable[["_Machine"], Any]]] = {
        0x8A: lambda self: int.from_bytes(self._take(self._take(1)[0]), "little", signed=True),
        ord("X"): lambda self: self._text(int.from_bytes(self._take(4), "little")),
        ord("U"): lambda self: self._text(self._take(1)[0]),
        ord("c"): lambda self: self._named(f"{self._line()}.{self._line()}"),
        ord("}"): lambda _: {},
        ord("]"): lambda _: [],
        ord("("): lambda _: _Mark,
        ord("t"): lambda self: _tuple_of(self._items()),
        ord("Q"): lambda self: _storage(*self._pop(1)),
        ord("R"): lambda self: _call(*self._pop(2)),
    }
    """What each instruction puts on the stack, by its byte."""
    _DONE: ClassVar[dict[int, Callable[["_Machine"], Any]]] = {
        0x80: lambda self: self._take(1),
        ord("a"): lambda self: self._extend(self._pop(1)),
        ord("e"): lambda self: self._extend(self._items()),
        ord("s"): lambda self: self._fill(self._pop(2)),
        ord("u"): lambda self: self._fill(self._items()),
        ord("b"): lambda self: self._pop(1),  # attributes, such as the versions of modules
    }
    """What each other instruction does."""


def _tuple_of(items: list[Any]) -> tuple[Any, ...]:
    """Return a tuple; one in another holds numbers alone, so that none is nested deeply."""
    if any(isinstance(item, tuple) and not all(isinstance(one, int) for one in item) for item in items):
        raise WeightsError("it has tuples in tuples, which describe no tensor")
    return tuple(items)


def _storage(place: Any) -> Storage:
    match place:
        # Files of old versions have a sixth part, for storages that are parts of others.
        case ("storage", Named(name=kind), str(key), str(), int(count), *rest) if rest in ([], [None]) and count >= 0:
            return Storage(kind, key, count)
        case _:
            raise WeightsError("it has a storage that is not described as torch.save does")


def _call(function: Any, arguments: Any) -> Any:
    """Return what stands for the result of one of the few functions that are known."""
    match function, arguments:
        case Named(name=name), () if name == HOOKS:
            return {}
        case Named(name=name), (Storage() as storage, int(offset), tuple(shape), tuple(strides), *_) if (
            name in REBUILDS
        ):
            if len(shape) != len(strides) or len(shape) > MOST_AXES or not _are_sizes((offset, *shape, *strides)):
                raise WeightsError("it has a tensor with strange sizes")
            return Described(storage, offset, shape, strides)
        case Named(name=name), (Described() as tensor, *_) if name == PARAMETER:
            return tensor
        case _:
            raise WeightsError("it has a tensor that is not described as torch.save does")


def _are_sizes(numbers: tuple[Any, ...]) -> bool:
    return all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 1 << 62 for one in numbers)
