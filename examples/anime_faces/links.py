"""Symbolic links: where a path really leads, and those that lead to nothing."""

import os
from pathlib import Path


def real_path(path: Path) -> Path:
    """Return an absolute path without links; where one leads in a circle it stays, and whoever opens it says so."""
    return Path(os.path.realpath(path))


def refuse_dead_link(path: Path, name: str = "") -> None:
    """Refuse a place to write that is, or is below, a link to something that is not there: no folder can be made there.

    Args:
        path: The place.
        name: The option that names it, as a user writes it, for the message.

    Raises:
        ValueError: There is such a link.
    """
    for one in (path, *path.parents):
        if one.is_symlink() and not one.exists():
            option = f"{name} must be a place that can be written, but " if name else ""
            raise ValueError(f"{option}{one} is a link to something that is not there: {one.readlink()}")
