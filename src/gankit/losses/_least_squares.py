"""The least-squares objective."""

from dataclasses import dataclass

from gankit._core import Scores, check_finite
from gankit.losses._objective import widen


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquares:
    """Half the squared distance of a score from its target.

    Prices: real ``(s - real_target)^2 / 2``, fake ``(s - fake_target)^2 / 2``, generator ``(s - generator_target)^2 / 2``.

    Args:
        real_target: Where the critic wants real scores (the paper's b).
        fake_target: Where the critic wants fake scores (the paper's a).
        generator_target: Where the generator wants its own scores (the paper's c).

    Shape:
        Scores of any shape in, prices of that shape out; 0 or more.

    Raises:
        ValueError: A target is not a finite number, or the critic's two targets are equal.

    Example:
        >>> import torch
        >>> from gankit.losses import LeastSquares, critic_loss
        >>> critic_loss(LeastSquares(), torch.ones(3), torch.ones(3))
        tensor(0.5000)

    Reference:
        Mao et al. 2017, "Least Squares Generative Adversarial Networks", equations 2 and 9; the defaults are its 0-1 coding.
        The factor 1/2 is the paper's; several libraries leave it out for one of the two networks.
    """

    real_target: float = 1.0
    fake_target: float = 0.0
    generator_target: float = 1.0

    def __post_init__(self) -> None:
        """Check the three targets."""
        check_finite("real_target", self.real_target)
        check_finite("fake_target", self.fake_target)
        check_finite("generator_target", self.generator_target)
        if self.real_target == self.fake_target:
            raise ValueError(f"real_target and fake_target must differ, got {self.real_target!r} for both")

    def real(self, scores: Scores) -> Scores:
        """Return ``(s - real_target)^2 / 2``."""
        return 0.5 * (widen(scores) - self.real_target).square()

    def fake(self, scores: Scores) -> Scores:
        """Return ``(s - fake_target)^2 / 2``."""
        return 0.5 * (widen(scores) - self.fake_target).square()

    def generator(self, scores: Scores) -> Scores:
        """Return ``(s - generator_target)^2 / 2``."""
        return 0.5 * (widen(scores) - self.generator_target).square()
