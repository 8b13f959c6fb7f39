"""Recipes from outside: their addresses, and importing them, which happens only where a user names one."""

import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

RECIPE, OPTIONS = "RECIPE", "Options"


def is_outside(name: str) -> bool:
    """Whether a name is the address of a recipe outside of this program.

    Example:
        >>> [is_outside(name) for name in ("mine.hinge:SMALL", "hinge:RECIPE", "mine.hinge", "acgan", "mine/hinge.py")]
        [True, True, True, False, False]
    """
    module, colon, attribute = name.partition(":")
    is_module = all(part.isidentifier() for part in module.split("."))
    return is_module and not module.endswith(".py") and (attribute.isidentifier() if colon else "." in module)


def address_of(name: str) -> str:
    """Return the address of a recipe outside in its one spelling; other names as they are.

    Example:
        >>> address_of("mine.hinge"), address_of("mine.hinge:SMALL"), address_of("acgan")
        ('mine.hinge:RECIPE', 'mine.hinge:SMALL', 'acgan')
    """
    return f"{name}:{RECIPE}" if is_outside(name) and ":" not in name else name


def address_of_file(name: str) -> str:
    """Return the address of a recipe that was named by its file; empty for other names.

    Example:
        >>> address_of_file("mine/hinge.py"), address_of_file("hinge.py:SMALL"), address_of_file("hinge")
        ('mine.hinge:RECIPE', 'hinge:SMALL', '')
    """
    file, _, attribute = name.partition(":")
    path = Path(file)
    if path.suffix != ".py" or path.is_absolute():
        return ""
    found = f"{'.'.join(path.with_suffix('').parts)}:{attribute or RECIPE}"
    return found if is_outside(found) else ""


def options_outside(address: str) -> Any:
    """Return the options of the recipes in the module of an address.

    Raises:
        ValueError: The module cannot be imported, or has none.
    """
    module = _imported(address)
    if not hasattr(module, OPTIONS):
        raise ValueError(
            f"--recipe {address}: {_place(module)} must have a dataclass {OPTIONS} beside its recipes, but it has none"
        )
    return getattr(module, OPTIONS)


def recipe_outside(address: str) -> Any:
    """Return what the address names; it need not be a recipe.

    Raises:
        ValueError: The module cannot be imported, or has nothing of this name.
    """
    module, name = _imported(address), address_of(address).partition(":")[2]
    if not hasattr(module, name):
        raise ValueError(
            f"--recipe {address}: {_place(module)} must have a Recipe named {name}, but it has none{recipes_beside(address)}"
        )
    return getattr(module, name)


def recipes_beside(address: str) -> str:
    """Return which recipes the module of an address has, as the end of a message; empty where it has none."""
    from examples.anime_faces.systems import Recipe

    module = _imported(address)
    named = [name for name, value in vars(module).items() if isinstance(value, Recipe)]
    return f"; its recipes are {', '.join(named)}" if named else ""


def _imported(address: str) -> ModuleType:
    """Import the module of an address; the current folder is searched too, after all others.

    Raises:
        ValueError: It is not found, or an error stops it.
    """
    name, here = address.partition(":")[0], str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        return import_module(name)
    except Exception as error:
        is_missing = isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")
        where = (
            f"; modules are looked for in the current folder, {here}, and in those of PYTHONPATH"
            if is_missing
            else f" ({_line_of(error)})"
        )
        kind = "" if is_missing else f"{type(error).__name__}: "
        raise ValueError(f"--recipe {address} cannot be imported: {kind}{error}{where}") from error


def _line_of(error: Exception) -> str:
    """Return the file and line of a module that an error stopped."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    own = [one for one in traceback.extract_tb(error.__traceback__)[1:] if "importlib" not in one.filename]
    return f"{own[-1].filename}, line {own[-1].lineno}" if own else "no file"


def _place(module: ModuleType) -> str:
    return module.__file__ or module.__name__
