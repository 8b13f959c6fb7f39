"""The instructions of one tensor, read together: a state has thousands of tensors, of about forty instructions each.

Nothing is allowed here that is refused instruction by instruction. A tensor in another form, such as the first one of each
dtype, whose class is written out, is read in that way.
"""

import re
from collections.abc import Mapping, Sequence
from struct import pack
from typing import Any, NamedTuple

from gankit.training._saving._stand_ins import HOOKS, REBUILD, StandIn, StandInError, built, stored

REFERENCE, NUMBER = rb"(h.|j.{4})", rb"(q.|r.{4})"
WHOLE = rb"(?:K.|M..|J.{4})"
TUPLE = rb"(\)|(?:" + WHOLE + rb"{1,3}[\x85-\x87]|\(" + WHOLE + rb"{4,64}t)(?=[qr]))(q.|r.{4}|(?<=\)))"
FORM = re.compile(
    rb"\(\(" + REFERENCE + REFERENCE + rb"X(.)\0\0\0([0-9]{1,9})" + NUMBER + REFERENCE + rb"(" + WHOLE + rb")t" + NUMBER
    + rb"QK\0" + TUPLE + TUPLE + rb"\x89" + REFERENCE + rb"\)R" + NUMBER + rb"t" + NUMBER + rb"R" + NUMBER,
    re.DOTALL,
)  # fmt: skip
"""What follows the function that rebuilds a tensor, as ``torch.save`` writes it on the CPU without a gradient."""
WHOLE_NUMBER = re.compile(rb"K(.)|M(..)|J(.{4})", re.DOTALL)
AN_EARLIER_KIND, A_NEW_KIND = 10, 30
"""How many instructions a tensor counts as: one whose dtype and shape were seen before, and another one."""


class ReadTensor(NamedTuple):
    """A tensor, and what was read of it.

    Args:
        end: Where its instructions end.
        key: The key of its storage.
        length: Bytes of its storage.
        numbered: The objects that the instructions number, in order, as they may be referred to again.
        instructions: How many instructions it counts as.
    """

    end: int
    key: str
    length: int
    numbered: list[Any]
    instructions: int


class TensorForms:
    """Tensors of a pickle. Those of one dtype and shape differ in their key only, so that the rest is checked once.

    Args:
        pickle: The instructions.
        storages: Number of bytes of each storage in the file, by its key.
        memo: The numbered objects that may be referred to, and None for others; grows while the pickle is read.
    """

    def __init__(self, pickle: bytes, storages: Mapping[str, int], memo: Sequence[Any]) -> None:
        self._pickle, self._storages, self._memo = pickle, storages, memo
        self._lengths: dict[tuple[bytes, ...], int] = {}

    def read(self, at: int) -> ReadTensor | None:
        """Return the tensor whose instructions follow a reference to the function, or None if they have another form.

        Args:
            at: Where those after the reference begin.

        Raises:
            StandInError: It is a tensor that the file does not hold.
        """
        match = FORM.match(self._pickle, at)
        if match is None:
            return None
        storage, kind, size, digits, n0, cpu, count, n1, shape, n2, strides, n3, hooks, n4, n5, n6 = match.groups()
        numbers = n0 + n1 + n2 + n3 + n4 + n5 + n6
        numbered = 7 - (not n2) - (not n3)
        if size[0] != len(digits) or numbers != _expected(len(self._memo), numbered):
            return None
        key, form = digits.decode(), (storage, kind, cpu, count, shape, strides, hooks)
        length, instructions = self._lengths.get(form), AN_EARLIER_KIND
        if length is None:
            length, instructions = self._length(key, form), A_NEW_KIND
            if length is None:
                return None
            self._lengths[form] = length
        elif self._storages.get(key) != length:
            raise StandInError(f"storage {key!r} is not in the file, or not one of {length} bytes as its tensor needs")
        return ReadTensor(match.end(), key, length, [key, *[None] * (numbered - 1)], instructions)

    def _length(self, key: str, form: tuple[bytes, ...]) -> int | None:
        """Return the number of bytes of a tensor, or None if it refers to something else than a tensor of torch does."""
        storage, kind, cpu, count, shape, strides, hooks = form
        hooks = self._recalled(hooks)
        if self._recalled(storage) != "storage" or self._recalled(cpu) != "cpu":
            return None
        axes, steps = _tuple(shape), _tuple(strides)
        if type(hooks) is not StandIn or hooks.name != HOOKS or axes is None or steps is None:
            return None
        place = ("storage", self._recalled(kind), key, "cpu", *_whole_numbers(count))
        _, values = stored(StandIn("tuple", is_plain=False, items=place), self._storages)
        arguments = (values, 0, axes, steps, False, StandIn("hooks", is_plain=False))
        return built(StandIn("global", name=REBUILD), StandIn("tuple", is_plain=False, items=arguments))[1]

    def _recalled(self, reference: bytes) -> Any:
        number = int.from_bytes(reference[1:], "little")
        return self._memo[number] if number < len(self._memo) else None


def _expected(first: int, count: int) -> bytes:
    """Return the instructions that number objects, in order; from 256 on they have four bytes."""
    numbers = range(first, first + count)
    if first > 255:
        return pack("<" + "cI" * count, *[part for number in numbers for part in (b"r", number)])
    return b"".join(pack("<cB", b"q", number) if number < 256 else pack("<cI", b"r", number) for number in numbers)


def _tuple(data: bytes) -> StandIn | None:
    """Return a tuple of whole numbers, or None if its instruction takes another number of them."""
    numbers = _whole_numbers(data)
    if data[-1] in b"\x85\x86\x87" and data[-1] - 0x84 != len(numbers):
        return None
    return StandIn("tuple", levels=1, items=tuple(numbers))


def _whole_numbers(data: bytes) -> list[int]:
    found = WHOLE_NUMBER.findall(data)
    return [int.from_bytes(one or two or four, "little", signed=bool(four)) for one, two, four in found]
