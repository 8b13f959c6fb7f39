"""What a critic stands on: the modules that a module, a lambda, a partial or an object's method can call."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType, NoneType

import torch
from torch import nn

_LEAVES = (torch.Tensor, str, int, float, type, ModuleType, NoneType)
_CONTAINERS = (dict, list, tuple)
_MOST_ITEMS = 32  # of a container in a closure: a list of networks is short, a list of anything else is not read


@dataclass(slots=True)
class Reach:
    """The code and the modules found; equal code and modules are the same critic, however often its lambda is made anew."""

    codes: list[CodeType] = field(default_factory=list)
    modules: list[nn.Module] = field(default_factory=list)

    def key(self) -> tuple[object, ...]:
        """Identify the critic. What a module does also changes with its training flag and with ``module.compile()``."""
        flags = [(id(m), m.training, getattr(m, "_compiled_call_impl", None) is not None) for m in self.modules]
        return (*self.codes, *flags)


def reachable_modules(critic: object) -> Reach:
    """Look through closures, globals that the code names, partial arguments and bound objects; nothing is called."""
    found = Reach()
    seen: set[int] = set()
    waiting: list[tuple[object, frozenset[str]]] = [(critic, frozenset())]
    while waiting:
        value, names = waiting.pop()
        if isinstance(value, _LEAVES) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, nn.Module):
            found.modules.append(value)
        elif isinstance(value, FunctionType):
            found.codes.append(value.__code__)
            waiting.extend(_of_function(value))
        else:
            waiting.extend(_of_object(value, names))
    return found


def _of_function(function: FunctionType) -> Iterator[tuple[object, frozenset[str]]]:
    names = _names(function.__code__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents, names
        except ValueError:  # a variable that is not set yet
            continue
    for name in names & function.__globals__.keys():
        value = function.__globals__[name]
        # Functions of other files are libraries, whose globals hold no network of the user's.
        if not isinstance(value, FunctionType) or value.__globals__ is function.__globals__:
            yield value, names


def _of_object(value: object, names: frozenset[str]) -> Iterator[tuple[object, frozenset[str]]]:
    if isinstance(value, MethodType):
        yield value.__func__, frozenset()
        yield value.__self__, names | _names_of_method(value.__func__)
    elif isinstance(value, partial):
        for part in (value.func, *value.args, *value.keywords.values()):
            yield part, names
    elif isinstance(value, _CONTAINERS):
        if len(value) <= _MOST_ITEMS:
            for item in value.values() if isinstance(value, dict) else value:
                yield item, names
    else:
        call = getattr(type(value), "__call__", None)  # noqa: B004  the method itself, not whether there is one
        if isinstance(call, FunctionType):
            yield call, frozenset()
            names |= _names(call.__code__)
        # Only what the code names: reading every attribute of an object would find networks that it never calls.
        attributes = getattr(value, "__dict__", {})
        for name in names & attributes.keys():
            yield attributes[name], names


def _names_of_method(function: object) -> frozenset[str]:
    return _names(function.__code__) if isinstance(function, FunctionType) else frozenset()


@lru_cache(maxsize=1024)
def _names(code: CodeType) -> frozenset[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)
