"""The list of mutants that may survive, each with the reason."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutation import Mutation

LIST = Path(__file__).with_name("survivors.toml")
KINDS = frozenset({"equivalent", "redundant", "message", "speed", "arbitrary", "device"})
_TEXTS = ("file", "function", "operator", "before", "after")


@dataclass(frozen=True, kw_only=True)
class Survivor:
    """A mutant that no test can detect, or needs to.

    The kinds are explained at the top of the list.
    """

    key: tuple[str, ...]
    kind: str
    reason: str


def listed() -> list[Survivor]:
    """Read the list.

    Raises:
        ValueError: An entry is incomplete, has no reason, or occurs twice.
    """
    found = []
    for entry in tomllib.loads(LIST.read_text()).get("survivor", []):
        if set(entry) != {*_TEXTS, "kind", "reason"}:
            raise ValueError(f"a survivor has {', '.join(_TEXTS)}, kind and reason, got {sorted(entry)}")
        if entry["kind"] not in KINDS or not entry["reason"].strip():
            raise ValueError(f"a survivor has one of the kinds {sorted(KINDS)} and a reason, got {entry}")
        found.append(
            Survivor(key=tuple(entry[name] for name in _TEXTS), kind=entry["kind"], reason=entry["reason"].strip())
        )
    doubles = [one.key for index, one in enumerate(found) if one.key in {other.key for other in found[:index]}]
    if doubles:
        raise ValueError(f"these survivors are listed twice: {doubles}")
    return found


def unlisted(survived: Iterable[Mutation], known: Iterable[Survivor]) -> list[Mutation]:
    """Survivors without a reason."""
    keys = {one.key for one in known}
    return [mutation for mutation in survived if mutation.key not in keys]


def stale(tried: Iterable[Mutation], survived: Iterable[Mutation], known: Iterable[Survivor]) -> list[Survivor]:
    """Entries of the tried files whose mutant dies, or is no longer made."""
    files, alive = {mutation.file for mutation in tried}, {mutation.key for mutation in survived}
    return [one for one in known if one.key[0] in files and one.key not in alive]


def as_entry(mutation: Mutation) -> str:
    """An entry for the list, with an empty reason."""
    lines = [f"{name} = {_quoted(text)}" for name, text in zip(_TEXTS, mutation.key, strict=True)]
    return "\n".join(["[[survivor]]", *lines, 'kind = ""', 'reason = ""', ""])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f"'{text}'" if "'" not in text else f'"{escaped}"'
