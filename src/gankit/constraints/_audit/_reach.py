"""The modules that a critic can call, be it a module, a lambda, a partial or a method of an object."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType, NoneType

import torch
from torch import nn

_LEAVES = (torch.Tensor, str, int, float, type, ModuleType, NoneType)
_CONTAINERS = (dict, list, tuple)
_MOST_ITEMS = 32  # of a container in a closure: a list of networks is short, longer ones are not searched


@dataclass(slots=True)
class Reach:
    """The code and the modules found: a lambda that is created anew at each step has the same ones, so is the same critic."""

    codes: list[CodeType] = field(default_factory=list)
    modules: list[nn.Module] = field(default_factory=list)


def identity(critic: object) -> tuple[object, ...]:
    """Return what two critics have in common that are the same."""
    if isinstance(critic, nn.Module):  # the usual case, with nothing to be searched
        return (_form(critic),)
    reach = reachable_modules(critic)
    return (*reach.codes, *map(_form, reach.modules))


def _form(module: nn.Module) -> tuple[object, ...]:
    """Return the module and what changes its behavior: training mode and ``module.compile()``."""
    return id(module), module.training, getattr(module, "_compiled_call_impl", None) is not None


def reachable_modules(critic: object) -> Reach:
    """Search closures, globals that the code names, arguments of partials and bound objects, without calling anything."""
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
        # Functions of other files belong to libraries, whose globals do not hold the user's networks.
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
        call = getattr(type(value), "__call__", None)  # noqa: B004  the method itself is needed
        if isinstance(call, FunctionType):
            yield call, frozenset()
            names |= _names(call.__code__)
        # Only attributes that the code names: an object may hold networks that it never calls.
        attributes = getattr(value, "__dict__", {})
        for name in names & attributes.keys():
            yield attributes[name], names


def _names_of_method(function: object) -> frozenset[str]:
    return _names(function.__code__) if isinstance(function, FunctionType) else frozenset()


@lru_cache(maxsize=1024)
def _names(code: CodeType) -> frozenset[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return frozenset(code.co_names).union(*inner)
