"""That one process owns the folder of a run, and notices when it does not any more."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from examples.anime_faces.errors import FolderInUseError, RunLockedError, RunReplacedError
from examples.anime_faces.files import held, read_bytes, write_text
from examples.anime_faces.printing import say
from examples.anime_faces.run._folder import RunFolder


class Hold:
    """A folder that this process holds, as long as it is the same folder: whoever trains looks again before it writes.

    Somebody may remove the folder of a running training and begin another one in its place. Its lock is another file then,
    which this process does not hold.

    Args:
        folder: The folder, locked.
    """

    def __init__(self, folder: RunFolder) -> None:
        self._folder, self._held = folder, _identity(folder)

    def check(self) -> None:
        """Refuse to write where the folder is another one, or gone.

        Raises:
            RunReplacedError: It is.
        """
        if not self.is_same():
            what = "replaced" if self._folder.path.exists() else "removed"
            raise RunReplacedError(
                f"{self._folder.path} was {what} while this process trained in it: it stops, and writes nothing more there"
            )

    def is_same(self) -> bool:
        """Whether folder and lock are still those that this process holds."""
        return self._held is not None and _identity(self._folder) == self._held


def _identity(folder: RunFolder) -> tuple[tuple[int, int], ...] | None:
    try:
        found = [path.stat() for path in (folder.path, folder.lock)]
    except OSError:
        return None
    return tuple((one.st_dev, one.st_ino) for one in found)


@contextmanager
def locked(folder: RunFolder) -> Iterator[Hold]:
    """Hold the folder for this process; the lock of a process that died is free.

    A folder that was made here and is still empty afterwards, since the request was a mistake, is removed.

    Where the file system has no locks, a note says so and nothing is locked.

    Raises:
        RunLockedError: Another process holds it; the message names it.
    """
    made, unused = not folder.path.exists(), False
    folder.path.mkdir(parents=True, exist_ok=True)
    try:
        with _locked(folder) as is_locked:
            if not is_locked:
                say(f"note: the file system of {folder.path} has no locks: take care that only one training runs in it")
                folder.lock.touch()
            hold = Hold(folder)
            try:
                # Beside the lock, since a locked file cannot be read on Windows.
                write_text(folder.owner, str(os.getpid()))
                yield hold
            finally:
                unused = hold.is_same() and _leave(folder, made=made)
    finally:
        if unused:
            with suppress(OSError):  # another process has begun to use it; or Windows, which removes no locked file
                folder.path.rmdir()


@contextmanager
def _locked(folder: RunFolder) -> Iterator[bool]:
    with ExitStack() as stack:
        try:
            is_locked = stack.enter_context(held(folder.lock, refusal="it is in use"))
        except FolderInUseError as error:
            raise RunLockedError(
                f"{folder.path} is in use by another training run (process {_owner(folder)})"
            ) from error
        yield is_locked


def _owner(folder: RunFolder) -> str:
    try:
        words = read_bytes(folder.owner, 100).split()
        return words[0][:20].decode("utf-8", "replace") if words else "unknown"
    except (OSError, ValueError):
        return "unknown"


def _leave(folder: RunFolder, *, made: bool) -> bool:
    """Remove what says who is here; return whether the folder was made here and has nothing but its lock, removed too."""
    with suppress(OSError):
        folder.owner.unlink()
    unused = made and [path.name for path in folder.path.iterdir()] == [folder.lock.name]
    if unused:
        with suppress(OSError):  # Windows removes no file that is locked
            folder.lock.unlink()
    return unused
