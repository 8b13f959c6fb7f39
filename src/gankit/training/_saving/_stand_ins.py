"""Stand-ins for the objects that a pickle would build, and what may be built of what."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gankit.training._saving._plain import LONGEST_TUPLE, MOST_LEVELS, is_dense

MOST_AXES = 64
MOST_PARTS = 7
"""Items of the longest tuple that a tensor is built from."""
LARGEST = 1 << 63
ITEM_SIZES = {
    "BoolStorage": 1,
    "ByteStorage": 1,
    "CharStorage": 1,
    "ShortStorage": 2,
    "IntStorage": 4,
    "LongStorage": 8,
    "HalfStorage": 2,
    "BFloat16Storage": 2,
    "FloatStorage": 4,
    "DoubleStorage": 8,
    "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16,
}
"""Bytes of an element in the storages that have a type."""
DTYPES = {name: dtype for name, dtype in vars(torch).items() if isinstance(dtype, torch.dtype)}
REBUILD, REBUILD_UNTYPED = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3"
UNTYPED, HOOKS = "torch.storage.UntypedStorage", "collections.OrderedDict"
GLOBALS = {REBUILD, REBUILD_UNTYPED, UNTYPED, HOOKS, *(f"torch.{name}" for name in (*ITEM_SIZES, *DTYPES))}
"""The functions and classes in what ``torch.save`` writes of dense tensors on the CPU."""
PLAIN = (int, str, bool, float, type(None))


class StandInError(ValueError):
    """An object would be something else than plain data, or a dense tensor that the file holds."""


@dataclass(slots=True)
class StandIn:
    """What is known of an object that is no number, string or None.

    Args:
        kind: list, dict, tuple, tensor, storage, global or hooks.
        levels: How deeply containers are nested in it, itself included.
        is_plain: It may be in a state.
        items: Of a tuple that a tensor may be built from, what is in it; of a storage its bytes and those of an element.
        name: Of a global its module and name, of a storage those of its class.
    """

    kind: str
    levels: int = 0
    is_plain: bool = True
    items: tuple[Any, ...] | None = None
    name: str = ""


def is_plain(thing: object) -> bool:
    """Return whether a number, string, None or stand-in may be in a state."""
    return type(thing) in PLAIN or (type(thing) is StandIn and thing.is_plain)


def fill(container: object, kind: str, items: Sequence[object]) -> None:
    """Put items into a list, or keys and values into a dict."""
    if type(container) is not StandIn or container.kind != kind:
        raise StandInError(f"items are put into something that is no {kind}")
    if kind == "dict" and (len(items) % 2 or any(type(key) not in (str, int) for key in items[::2])):
        raise StandInError("a dict has a key that is neither a string nor a whole number, or no value for it")
    _nest(container, items)
    if not container.is_plain:
        raise StandInError(f"a {kind} holds a part of a tensor")


def closed_tuple(items: Sequence[object]) -> StandIn:
    """Return a tuple of items. They are kept where they may be a shape, or what a tensor is built from."""
    if len(items) > LONGEST_TUPLE:
        raise StandInError(f"a tuple has {len(items)} items, more than {LONGEST_TUPLE}")
    closed = StandIn("tuple", levels=1)
    _nest(closed, items)
    if not closed.is_plain and (
        len(items) > MOST_PARTS or any(_kind(item) == "tuple" and not is_plain(item) for item in items)
    ):
        raise StandInError("a tensor is not built as torch.save writes it")
    if len(items) <= MOST_AXES and (not closed.is_plain or all(type(item) is int for item in items)):
        closed.items = tuple(items)
    return closed


def stored(place: object, storages: Mapping[str, int]) -> tuple[str, StandIn]:
    """Return the key of the storage that a tuple describes, and the storage.

    Args:
        place: The tuple.
        storages: Number of bytes of each storage in the file, by its key.
    """
    items = _items(place)
    if items is None or len(items) != 5 or items[0] != "storage" or items[3] != "cpu":
        raise StandInError("something is taken from the file that is no storage of the CPU")
    _, kind, key, _, count = items
    if type(key) is not str or key not in storages:
        raise StandInError("a storage is not in the file")
    name = kind.name if type(kind) is StandIn else ""
    size = 1 if name == UNTYPED else ITEM_SIZES.get(name.removeprefix("torch."), 0)
    if size == 0 or type(count) is not int or size * count != storages[key]:
        raise StandInError(f"storage {key!r} must have a type and the number of elements in its {storages[key]} bytes")
    return key, StandIn("storage", is_plain=False, items=(storages[key], size), name=name)


def built(function: object, arguments: object) -> tuple[StandIn, int]:
    """Return what a function would build, a tensor or the empty dict that is a part of each, and its number of bytes."""
    name, items = function.name if type(function) is StandIn else "", _items(arguments)
    if name == HOOKS and items == ():
        return StandIn("hooks", is_plain=False), 0
    expected = {REBUILD: TENSOR, REBUILD_UNTYPED: [*TENSOR, "global"]}.get(name)
    if items is None or expected is None or [_kind(item) for item in items] != expected:
        raise StandInError("a tensor is not built as torch.save writes it")
    storage, offset, shape, strides, needs_gradient, _, *dtype = items
    if offset or needs_gradient or (storage.name == UNTYPED) != bool(dtype):
        raise StandInError("a tensor is not built as torch.save writes it")
    length, size = storage.items
    if dtype:
        known = DTYPES.get(dtype[0].name.removeprefix("torch."))
        size = known.itemsize if known else 0
    _check_shape(shape.items, strides.items, length, size)
    return StandIn("tensor"), length


def _check_shape(shape: Any, strides: Any, length: int, size: int) -> None:
    if shape is None or strides is None or len(shape) != len(strides):
        raise StandInError("a tensor has no shape and strides of whole numbers")
    if not all(type(number) is int and 0 <= number < LARGEST for number in (*shape, *strides)):
        raise StandInError("a tensor has no shape and strides of whole numbers that torch knows")
    count = math.prod(shape)
    if size == 0 or count * size != length or not (count == 0 or is_dense(shape, strides)):
        raise StandInError(
            f"a tensor of shape {shape} and strides {strides} does not fill its storage of {length} bytes"
        )


def _nest(container: StandIn, items: Sequence[object]) -> None:
    for item in items:
        if type(item) is StandIn:
            container.levels = max(container.levels, item.levels + 1)
            container.is_plain = container.is_plain and item.is_plain
    if (
        container.levels > MOST_LEVELS + 2
    ):  # an empty container in the last level, and that of a checkpoint around the state
        raise StandInError(f"it is nested more than {MOST_LEVELS} levels deep")


def _items(thing: object) -> tuple[Any, ...] | None:
    return thing.items if type(thing) is StandIn and thing.kind == "tuple" else None


def _kind(thing: object) -> object:
    return thing.kind if type(thing) is StandIn else type(thing)


TENSOR = ["storage", int, "tuple", "tuple", bool, "hooks"]
