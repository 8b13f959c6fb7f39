"""Files that appear whole or not at all."""

import errno
import os
import re
import secrets
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

# Tells this process from an earlier one that had the same number, as happens in containers.
PROCESS = secrets.token_hex(4)
ORPHAN = re.compile(r"\.tmp-(?P<process>\d+)-(?P<token>[0-9a-f]{8})$")
_numbers = count()
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


@contextmanager
def replaced_atomically(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place when the context ends well, and vanishes when it does not.

    It is written through to the disk before it is renamed, and its folder after, so that neither a killed process nor a
    power cut leaves a torn file. It lies in the same folder, since only there a rename is one step.
    """
    # Numbered, since threads of one process may save at the same time.
    temporary = path.with_name(f"{path.name}.{next(_numbers)}.tmp-{os.getpid()}-{PROCESS}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def sweep_orphans(folder: Path) -> None:
    """Remove temporary files in the folder whose process was killed while it wrote."""
    for path in folder.iterdir():
        match = ORPHAN.search(path.name)
        if match and not _is_writing(int(match["process"]), match["token"]):
            path.unlink(missing_ok=True)


def _is_writing(process: int, token: str) -> bool:
    if process == os.getpid():
        return token == PROCESS
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        warnings.warn(
            f"the file system of {folder} does not write folders through: the newest checkpoint may be lost in a power cut",
            RuntimeWarning,
            stacklevel=2,
        )
    finally:
        os.close(descriptor)
