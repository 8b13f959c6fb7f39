"""Errors that end a command with one line, each with its exit code; this file loads nothing heavy."""

from typing import ClassVar


class CommandError(Exception):
    """An error that ends a command: its message is printed as one line, and the process exits with `exit_code`.

    A mistake in what was asked, or in a file, is usually a `ValueError` or an `OSError` and exits with the same 2. Derive
    from this class where the caller of the command needs another code.
    """

    exit_code: ClassVar[int] = 2


class RunLockedError(CommandError):
    """Another process is training in this folder."""

    exit_code = 3


class TrainingDivergedError(CommandError):
    """A loss, a gradient or a weight became NaN or infinite; the last checkpoint is still good."""

    exit_code = 4


class RankError(CommandError):
    """One of the ranks that train together has stopped or failed; the last checkpoint is still good.

    The message is empty where another rank prints what happened.
    """

    exit_code = 5
