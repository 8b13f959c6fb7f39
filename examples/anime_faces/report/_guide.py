"""Where the pages of the guide are: the address that `pyproject.toml` names, since a report may be read anywhere."""

import tomllib
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"


def guide(page: str) -> str:
    """Return the address of a page of the guide.

    Args:
        page: The page below ``docs/guides``, with its heading if one is meant, such as ``failures.md#nan``.
    """
    return f"{_guides()}/{page}"


@cache
def _guides() -> str:
    """Return the address of the guide; where the project's file is not there, the folder in the project."""
    try:
        return tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["urls"]["Documentation"].rstrip("/")
    except (OSError, KeyError, ValueError):
        return "docs/guides"
