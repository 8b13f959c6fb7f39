"""Lazy use of a penalty: at every k-th step only, with k times the weight."""

from dataclasses import dataclass

from gankit._core import check_at_least, check_finite, check_positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Lazy:
    r"""The weight of a penalty that is computed at every k-th step only: k at those steps, 0 at the others.

    .. math:: w(t) = \begin{cases} k & t \bmod k = 0 \\ 0 & \text{else} \end{cases} \qquad k = \text{every}

    This is lazy regularization. The mean weight over the steps is 1, so that the weight of the penalty keeps its meaning.
    Skip the penalty if the weight is 0, otherwise no time is saved::

        if weight := lazy(t):
            terms["penalty"] = weight * 0.5 * gamma * zero_centered_penalty(critic, real)

    With `gankit.training.Update` make two updates on one optimizer, one of them with the penalty, and choose one at each step:
    terms read no Python value that changes. Loss and penalty are then one backward pass.

    Added to the critic's loss like this, the penalty has no optimizer step of its own, and the optimizer needs no correction.
    StyleGAN2 gives it one, which makes k + 1 steps in k rounds, and corrects the optimizer by `learning_rate` and `betas`; a
    penalty alone leaves the last bias without a gradient, which data-parallel wrappers do not accept.

    Args:
        every: Number of steps from one penalty to the next, 1 or more; StyleGAN2's is 16.

    Raises:
        ValueError: `every` is not a whole number above 0; or, at a call, the time is negative or not a whole number.

    Example:
        >>> from gankit.constraints import Lazy
        >>> lazy = Lazy(every=4)
        >>> [lazy(t) for t in range(6)]
        [4.0, 0.0, 0.0, 0.0, 4.0, 0.0]

    Reference:
        Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958), section 3.1 and
        appendix B. The authors' programs combine `every` and the 1/2 of R1 in one number, and count from the first
        step, as here.
    """

    every: int

    def __post_init__(self) -> None:
        """Check the number of steps."""
        check_at_least("every", self.every, 1)

    def __call__(self, t: int) -> float:
        """Return the weight at time `t`, which counts from 0 the steps that could have the penalty."""
        check_at_least("t", t, 0)
        return 0.0 if t % self.every else float(self.every)

    def learning_rate(self, learning_rate: float) -> float:
        """Return ``learning_rate * k / (k + 1)``, for a penalty with an optimizer step of its own.

        Raises:
            ValueError: The rate is not a finite number above 0.

        Example:
            >>> from gankit.constraints import Lazy
            >>> Lazy(every=4).learning_rate(0.0025)
            0.002
        """
        check_positive("learning_rate", learning_rate)
        return learning_rate * self._share

    def betas(self, betas: tuple[float, float]) -> tuple[float, float]:
        """Return each decay to the power ``k / (k + 1)``, for a penalty with an optimizer step of its own.

        The averages of Adam then cover as many rounds as without the additional steps.

        Raises:
            ValueError: There are not two decays, or one is not from 0 to below 1.

        Example:
            >>> from gankit.constraints import Lazy
            >>> [round(beta, 4) for beta in Lazy(every=16).betas((0.0, 0.99))]
            [0.0, 0.9906]
        """
        if len(betas) != 2:
            raise ValueError(f"betas must be two decays, got {betas!r}")
        for beta in betas:
            check_finite("betas", beta)
            if not 0 <= beta < 1:
                raise ValueError(f"betas must lie in 0..1 and below 1, got {betas!r}")
        return betas[0] ** self._share, betas[1] ** self._share

    @property
    def _share(self) -> float:
        return self.every / (self.every + 1)
