"""The version that every state carries, and its check."""

from collections.abc import Mapping


def check_version(whose: str, state: object, version: int, *entries: str) -> None:
    """Refuse a state of another version, or without one, or without one of the entries."""
    found = state.get("version") if isinstance(state, Mapping) else None
    if found != version:
        raise ValueError(f"state of {whose} must have version {version}, got {found!r}")
    missing = [entry for entry in entries if not isinstance(state, Mapping) or entry not in state]
    if missing:
        raise ValueError(f"state of {whose} must hold {list(entries)}, got none of {missing}")
