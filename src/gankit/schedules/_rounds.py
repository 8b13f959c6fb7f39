"""Rounds and schedules: how many updates each network gets in round t, and which network goes first."""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import TypeAlias

from gankit._core import check_at_least


@dataclass(frozen=True, slots=True)
class Round:
    """Counts and order of the updates of one round: critic (D) steps, generator (G) steps, and which come first.

    ``Round(5)`` has five critic updates per generator update: ``n_critic=5`` in many programs.

    Args:
        critic: Number of critic updates, 0 or more.
        generator: Number of generator updates, 0 or more. At least one of the two counts must be above 0.
        generator_first: Whether the generator's updates come before the critic's.

    Raises:
        ValueError: A count is negative or not a whole number, or both are 0.

    Example:
        >>> from gankit.schedules import Round
        >>> Round(5)
        Round(critic=5, generator=1, generator_first=False)
    """

    critic: int = 1
    _: KW_ONLY
    generator: int = 1
    generator_first: bool = False

    def __post_init__(self) -> None:
        """Check the counts and the order."""
        check_at_least("critic", self.critic, 0)
        check_at_least("generator", self.generator, 0)
        if not isinstance(self.generator_first, bool):
            raise ValueError(f"generator_first must be True or False, got {self.generator_first!r}")
        if self.critic == self.generator == 0:
            raise ValueError("critic and generator must not both be 0: the round would do nothing")


Schedule: TypeAlias = Callable[[int], Round]
"""A function of the round's number, counted from 0, that returns a `Round`. It has no state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A schedule that returns the same round at every time.

    Args:
        round: The round to return.

    Raises:
        ValueError: `round` is not a `Round`; or, when called, the time is negative or not a whole number.

    Example:
        >>> from gankit.schedules import Constant, Round
        >>> Constant(round=Round(5))(1000)
        Round(critic=5, generator=1, generator_first=False)
    """

    round: Round

    def __post_init__(self) -> None:
        """Check the round."""
        _check_round("round", self.round)

    def __call__(self, t: int) -> Round:
        """Return the round, the same for every time `t`."""
        check_at_least("t", t, 0)
        return self.round


@dataclass(frozen=True, slots=True, kw_only=True)
class Boosted:
    r"""A schedule that returns `boost` in the first rounds and periodically after that, and `base` otherwise.

    .. math::

        \text{round}(t) = \begin{cases} \text{boost} & p < \text{first} \text{ or } (p + n_0) \bmod
        \text{every} = 0 \\ \text{base} & \text{else} \end{cases}

    with p = t, or t modulo `epoch_length`, and `count_from` :math:`n_0`.

    The original WGAN code trains its critic to near optimality in this way. With `epoch_length` the count of rounds
    restarts in every epoch, so every epoch begins with its own boosted rounds.

    Args:
        base: The ordinary round.
        boost: The boosted round.
        first: Number of boosted rounds at the start, 0 or more.
        every: Boost each round whose number is a multiple of this (0 included), 1 or more. Default: never.
        epoch_length: Number of rounds in an epoch, 1 or more. Default: the count of rounds never restarts.
        count_from: Number of the first round, of each epoch if there are epochs: 0 or 1. From 1 on, round `every` is the last
            of an epoch of that length, and no round has number 0.

    Raises:
        ValueError: An argument is out of its range; or, when called, the time is negative or not a whole number.

    Example:
        >>> from gankit.schedules import Boosted, Round
        >>> schedule = Boosted(base=Round(5), boost=Round(25), first=25, every=500, epoch_length=522)
        >>> sum(schedule(t).critic for t in range(522))
        3130

        An epoch of 500 rounds has a 500th one only if they are counted from 1:

        >>> from_zero = Boosted(base=Round(5), boost=Round(25), first=25, every=500, epoch_length=500)
        >>> from_one = Boosted(base=Round(5), boost=Round(25), first=25, every=500, epoch_length=500, count_from=1)
        >>> [sum(schedule(t).critic for t in range(500)) for schedule in (from_zero, from_one)]
        [3000, 3020]

    Reference:
        Arjovsky, Chintala and Bottou 2017 (arXiv:1701.07875); their program boosts to 100 critic updates in the first
        25 rounds and in every 500th round, and counts rounds over the whole run.
    """

    base: Round
    boost: Round
    first: int = 0
    every: int | None = None
    epoch_length: int | None = None
    count_from: int = 0

    def __post_init__(self) -> None:
        """Check the two rounds and the counts."""
        _check_round("base", self.base)
        _check_round("boost", self.boost)
        check_at_least("first", self.first, 0)
        if self.every is not None:
            check_at_least("every", self.every, 1)
        if self.epoch_length is not None:
            check_at_least("epoch_length", self.epoch_length, 1)
        check_at_least("count_from", self.count_from, 0)
        if self.count_from > 1:
            raise ValueError(f"count_from must be 0 or 1, got {self.count_from}")

    def __call__(self, t: int) -> Round:
        """Return the round at time `t`."""
        check_at_least("t", t, 0)
        position = t if self.epoch_length is None else t % self.epoch_length
        on_beat = self.every is not None and (position + self.count_from) % self.every == 0
        boosted = position < self.first or on_beat
        return self.boost if boosted else self.base


def _check_round(name: str, value: object) -> None:
    if not isinstance(value, Round):
        raise ValueError(f"{name} must be a gankit.schedules.Round, got {value!r}")
