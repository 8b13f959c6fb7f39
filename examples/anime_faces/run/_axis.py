"""A logarithmic axis for losses, which may have both signs: logarithmic on both sides of zero, linear close to it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

MOST_DECADES = 5  # of the largest value that the axis shows logarithmically
SHARE = 0.1  # of the values may lie in the linear part
FEWEST = 3  # ticks at powers of ten; where there are fewer, their doubles and fives are ticks too


@dataclass(frozen=True, slots=True)
class SymmetricLog:
    """An axis that is linear from ``-linear`` to ``linear``, and logarithmic beyond on both sides.

    Losses of Wasserstein critics are often negative, and cross zero: a plain logarithm would leave them out, and their absolute
    value would hide the sign. The axis is the plain logarithmic one where all values are above ``linear``.

    Args:
        linear: Where the linear part ends.

    Example:
        >>> axis = SymmetricLog(0.1)
        >>> [round(axis(value), 6) for value in (-10.0, -0.1, 0.0, 0.05, 0.1, 1.0)]
        [-3.0, -1.0, 0.0, 0.5, 1.0, 2.0]
    """

    linear: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Choose the linear part: to the power of ten under which a tenth of the sizes are, at most five decades deep."""
        sizes = np.abs(np.fromiter((value for value in values if math.isfinite(value) and value != 0), dtype=float))
        if len(sizes) == 0:
            return cls(1.0)
        return cls(10.0 ** math.floor(math.log10(max(np.quantile(sizes, SHARE), sizes.max() / 10**MOST_DECADES))))

    def __call__(self, value: float) -> float:
        """Return the place of a value on the axis; each decade and each half of the linear part has the length 1."""
        size = abs(value) / self.linear
        return math.copysign(size if size <= 1 else 1 + math.log10(size), value)

    def ticks(self, low: float, high: float) -> list[float]:
        """Return powers of ten, with both signs, and zero, as far as they are within ``low..high``, ascending.

        Example:
            >>> SymmetricLog(0.1).ticks(-1.0, 200.0)
            [-1.0, -0.1, 0.0, 0.1, 1.0, 10.0, 100.0]
        """
        greatest = max(-low, high, self.linear)
        decades = math.ceil(math.log10(greatest / self.linear)) + 1
        for factors in ((1,), (1, 2, 5)):
            sizes = [
                float(f"{factor * self.linear * 10.0**power:.6g}") for power in range(decades) for factor in factors
            ]
            marks = [*(-size for size in reversed(sizes)), 0.0, *sizes]
            found = [mark for mark in marks if low <= mark <= high]
            if len(found) >= FEWEST:
                break
        return found

    def in_words(self, low: float) -> str:
        """Return what the axis is, for the title of a chart whose lowest value is `low`."""
        if low >= self.linear:
            return "logarithmic axis"
        return f"logarithmic axis, linear between -{self.linear:g} and {self.linear:g}"
