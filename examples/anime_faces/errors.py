"""Errors that end a command with one line, each with its exit code; this file loads nothing heavy."""

import errno
from typing import ClassVar

LONGEST = 1000
"""Characters of a message that is shown."""


class CommandError(Exception):
    """An error that ends a command: its message is printed as one line, and the process exits with `exit_code`.

    A mistake in what was asked, or in a file, is usually a `ValueError` or an `OSError` and exits with the same 2. Derive
    from this class where the caller of the command needs another code.
    """

    exit_code: ClassVar[int] = 2


class FolderInUseError(CommandError):
    """Another process writes into this folder."""

    exit_code = 3


class RunLockedError(FolderInUseError):
    """Another process is training in this folder."""


class RunReplacedError(RunLockedError):
    """The folder of the run was removed or replaced while it was trained: what is there now is not touched."""


class LinesError(ValueError):
    """A mistake whose message has several lines on purpose; a name within is a part of one line."""


class TrainingDivergedError(CommandError):
    """A loss, a gradient or a weight became NaN or infinite; the last checkpoint is still good.

    The message has several lines.
    """

    exit_code = 4


DIVERGED = 7
"""Exit code of a training that ended with networks of no use: everything is saved, and nothing was an error."""


class RankError(CommandError):
    """One of the ranks that train together has stopped or failed; the last checkpoint is still good.

    The message is empty where another rank prints what happened.
    """

    exit_code = 5


class DeviceError(CommandError):
    """The device stopped working: nothing can be saved from it; the last checkpoint is still good."""

    exit_code = 6


class UnsavedError(CommandError):
    """The state of a run could not be written, several times; the last checkpoint is still good."""

    exit_code = 28  # the number of a full disk


def lines_to_say(error: Exception, words: str) -> list[str]:
    """Return the lines of an error's message: one, whatever names are in it, or those that it has on purpose."""
    return words.split("\n") if isinstance(error, LinesError | TrainingDivergedError) else [words]


def in_words(error: Exception) -> str:
    """Return the message of an error; for an error of the system the file and what is wrong with it, without its number.

    What a file holds may be a part of a message, and may be long: no more than 1000 characters are shown.
    """
    text = _in_words(error)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "no space is left on the disk that this command writes to"
    if isinstance(error, MemoryError):
        return f"the computer ran out of memory{f': {error}' if str(error) else ''}"
    if isinstance(error, BrokenPipeError):
        return "a process that this command had started has ended before its work was done"
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
