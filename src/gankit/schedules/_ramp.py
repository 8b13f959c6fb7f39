"""A number that changes linearly from one value to another over a span of rounds."""

from dataclasses import dataclass

from gankit._core import check_at_least, check_finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    r"""A number as a function of time: `initial` up to `start`, then linear to `final`, then constant (a warm-up).

    .. math::

        f(t) = (1 - s)\,\text{initial} + s\,\text{final}, \qquad s = \min(1, \max(0, (t - \text{start}) / \text{length}))

    Use it for the weight of an adversarial term that starts once reconstruction works, for a probability of flipped labels
    that decays, or for a growing share of augmented samples. Multiply the term by it, or pass it on.

    Args:
        start: The last time at which the number is `initial` if `length` is above 0; 0 or more.
        length: Number of rounds from `initial` to `final`, 0 or more. With 0 the number is `final` from `start` on: a
            delayed start.
        initial: The number up to `start`.
        final: The number from ``start + length`` on.

    Raises:
        ValueError: A count is negative or not a whole number, or a number is not finite; or, when called, the time is
            negative or not a whole number.

    Example:
        >>> from gankit.schedules import Ramp
        >>> adversarial = Ramp(start=1000, length=500)
        >>> [adversarial(t) for t in (0, 1000, 1250, 1500, 9999)]
        [0.0, 0.0, 0.5, 1.0, 1.0]
        >>> flips = Ramp(length=10_000, initial=0.1, final=0.0)
        >>> flips(5000)
        0.05
        >>> [Ramp(start=3)(t) for t in (2, 3)]
        [0.0, 1.0]

    Reference:
        Esser, Rombach and Ommer 2021, "Taming transformers for high-resolution image synthesis" (arXiv:2012.09841):
        their program's `disc_start` is a delayed start of the adversarial term.
    """

    start: int = 0
    length: int = 0
    initial: float = 0.0
    final: float = 1.0

    def __post_init__(self) -> None:
        """Check the counts and the numbers."""
        check_at_least("start", self.start, 0)
        check_at_least("length", self.length, 0)
        check_finite("initial", self.initial)
        check_finite("final", self.final)

    def __call__(self, t: int) -> float:
        """Return the number at time `t`."""
        check_at_least("t", t, 0)
        if t >= self.start + self.length:
            return float(self.final)
        if t <= self.start:
            return float(self.initial)
        share = (t - self.start) / self.length
        return (1 - share) * self.initial + share * self.final
