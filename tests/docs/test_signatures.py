"""Signatures as the reference writes them, and that those of public names say something."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import pi as PI  # noqa: N812
from typing import Any, Protocol

import pytest

from docs.api.public_names import PublicName, public_folders, public_names
from docs.api.signatures import explained_at, functions_of, is_protocol, write_defaults, written_defaults

_HALF = partial(pow, 2)
_SIZES = (3, 5, 7)
NAMES = [public for folder in public_folders() for public in public_names(folder)]
CONSTANTS = {"_HALF": "partial(pow, 2)", "_SIZES": "(3, 5, 7)"}


class Layer:
    def __init__(
        self,
        size: int,
        gain: float = (2 / (1 + 0.2**2)) ** 0.5,
        *,
        build: Any = _HALF,
        sizes: tuple[int, ...] = _SIZES[::-1],
        needed: int,
        turn: float = PI,
    ) -> None: ...


def nothing() -> None: ...


@dataclass(frozen=True)
class Record:
    first: int
    call: Callable[[], None] = nothing


class Shape(Protocol):
    def area(self) -> float: ...

    def scaled(self, factor: float) -> "Shape":
        """Return a larger shape.

        Args:
            factor: Of its sides.
        """
        ...


class Square:
    def scaled(self, factor: float) -> "Square":
        """Return a larger square."""
        return self

    def area(self, unit: str) -> None: ...


def test_defaults_are_written_as_in_the_source_without_private_names() -> None:
    assert written_defaults(Layer.__init__, CONSTANTS) == {
        "gain": "(2 / (1 + 0.2 ** 2)) ** 0.5",
        "build": "partial(pow, 2)",
        "sizes": "(7, 5, 3)",
        "turn": "3.141592653589793",
    }


def test_signatures_print_the_written_defaults() -> None:
    write_defaults(Layer.__init__, CONSTANTS)
    assert "build: Any = partial(pow, 2), sizes: tuple[int, ...] = (7, 5, 3), needed: int" in str(
        inspect.signature(Layer.__init__)
    )
    write_defaults(Record.__init__, {})
    assert str(inspect.signature(Record.__init__)).endswith(
        "call: collections.abc.Callable[[], None] = nothing) -> None"
    )


def test_the_functions_of_a_class_are_its_own() -> None:
    assert list(functions_of(Layer)) == [Layer.__init__]
    assert list(functions_of(nothing)) == [nothing]
    assert list(functions_of(3)) == []


def test_protocols_are_told_from_classes() -> None:
    assert is_protocol(Shape)
    assert not is_protocol(Layer)
    assert not is_protocol(nothing)


def test_a_protocol_explains_the_arguments_of_methods_that_follow_it() -> None:
    assert explained_at(Square.scaled, [Square, Shape]) == "Shape.scaled"
    assert explained_at(Square.area, [Shape]) is None
    assert explained_at(Shape.scaled, [Shape]) is None
    assert explained_at(property(), [Shape]) is None


@pytest.mark.parametrize("public", NAMES, ids=lambda public: public.path)
def test_a_public_name_names_its_arguments(public: PublicName) -> None:
    thing = public.load()
    if is_protocol(thing) or not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return
    called = [
        thing,
        *(part for part in functions_of(thing) if not part.__name__.startswith("_") or part.__name__ == "__call__"),
    ]
    for part in called:
        for argument in inspect.signature(part).parameters.values():
            assert argument.kind is not argument.VAR_KEYWORD, f"{public.path}: {part.__name__} takes **{argument.name}"
            assert argument.name != "args", f"{public.path}: {part.__name__} takes *args"
