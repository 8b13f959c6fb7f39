"""What a pickle would build, found out without building it: only plain data, and dense tensors whose values the file holds.

A safe unpickler refuses code, but not memory: ``bytearray(10**12)`` is no code. So the instructions are gone through first,
with a stack of stand-ins. They must be those that Python's pickler writes for plain data; all others are refused.
"""

import re
from collections.abc import Callable, Mapping
from struct import unpack_from
from typing import Any, ClassVar

from gankit.training._saving._plain import MOST_LEVELS
from gankit.training._saving._stand_ins import (
    GLOBALS,
    StandIn,
    StandInError,
    built,
    closed_tuple,
    fill,
    is_plain,
    stored,
)

LONGEST_SHARED = 64
"""Characters of a string that may be referred to again: the pickler does so for strings that are one object."""
MOST_INSTRUCTIONS = 1 << 21
"""Without those of numbers in lists, which are passed over together: some seconds."""
MOST_WAITING = 1 << 17
NUMBERS = re.compile(rb"(?:[N\x88\x89]|K.|M..|J.{4}|G.{8}){1,1000}+e", re.DOTALL)
"""Numbers, switches and Nones that are put into a list: the pickler does it a thousand at a time."""
MOST_TIMES = 8
"""How many times the bytes of all storages tensors may have together: early versions let tied tensors share one."""
GLOBAL = re.compile(rb"([a-z_.]{1,40})\n([A-Za-z0-9_]{1,40})\n")


class OpcodeError(ValueError):
    """A pickle would build something else than plain data; the message says what, and at which byte."""


def check_opcodes(pickle: bytes, storages: Mapping[str, int]) -> None:
    """Refuse a pickle that would build anything but plain data and tensors that the file holds.

    Args:
        pickle: The bytes.
        storages: Number of bytes of each storage in the file, by its key.

    Raises:
        OpcodeError: It would.
    """
    reader = _Reader(pickle, storages)
    try:
        reader.read()
    except StandInError as error:
        raise OpcodeError(f"it holds more than plain data: {error} (byte {reader.at} of data.pkl)") from None


class _Reader:
    def __init__(self, pickle: bytes, storages: Mapping[str, int]) -> None:
        self.at = 0
        self._pickle = pickle
        self._storages = storages
        self._unused = dict.fromkeys(storages)
        self._bytes_left = MOST_TIMES * sum(storages.values())
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: list[Any] = []

    def read(self) -> None:
        """Go through all instructions."""
        pickle, stack, last = self._pickle, self._stack, len(self._pickle) - 1
        if pickle[:2] != b"\x80\x02":
            raise StandInError("it is not of protocol 2")
        self.at = 2
        for _ in range(MOST_INSTRUCTIONS):
            if self.at >= last:
                break
            handler = self._HANDLERS.get(pickle[self.at])
            if handler is None:
                raise StandInError(f"the instruction {pickle[self.at : self.at + 1]!r} builds no plain data")
            self.at += 1
            handler(self)
            if len(stack) > MOST_WAITING:
                raise StandInError(f"more than {MOST_WAITING} objects wait for the container that they are in")
        else:
            raise StandInError(f"more than {MOST_INSTRUCTIONS} instructions: put long lists of numbers into tensors")
        if self.at != last or pickle[last:] != b".":
            raise StandInError("it has no end")
        if len(stack) != 1 or self._marks or not is_plain(stack[0]):
            raise StandInError("it does not build one state")
        if self._unused:
            raise StandInError(f"storage {next(iter(self._unused))!r} belongs to no tensor")

    def _take(self, length: int) -> bytes:
        data = self._pickle[self.at : self.at + length]
        if len(data) != length:
            raise StandInError("it is cut short")
        self.at += length
        return data

    def _number(self, form: str, length: int) -> int:
        return unpack_from(form, self._take(length))[0]

    def _push_long(self) -> None:
        self._stack.append(int.from_bytes(self._take(self._take(1)[0]), "little", signed=True))

    def _push_float(self) -> None:
        self._take(8)
        self._stack.append(0.0)

    def _push_text(self) -> None:
        length = self._number("<I", 4)
        data = self._take(length)
        # Only what may be the key of a storage is kept. All other short strings are "-", and longer ones "".
        means_something = data in (b"storage", b"cpu") or (length < 10 and data.isdigit())
        self._stack.append(data.decode() if means_something else "-" if length <= LONGEST_SHARED else "")

    def _push_global(self) -> None:
        match = GLOBAL.match(self._pickle, self.at)
        name = b".".join(match.groups()).decode() if match else "a function without a name"
        if match is None or name not in GLOBALS:
            raise StandInError(f"{name.replace('__builtin__', 'builtins')} is no part of it")
        self.at = match.end()
        self._stack.append(StandIn("global", is_plain=False, name=name))

    def _mark(self) -> None:
        if len(self._marks) > 2 * MOST_LEVELS:
            raise StandInError(f"it is nested more than {MOST_LEVELS} levels deep")
        if numbers := NUMBERS.match(self._pickle, self.at):
            fill(self._stack[-1] if len(self._stack) > self._floor() else None, "list", ())
            self.at = numbers.end()
            return
        self._marks.append(len(self._stack))

    def _floor(self) -> int:
        return self._marks[-1] if self._marks else 0

    def _pop(self, count: int | None) -> list[Any]:
        """Remove the last `count` objects, or those after the mark."""
        if count is None and not self._marks:
            raise StandInError("the beginning of a container is missing")
        start = self._marks.pop() if count is None else len(self._stack) - count
        if start < self._floor():
            raise StandInError("an object is missing")
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _remember(self, form: str, length: int) -> None:
        if self._number(form, length) != len(self._memo) or not self._stack:
            raise StandInError("objects are not numbered in order")
        top = self._stack[-1]
        # A list of references to lists of references, and so on, grows without end: only short strings may be shared.
        is_shared = (type(top) is str and top != "") or (type(top) is StandIn and top.kind == "global")
        self._memo.append(top if is_shared else None)

    def _recall(self, form: str, length: int) -> None:
        number = self._number(form, length)
        if number >= len(self._memo) or self._memo[number] is None:
            raise StandInError("it refers a second time to an object that is no short string")
        self._stack.append(self._memo[number])

    def _fill(self, kind: str, count: int | None) -> None:
        items = self._pop(count)
        container = self._pop(1)[0]
        fill(container, kind, items)
        self._stack.append(container)

    def _push_storage(self) -> None:
        key, storage = stored(self._pop(1)[0], self._storages)
        self._unused.pop(key, None)
        self._stack.append(storage)

    def _build(self) -> None:
        thing, length = built(*self._pop(2))
        self._bytes_left -= length
        if self._bytes_left < 0:
            raise StandInError(f"tensors share storages, and are together more than {MOST_TIMES} times as large")
        self._stack.append(thing)

    _HANDLERS: ClassVar[dict[int, Callable[["_Reader"], None]]] = {
        ord("N"): lambda self: self._stack.append(None),
        0x88: lambda self: self._stack.append(True),
        0x89: lambda self: self._stack.append(False),
        ord("K"): lambda self: self._stack.append(self._take(1)[0]),
        ord("M"): lambda self: self._stack.append(self._number("<H", 2)),
        ord("J"): lambda self: self._stack.append(self._number("<i", 4)),
        0x8A: _push_long,
        ord("G"): _push_float,
        ord("X"): _push_text,
        ord("c"): _push_global,
        ord("q"): lambda self: self._remember("<B", 1),
        ord("r"): lambda self: self._remember("<I", 4),
        ord("h"): lambda self: self._recall("<B", 1),
        ord("j"): lambda self: self._recall("<I", 4),
        ord("("): _mark,
        ord("}"): lambda self: self._stack.append(StandIn("dict", levels=1)),
        ord("]"): lambda self: self._stack.append(StandIn("list", levels=1)),
        ord("a"): lambda self: self._fill("list", 1),
        ord("e"): lambda self: self._fill("list", None),
        ord("s"): lambda self: self._fill("dict", 2),
        ord("u"): lambda self: self._fill("dict", None),
        ord(")"): lambda self: self._stack.append(closed_tuple(())),
        ord("t"): lambda self: self._stack.append(closed_tuple(self._pop(None))),
        0x85: lambda self: self._stack.append(closed_tuple(self._pop(1))),
        0x86: lambda self: self._stack.append(closed_tuple(self._pop(2))),
        0x87: lambda self: self._stack.append(closed_tuple(self._pop(3))),
        ord("Q"): _push_storage,
        ord("R"): _build,
    }
    """What each instruction does, by its byte."""
