"""A network that changes and a copy of it, module by module: their tensors in pairs, and attributes that the copy follows."""

import copy
import dataclasses
import operator
from collections import deque
from collections.abc import Collection, Iterator
from types import FunctionType, MethodType, ModuleType, NoneType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from gankit.training._saving import plain_name

MACHINERY = frozenset(vars(nn.Module()))
"""What torch keeps in every module, ``training`` included."""
NUMBERS_AND_TEXTS = (NoneType, bool, int, float, complex, str, bytes)
OPAQUE = (type, FunctionType, MethodType, ModuleType, nn.Module, Optimizer, torch.dtype, torch.device, torch.Generator)
DEEPEST, LONGEST = 3, 64
"""Levels and lengths of objects and containers that are compared by their contents; others are by identity."""


class Counterparts:
    """A network and a deep copy of it.

    Args:
        source: The network that changes.
        copied: The copy.
    """

    def __init__(self, source: nn.Module, copied: nn.Module) -> None:
        self._source = source
        self._copied = copied
        self._pairs = [_Pair(name, *pair) for name, pair in _paired(source, copied).items()]

    def tensors(self, kind: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return each tensor of the copy with that of the network, tied ones once.

        Args:
            kind: ``"parameters"`` or ``"buffers"``.

        Raises:
            ValueError: Modules or tensors were added, removed, replaced by others, or tied in another way.
        """
        self._renew()
        changed: list[str] = []
        found: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        owners: dict[int, int] = {}
        for pair in self._pairs:
            own, other = (dict(getattr(module, f"_{kind}").items()) for module in (pair.source, pair.copied))
            changed += [pair.name_of(name) for name in own.keys() ^ other.keys()]
            for name, tensor in own.items():  # in order: ranks gather the pieces of a tensor together
                copy_of = other.get(name)
                if tensor is None or copy_of is None:
                    same = tensor is copy_of
                else:
                    same = tensor.shape == copy_of.shape and owners.setdefault(id(copy_of), id(tensor)) == id(tensor)
                    same = same and found.setdefault(id(tensor), (copy_of, tensor))[0] is copy_of
                changed += [] if same else [pair.name_of(name)]
        if changed:
            raise ValueError(
                f"network must keep the {kind} that it was copied with, got changes in {sorted(set(changed))}"
            )
        return list(found.values())

    def follow(self) -> None:
        """Copy the attributes and the extra state that changed since the last call; call `tensors` before."""
        changed = [(pair, names) for pair in self._pairs if (names := pair.changed())]
        if not changed:
            return
        memo: dict[int, Any] = {id(pair.source): pair.copied for pair in self._pairs}
        for kind in ("parameters", "buffers"):
            memo |= {id(tensor): copy_of for copy_of, tensor in self.tensors(kind)}
        for pair, names in changed:
            for name in names:
                _take_over(name, pair.source, pair.copied, memo)

    def _renew(self) -> None:
        if all(pair.has_its_children() for pair in self._pairs):
            return
        known = {pair.name: pair for pair in self._pairs}
        pairs: list[_Pair] = []
        for name, (source, copied) in _paired(self._source, self._copied).items():
            pair = known.get(name)
            if pair is None or pair.source is not source or pair.copied is not copied:
                pair = _Pair(name, source, copied, None if pair is None else pair.seen)
            pair.children = _children(source, copied)
            pairs.append(pair)
        self._pairs = pairs


class _Pair:
    """A module and its copy, with what was last seen of the module's attributes."""

    def __init__(self, name: str, source: nn.Module, copied: nn.Module, seen: dict[str, object] | None = None) -> None:
        self.name, self.source, self.copied = name, source, copied
        self.children = _children(source, copied)
        self.seen: dict[str, object] = dict(_marks(source)) if seen is None else seen
        self._remember()
        if seen is not None:  # of the module that was in this place before: compare each attribute with its
            self._size = -1

    def name_of(self, tensor: str) -> str:
        return plain_name(f"{self.name}.{tensor}" if self.name else tensor)

    def has_its_children(self) -> bool:
        return self.children == _children(self.source, self.copied)

    def changed(self) -> list[str]:
        """Return the names of attributes that are new, gone or different since the last call."""
        values = vars(self.source)
        if len(values) == self._size and all(map(operator.is_, map(values.get, self._fixed), self._values)):
            now = {name: _mark(_value(self.source, name), DEEPEST) for name in self._loose}
            names = [name for name in now if now[name] != self.seen[name]]
            self.seen |= now
            return names
        now = dict(_marks(self.source))
        names = [name for name in now.keys() | self.seen.keys() if now.get(name, self) != self.seen.get(name, self)]
        self.seen = now
        self._remember()
        return names

    def _remember(self) -> None:
        """Note what shows at a glance that nothing changed: attributes that cannot change themselves are the same objects."""
        values = vars(self.source)
        self._size = len(values)
        self._fixed = tuple(name for name in self.seen if name in values and _is_fixed(values[name]))
        self._values = tuple(values[name] for name in self._fixed)
        self._loose = tuple(self.seen.keys() - set(self._fixed))


EXTRA_STATE = "get_extra_state()"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Same:
    """Equal for one and the same object in the same version only; it keeps the object, so that its ``id`` is not reused."""

    value: object
    version: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value and self.version == other.version

    def __hash__(self) -> int:
        return id(self.value)


def _children(source: nn.Module, copied: nn.Module) -> tuple[nn.Module | None, ...]:
    return (*source._modules.values(), *copied._modules.values())  # noqa: SLF001  children() leaves out duplicates


def _paired(source: nn.Module, copied: nn.Module) -> dict[str, tuple[nn.Module, nn.Module]]:
    # Of a compiled part and the module in it, which have the same plain name, the second is kept.
    sources, copies = ({plain_name(name): part for name, part in each.named_modules()} for each in (source, copied))
    changed = sources.keys() ^ copies.keys()
    changed |= {name for name in sources.keys() & copies.keys() if not _same_kind(sources[name], copies[name])}
    if changed:
        raise ValueError(f"network must keep the modules that it was copied with, got changes in {sorted(changed)}")
    return {name: (module, copies[name]) for name, module in sources.items()}


def _same_kind(one: nn.Module, other: nn.Module) -> bool:
    # fully_shard and parametrizations give a module a class that derives from its own; copies of traced ones lose theirs.
    return isinstance(one, type(other)) or isinstance(other, type(one)) or isinstance(one, torch.jit.ScriptModule)


def _is_fixed(value: object) -> bool:
    if type(value) is tuple:
        return all(map(_is_fixed, value))
    return type(value) in NUMBERS_AND_TEXTS or isinstance(value, OPAQUE)


def _marks(module: nn.Module) -> Iterator[tuple[str, object]]:
    """Yield each attribute with a mark that changes when the attribute does."""
    if isinstance(module, torch.jit.ScriptModule):
        return
    # Two underscores: what torch.distributed keeps in a module.
    names = [name for name in vars(module).keys() - MACHINERY if not name.startswith("__")]
    names += [name for name in _slots(type(module)) if hasattr(module, name)]
    if type(module).get_extra_state is not nn.Module.get_extra_state:
        names.append(EXTRA_STATE)
    yield from ((name, _mark(_value(module, name), DEEPEST)) for name in names)


def _value(module: nn.Module, name: str) -> Any:
    return module.get_extra_state() if name == EXTRA_STATE else getattr(module, name)


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        names = vars(base).get("__slots__", ())
        yield from (
            name for name in ((names,) if isinstance(names, str) else names) if name not in ("__dict__", "__weakref__")
        )


def _mark(value: Any, depth: int) -> object:
    if type(value) in NUMBERS_AND_TEXTS or isinstance(value, _Same):
        return value
    if isinstance(value, torch.Tensor):
        return _Same(value, 0 if value.is_inference() else value._version)  # noqa: SLF001  the count of changes in place
    if isinstance(value, np.ndarray) and value.size <= LONGEST**2:
        return value.shape, value.dtype.str, value.tobytes()
    parts = None if isinstance(value, OPAQUE) or depth == 0 else _parts(value)
    if parts is None or len(parts) > LONGEST:
        return _Same(value)
    return type(value), tuple(_mark(part, depth - 1) for part in parts)


def _parts(value: Any) -> Collection[Any] | None:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | deque | set | frozenset):
        return value
    if hasattr(value, "__dict__"):
        return [_Same(value), *vars(value).keys(), *vars(value).values()]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name, None) for field in dataclasses.fields(value)]
    return None


def _take_over(attribute: str, source: nn.Module, copied: nn.Module, memo: dict[int, Any]) -> None:
    if attribute != EXTRA_STATE and not hasattr(source, attribute):
        vars(copied).pop(attribute, None)
        return
    try:
        value = copy.deepcopy(_value(source, attribute), dict(memo))
    except RuntimeError:  # a tensor with a graph: the result of a call, which the copy computes itself
        return
    if attribute == EXTRA_STATE:
        copied.set_extra_state(value)
    else:
        object.__setattr__(copied, attribute, value)
