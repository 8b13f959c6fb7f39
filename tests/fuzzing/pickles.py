"""Changes of pickles, instruction by instruction, and the archives of checkpoints around them."""

import pickletools
import random
from typing import Any

from gankit.training._saving._stand_ins import ITEM_SIZES
from tests.faults.archives import archive, sealed
from tests.fuzzing.mutators import BYTES, Mutator, several
from tests.fuzzing.words import NUMBERS, WORDS

MOST_BYTES = 1 << 16
"""Of a storage: a pickle that says more gets none."""
# fmt: off
OTHERS = (
    b"N", b"\x88", b"\x89", b"K\x07", b"M\x00\x01", b"J\xff\xff\xff\x7f", b"\x8a\x01\x01", b"\x8a\xff" + b"\x01" * 255,
    b"G" + bytes(8), b"X\x01\x00\x00\x00a", b"X\x00\x00\x00\x00", b"X\xff\xff\xff\x7f", b"}", b"]", b")", b"(", b"t",
    b"\x85", b"\x86", b"\x87", b"a", b"e", b"s", b"u", b"R", b"Q", b"b", b"0", b"1", b"2", b".", b"q\x00", b"q\x01",
    b"h\x00", b"h\x01", b"r\x00\x00\x00\x01", b"j\x00\x00\x00\x00", b"\x80\x02", b"\x80\x05", b"\x94",
    b"\x95" + bytes(8), b"c__builtin__\nlist\n", b"cposix\nsystem\n", b"ccollections\nOrderedDict\n",
    b"ctorch\nFloatStorage\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch.storage\nUntypedStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v3\n", b"ctorch\nfloat16\n", b"(K\x01K\x02e", b"\x8f", b"U\x01a",
    b"T\x01\x00\x00\x00a", b"\x8c\x01a", b"\x93", b"I1\n", b"L1L\n", b"F1.5\n", b"S'a'\n", b"Va\n", b"(NNe", b"\x8b",
)
# fmt: on
"""Instructions of every kind: those that plain data is made of, and others."""


def instructions(pickle: bytes) -> list[bytes]:
    """Return the instructions of a pickle one by one; what cannot be understood is the last one."""
    places = [0]
    try:
        for _, _, place in pickletools.genops(pickle):
            if place:
                places.append(place)
    except Exception:  # noqa: BLE001 - pickletools raises many kinds of errors
        pass
    return [pickle[start:end] for start, end in zip(places, [*places[1:], len(pickle)], strict=True)]


def on_instructions(rng: random.Random, data: bytes) -> bytes:
    """Delete, repeat, exchange, insert or change instructions."""
    parts = instructions(data)
    at, other = rng.randrange(len(parts)), rng.randrange(len(parts))
    change = rng.randrange(7)
    if change == 0:
        del parts[at]
    elif change == 1:
        parts[at:at] = parts[other : other + rng.choice((1, 2, 5, 20))] * rng.choice((1, 1, 2, 30))
    elif change == 2:
        parts[at], parts[other] = parts[other], parts[at]
    elif change == 3:
        parts.insert(at, rng.choice(OTHERS))
    elif change == 4:
        parts[at] = rng.choice(OTHERS)
    else:
        parts[at] = _other_argument(rng, parts[at])
    return b"".join(parts)


def _other_argument(rng: random.Random, part: bytes) -> bytes:
    """Return an instruction with another argument."""
    code, argument = part[:1], part[1:]
    if code == b"X":
        text = rng.choice((*WORDS, b"storage", b"cpu", b"0", b"1", b"17", b"version", b"step", b"state"))
        return code + len(text).to_bytes(4, "little") + text
    if code == b"c":
        return rng.choice([one for one in OTHERS if one[:1] == b"c"])
    if code == b"\x8a" and argument:
        length = rng.randrange(0, 20)
        return code + bytes([length]) + rng.randbytes(length)
    return code + (rng.choice(NUMBERS) % (1 << 8 * len(argument))).to_bytes(len(argument), "little")


PICKLE: Mutator = several(on_instructions, on_instructions, on_instructions, on_instructions, BYTES)


def on_rows(rng: random.Random, data: bytes) -> bytes:
    """Change the pickle after the header of an array of objects."""
    start = 10 + int.from_bytes(data[8:10], "little")
    return data[:start] + on_instructions(rng, data[start:] or b".")


def with_pickle(data: bytes) -> bytes:
    """Return a sealed checkpoint with this pickle: its objects numbered in order, and storages as large as it says."""
    parts = instructions(data)
    numbers: dict[int, int] = {}
    memo: dict[int, Any] = {}
    pushed: list[Any] = []
    sizes: dict[str, int] = {}
    for at, part in enumerate(parts):
        code, number = part[:1], int.from_bytes(part[1:5], "little")
        if code in b"qr" and len(part) in (2, 5):
            new = numbers[number] = len(memo)
            memo[new] = pushed[-1] if pushed else None
            parts[at] = b"q" + bytes([new]) if new < 256 else b"r" + new.to_bytes(4, "little")
        elif code in b"hj" and len(part) in (2, 5):
            new = numbers.get(number, number)
            pushed.append(memo.get(new))
            parts[at] = b"h" + bytes([new]) if new < 256 else b"j" + new.to_bytes(4, "little")
        elif code == b"Q":
            _note_storage(sizes, pushed[-5:])
        elif code == b"X":
            pushed.append(part[5:].decode("utf-8", "replace"))
        elif code == b"c":
            pushed.append(part[1:-1].replace(b"\n", b".").decode("latin-1"))
        elif code in b"KMJ":
            pushed.append(number)
    return sealed(archive(b"".join(parts), {key: bytes(size) for key, size in sizes.items()}))


def _note_storage(sizes: dict[str, int], place: list[Any]) -> None:
    if len(place) == 5 and isinstance(place[1], str) and isinstance(place[2], str) and isinstance(place[4], int):
        _, kind, key, _, count = place
        size = ITEM_SIZES.get(kind.removeprefix("torch."), 1)
        if key.isascii() and key.isdigit() and len(key) < 9 and size * count <= MOST_BYTES:
            sizes[key] = size * count
