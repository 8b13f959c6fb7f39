"""One measured number beside what it is measured against."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number, the same number for real pictures, and the bounds within which it passes.

    Args:
        value: of the samples.
        floor: of fresh real pictures in place of the samples, or None where that means nothing.
        at_least: least value that passes, or None for no such bound.
        at_most: greatest value that passes, or None for no such bound.
        about: what the number is, in one sentence.

    Example:
        >>> Figure(value=0.97, floor=1.0, at_least=0.98, about="share of samples with the asked hair").passed
        False
    """

    value: float
    floor: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    about: str

    @property
    def passed(self) -> bool | None:
        """Whether the value lies within the bounds; None where there are none."""
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.value >= self.at_least
        below = self.at_most is None or self.value <= self.at_most
        return above and below

    def record(self) -> dict[str, Any]:
        """Return the figure as plain data for a JSON file, rounded to six digits."""
        return {
            "value": _rounded(self.value),
            "floor": _rounded(self.floor),
            "at_least": _rounded(self.at_least),
            "at_most": _rounded(self.at_most),
            "passed": self.passed,
            "about": self.about,
        }


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.6g}")
