"""Saying that a file cannot be used, and why."""


class UnusableError(Exception):
    """A file that is skipped.

    Args:
        reason: a short reason that files share, so that it can be counted.
        detail: what is particular to this file.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
