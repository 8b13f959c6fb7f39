"""The version that every state carries, and its check."""

from collections.abc import Mapping


def check_version(whose: str, state: object, version: int) -> None:
    """Refuse a state of another version, or without one."""
    found = state.get("version") if isinstance(state, Mapping) else None
    if found != version:
        raise ValueError(f"state of {whose} must have version {version}, got {found!r}")
