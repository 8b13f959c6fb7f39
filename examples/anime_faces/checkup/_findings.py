"""What was found before a training, each with what to do about it."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something to know before a training.

    Args:
        is_problem: Whether the training would fail, or certainly be of no use; else it is a warning.
        what: What was found, where, with its numbers.
        advice: What to do.
    """

    is_problem: bool
    what: str
    advice: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.what}: {self.advice}" if self.advice else self.what


def problem(what: str, advice: str = "") -> Finding:
    """Return a finding with which no training should begin."""
    return Finding(True, what, advice)


def warning(what: str, advice: str = "") -> Finding:
    """Return a finding that a user should know."""
    return Finding(False, what, advice)
