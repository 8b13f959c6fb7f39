"""The version that every state carries."""

from typing import Any

import pytest

from gankit._core import check_version


@pytest.mark.parametrize("state", [{"version": 2}, {}, None, [1]])
def test_another_version_or_none_is_refused(state: Any) -> None:
    found = state.get("version") if isinstance(state, dict) else None
    with pytest.raises(ValueError, match=f"state of a part must have version 1, got {found}"):
        check_version("a part", state, 1)


def test_the_own_version_passes() -> None:
    check_version("a part", {"version": 1}, 1)


def test_entries_that_are_missing_are_named() -> None:
    check_version("a part", {"version": 1, "a": 0, "b": None}, 1, "a", "b")
    with pytest.raises(ValueError, match=r"state of a part must hold \['a', 'b', 'c'\], got none of \['a', 'c'\]"):
        check_version("a part", {"version": 1, "b": None}, 1, "a", "b", "c")
