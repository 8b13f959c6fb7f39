"""The same round, always."""

from dataclasses import dataclass

from gankit.schedules._round import Round, check_round, check_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A schedule that plays the same round at any time.

    Args:
        round: The round to play.

    Raises:
        ValueError: `round` is no `Round`; or, at a call, the time is negative or no whole number.

    Example:
        >>> from gankit.schedules import Constant, Round
        >>> Constant(round=Round(5))(1000)
        Round(critic=5, generator=1, generator_first=False)
    """

    round: Round

    def __post_init__(self) -> None:
        """Check the round."""
        check_round("round", self.round)

    def __call__(self, t: int) -> Round:
        """Return the round, whatever the time `t`."""
        check_time(t)
        return self.round
