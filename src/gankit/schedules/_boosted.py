"""Bursts of critic updates at the start and now and then."""

from dataclasses import dataclass

from gankit._core import check_at_least
from gankit.schedules._round import Round, check_round, check_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    """A schedule that plays `boost` in the first rounds and at every so-many-th one, else `base`.

    The original WGAN code trains its critic to near optimality in this way. With `epoch_length` the count starts again
    with every epoch, so that each has its own burst.

    Args:
        base: The ordinary round.
        boost: The round of a burst.
        first: Number of boosted rounds at the start, 0 or more.
        every: Boost each round whose number is a multiple of this (0 included), 1 or more; None for never.
        epoch_length: Rounds in an epoch, 1 or more; None where the count never starts again.

    Raises:
        ValueError: An argument is out of its range; or, at a call, the time is negative or no whole number.

    Example:
        >>> from gankit.schedules import Boosted, Round
        >>> schedule = Boosted(base=Round(5), boost=Round(25), first=25, every=500, epoch_length=522)
        >>> sum(schedule(t).critic for t in range(522))
        3130

    Reference:
        Arjovsky, Chintala and Bottou 2017; their program boosts to 100 critic updates in the first 25 rounds and at every
        500th, and counts rounds over the whole run.
    """

    base: Round
    boost: Round
    first: int = 0
    every: int | None = None
    epoch_length: int | None = None

    def __post_init__(self) -> None:
        """Check the two rounds and the three counts."""
        check_round("base", self.base)
        check_round("boost", self.boost)
        check_at_least("first", self.first, 0)
        if self.every is not None:
            check_at_least("every", self.every, 1)
        if self.epoch_length is not None:
            check_at_least("epoch_length", self.epoch_length, 1)

    def __call__(self, t: int) -> Round:
        """Return the round at time `t`."""
        check_time(t)
        position = t if self.epoch_length is None else t % self.epoch_length
        boosted = position < self.first or (self.every is not None and position % self.every == 0)
        return self.boost if boosted else self.base
