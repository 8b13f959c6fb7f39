"""What differs between settings of then and of now, value by value, in words that fit on a line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

ABSENT = object()
MOST_LETTERS = 80  # of a value: of a longer one the middle is left out, since paths differ at their ends


class Difference(NamedTuple):
    """One value that is another one now: its name, with dots where it is part of another, and what it was and is."""

    name: str
    was: str
    now: str


def differences_of(name: str, was: object, now: object) -> list[Difference]:
    """Return every single value that differs, within dicts and lists too.

    Lists of dicts with names, such as attributes, are compared by these. Of other lists, only the entries that one of them
    lacks are given. An option that is not there on one side is off there if it is on or off on the other.

    Example:
        >>> [tuple(one) for one in differences_of("knobs", {"rate": 0.3, "skew": 1.0}, {"rate": 0.0, "skew": 1.0})]
        [('knobs.rate', '0.3', '0.0')]
        >>> [tuple(one) for one in differences_of("classes", ["red", "blue"], ["red", "green", "gray"])]
        [('classes', 'with blue', 'with green, gray')]
    """
    return list(_differences(name, was, now))


def _differences(name: str, was: object, now: object) -> Iterator[Difference]:
    if was == now:
        return
    old, new = _by_name(was), _by_name(now)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _differences(f"{name}.{key}", old.get(key, ABSENT), new.get(key, ABSENT))
    elif _is_list(was) and _is_list(now):
        lost, found = _without(was, now), _without(now, was)
        if lost or found:
            yield Difference(name, _entries(lost), _entries(found))
        else:
            yield Difference(name, "in another order", _shown(now, was))
    else:
        yield Difference(name, _shown(was, now), _shown(now, was))


def _by_name(value: Any) -> Any:
    """Return a list of dicts with names as a dict of them; anything else as it is."""
    if _is_list(value) and value and all(isinstance(one, Mapping) and "name" in one for one in value):
        return {one["name"]: {key: part for key, part in one.items() if key != "name"} for one in value}
    return value


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _without(these: Any, those: Any) -> list[Any]:
    try:
        known = set(those)
        return [one for one in these if one not in known]
    except TypeError:  # entries that are lists or objects
        return [one for one in these if one not in those]


def _entries(values: Sequence[Any]) -> str:
    return f"with {_cut(', '.join(map(str, values)))}" if values else "without"


def _shown(value: Any, other: Any) -> str:
    if value is ABSENT:
        return str(not other) if isinstance(other, bool) else "not there"
    named = _by_name(value)
    if isinstance(named, Mapping):
        return _cut(f"there ({', '.join(map(str, named))})") if named else "empty"
    return _cut(", ".join(map(str, value)) if _is_list(value) else str(value))


def _cut(text: str) -> str:
    part = (MOST_LETTERS - 3) // 2
    return text if len(text) <= MOST_LETTERS else f"{text[:part]}...{text[-part:]}"
