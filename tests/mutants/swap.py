"""Put the code of a mutant into the functions of a module that runs, so that all importers of them use it."""

from collections.abc import Callable
from types import CodeType, FunctionType, ModuleType
from typing import Any

_PLAIN = (int, float, bool, str, tuple, frozenset, type(None))


def swap_in(module: ModuleType, code: CodeType) -> None:
    """Change functions, methods, default values and plain constants of a module to those of the compiled source.

    Functions and classes keep their identity. A mutant that cannot even be imported raises what its import raises.
    """
    fresh: dict[str, Any] = {
        "__name__": module.__name__,
        "__file__": module.__file__,
        "__package__": module.__package__,
    }
    exec(code, fresh)
    _swap_names(vars(module), fresh, module.__name__, module.__dict__.__setitem__)


def _swap_names(old: Any, new: Any, module: str, put: Callable[[str, Any], None]) -> None:
    for name, value in new.items():
        if name not in old or old[name] is value or (name.startswith("__") and not callable(value)):
            continue
        before, after = _function(old[name]), _function(value)
        if isinstance(after, FunctionType) and after.__module__ == module and isinstance(before, FunctionType):
            _swap_function(before, after)
            getattr(old[name], "cache_clear", lambda: None)()
        elif isinstance(value, type) and value.__module__ == module:
            cls = old[name]
            _swap_names(vars(cls), vars(value), module, lambda key, plain, cls=cls: setattr(cls, key, plain))
        elif isinstance(value, _PLAIN) and old[name] != value:
            put(name, value)


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
