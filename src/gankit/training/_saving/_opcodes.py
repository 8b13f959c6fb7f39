"""What a pickle would build, found out without building it: only plain data, and dense tensors whose values the file holds.

A safe unpickler refuses code, but not memory: ``bytearray(10**12)`` is no code. So the instructions are gone through first,
with a stack of stand-ins. They must be those that Python's pickler writes for plain data; all others are refused.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from gankit.training._saving._plain import MOST_LEVELS
from gankit.training._saving._stand_ins import (
    GLOBALS,
    REBUILD,
    StandIn,
    StandInError,
    built,
    closed_tuple,
    fill,
    is_plain,
    stored,
)
from gankit.training._saving._tensor_form import TensorForms

LONGEST_SHARED = 64
"""Characters of a string that may be referred to again: the pickler does so for strings that are one object."""
MOST_INSTRUCTIONS = 300_000
"""A second at most. What is read together counts as less: a tensor as some of them, and numbers in lists by their bytes."""
BYTES_OF_NUMBERS = 64
"""How many bytes of numbers in lists count as one instruction."""
MOST_WAITING = 1 << 17
NUMBERS = re.compile(rb"(?:[N\x88\x89]|K.|M..|J.{4}|G.{8}){1,1000}+e", re.DOTALL)
"""Numbers, switches and Nones that are put into a list: the pickler does it a thousand at a time."""
MOST_TIMES = 8
"""How many times the bytes of all storages tensors may have together: early versions let tied tensors share one."""
GLOBAL = re.compile(rb"([a-z_.]{1,40})\n([A-Za-z0-9_]{1,40})\n")


EMPTY = closed_tuple(())


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
        self._left = MOST_INSTRUCTIONS
        self._tensors = TensorForms(pickle, storages, self._memo)

    def read(self) -> None:
        """Go through all instructions."""
        pickle, stack, handlers, last = self._pickle, self._stack, self._HANDLERS, len(self._pickle) - 1
        if pickle[:2] != b"\x80\x02":
            raise StandInError("it is not of protocol 2")
        self.at = 2
        while self.at < last:
            handler = handlers.get(pickle[self.at])
            if handler is None:
                raise StandInError(f"the instruction {pickle[self.at : self.at + 1]!r} builds no plain data")
            self.at += 1
            handler(self)
            self._left -= 1
            if self._left < 0:
                raise StandInError(
                    f"more than {MOST_INSTRUCTIONS} instructions: put long lists of numbers into tensors"
                )
            if len(stack) > MOST_WAITING:
                raise StandInError(f"more than {MOST_WAITING} objects wait for the container that they are in")
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

    def _number(self, length: int) -> int:
        """Return a whole number without a sign."""
        start = self.at
        self.at += length
        if self.at > len(self._pickle):
            raise StandInError("it is cut short")
        return self._pickle[start] if length == 1 else int.from_bytes(self._pickle[start : self.at], "little")

    def _push_long(self) -> None:
        self._stack.append(int.from_bytes(self._take(self._take(1)[0]), "little", signed=True))

    def _push_signed(self) -> None:
        self._stack.append(int.from_bytes(self._take(4), "little", signed=True))

    def _push_float(self) -> None:
        self._take(8)
        self._stack.append(0.0)

    def _push_text(self) -> None:
        length = self._number(4)
        data = self._take(length)
        # Only what may be the key of a storage is kept. All other short strings are "-", and longer ones "".
        means_something = length < 10 and (data.isdigit() or data in (b"storage", b"cpu"))
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
            self._left -= (numbers.end() - self.at) // BYTES_OF_NUMBERS
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

    def _remember(self, length: int) -> None:
        if self._number(length) != len(self._memo) or not self._stack:
            raise StandInError("objects are not numbered in order")
        top = self._stack[-1]
        # A list of references to lists of references, and so on, grows without end: only short strings may be shared.
        is_shared = (type(top) is str and top != "") or (type(top) is StandIn and top.kind == "global")
        self._memo.append(top if is_shared else None)

    def _recall(self, length: int) -> None:
        number = self._number(length)
        if number >= len(self._memo) or self._memo[number] is None:
            raise StandInError("it refers a second time to an object that is no short string")
        thing = self._memo[number]
        if type(thing) is StandIn and thing.name == REBUILD and (tensor := self._tensors.read(self.at)):
            self.at = tensor.end
            self._left -= tensor.instructions
            self._memo.extend(tensor.numbered)
            self._unused.pop(tensor.key, None)
            self._add_tensor(StandIn("tensor"), tensor.length)
        else:
            self._stack.append(thing)

    def _fill(self, kind: str, count: int | None) -> None:
        items = self._pop(count)
        if len(self._stack) <= self._floor():
            raise StandInError("an object is missing")
        fill(self._stack[-1], kind, items)

    def _push_storage(self) -> None:
        key, storage = stored(self._pop(1)[0], self._storages)
        self._unused.pop(key, None)
        self._stack.append(storage)

    def _build(self) -> None:
        self._add_tensor(*built(*self._pop(2)))

    def _add_tensor(self, thing: StandIn, length: int) -> None:
        self._bytes_left -= length
        if self._bytes_left < 0:
            raise StandInError(f"tensors share storages, and are together more than {MOST_TIMES} times as large")
        self._stack.append(thing)

    _HANDLERS: ClassVar[dict[int, Callable[["_Reader"], None]]] = {
        ord("N"): lambda self: self._stack.append(None),
        0x88: lambda self: self._stack.append(True),
        0x89: lambda self: self._stack.append(False),
        ord("K"): lambda self: self._stack.append(self._number(1)),
        ord("M"): lambda self: self._stack.append(self._number(2)),
        ord("J"): _push_signed,
        0x8A: _push_long,
        ord("G"): _push_float,
        ord("X"): _push_text,
        ord("c"): _push_global,
        ord("q"): lambda self: self._remember(1),
        ord("r"): lambda self: self._remember(4),
        ord("h"): lambda self: self._recall(1),
        ord("j"): lambda self: self._recall(4),
        ord("("): _mark,
        ord("}"): lambda self: self._stack.append(StandIn("dict", levels=1)),
        ord("]"): lambda self: self._stack.append(StandIn("list", levels=1)),
        ord("a"): lambda self: self._fill("list", 1),
        ord("e"): lambda self: self._fill("list", None),
        ord("s"): lambda self: self._fill("dict", 2),
        ord("u"): lambda self: self._fill("dict", None),
        ord(")"): lambda self: self._stack.append(EMPTY),
        ord("t"): lambda self: self._stack.append(closed_tuple(self._pop(None))),
        0x85: lambda self: self._stack.append(closed_tuple(self._pop(1))),
        0x86: lambda self: self._stack.append(closed_tuple(self._pop(2))),
        0x87: lambda self: self._stack.append(closed_tuple(self._pop(3))),
        ord("Q"): _push_storage,
        ord("R"): _build,
    }
    """What each instruction does, by its byte."""
