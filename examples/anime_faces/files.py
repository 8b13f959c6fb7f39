"""Writing a file whole or not at all."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ON_WINDOWS = os.name == "nt"
WAITS = (0.02, 0.1, 0.5, 1.0)
"""Seconds between two attempts."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and move what was written there to `path` once the block ends without an error.

    A program that is stopped in between leaves `path` as it was, and a reader never sees half a file. A device or a pipe,
    such as ``/dev/null``, is written directly, since it must not be replaced.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        yield path
        return
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        yield temporary
        _replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _replace(temporary: Path, path: Path) -> None:
    """Move a file over another; Windows refuses that while somebody reads the other, so it is tried again for a while."""
    for seconds in WAITS if ON_WINDOWS else ():
        try:
            temporary.replace(path)
        except PermissionError:
            time.sleep(seconds)
        else:
            return
    temporary.replace(path)
