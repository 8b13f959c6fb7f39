"""Put the code of a mutant into the functions of a module that runs, so that all importers of them use it."""

import dataclasses
import sys
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

_PLAIN = (int, float, bool, str, bytes, type(None))
_OURS = ("gankit", "examples", "tests")


class _StrangeError(Exception):
    """A constant of a kind that is left as it is."""


def swap_in(module: ModuleType, code: CodeType) -> None:
    """Change functions, methods, default values and constants of a module to those of the compiled source.

    Functions, classes and dictionaries keep their identity. Where other modules have imported a constant that changes, it is
    changed there too. A mutant that cannot even be imported raises what its import raises.
    """
    fresh: dict[str, Any] = {
        "__name__": module.__name__,
        "__file__": module.__file__,
        "__package__": module.__package__,
    }
    exec(code, fresh)

    def put_everywhere(name: str, old: Any, value: Any) -> None:
        for other in [other for key, other in sys.modules.items() if key.split(".")[0] in _OURS]:
            if vars(other).get(name) is old:
                setattr(other, name, value)
        setattr(module, name, value)

    _swap_names(vars(module), fresh, module, put_everywhere)


def _swap_names(
    old: Mapping[str, Any], new: Mapping[str, Any], module: ModuleType, put: Callable[[str, Any, Any], None]
) -> None:
    for name, value in list(new.items()):
        if name not in old or old[name] is value or (name.startswith("__") and not callable(value)):
            continue
        before, after = _function(old[name]), _function(value)
        if isinstance(after, FunctionType) and after.__module__ == module.__name__ and isinstance(before, FunctionType):
            _swap_function(before, after)
            getattr(old[name], "cache_clear", lambda: None)()
        elif isinstance(value, type) and value.__module__ == module.__name__:
            cls = old[name]
            _swap_names(vars(cls), vars(value), module, lambda key, _, changed, cls=cls: setattr(cls, key, changed))
        elif not callable(value):
            _swap_constant(name, old[name], value, module, put)


def _swap_constant(name: str, old: Any, new: Any, module: ModuleType, put: Callable[[str, Any, Any], None]) -> None:
    if type(new).__qualname__ != type(old).__qualname__:  # such as a generator for a tuple
        put(name, old, new)
        return
    try:
        changed = _adopted(new, old, vars(module))
    except _StrangeError:
        return
    if changed == old:
        return
    if isinstance(old, dict):
        old.clear()
        old.update(changed)
    else:
        put(name, old, changed)


def _adopted(new: Any, old: Any, names: Mapping[str, Any]) -> Any:
    """A constant of the mutant with the functions and classes of the module that runs; `old` is its counterpart there."""
    if all(isinstance(one, FunctionType) for one in (new, old)):
        _swap_function(old, new)
        return old
    if isinstance(new, _PLAIN) or new is old:
        return new
    kind: Any = type(new)
    if kind in (tuple, list, set, frozenset):
        pairs = old if kind in (tuple, list) and type(old) is kind and len(old) == len(new) else [None] * len(new)
        return kind(_adopted(one, other, names) for one, other in zip(new, pairs, strict=True))
    if kind is dict:
        olds = old if isinstance(old, dict) else {}
        return {key: _adopted(value, olds.get(key), names) for key, value in new.items()}
    own: Any = names.get(kind.__name__)
    if isinstance(own, type) and kind.__module__ == own.__module__:
        if isinstance(new, tuple):
            return own(*(_adopted(one, None, names) for one in new))
        if dataclasses.is_dataclass(new):
            fields = [field.name for field in dataclasses.fields(new) if field.init]
            return own(**{name: _adopted(getattr(new, name), None, names) for name in fields})
    raise _StrangeError


def _function(value: Any) -> Any:
    """The function below decorators, static and class methods and properties."""
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    while hasattr(value, "__wrapped__"):
        value = value.__wrapped__
    return value


def _swap_function(old: FunctionType, new: FunctionType) -> None:
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__
    if old.__code__.co_filename != "<string>":  # what a dataclass writes itself differs in its default values only
        old.__code__ = new.__code__
