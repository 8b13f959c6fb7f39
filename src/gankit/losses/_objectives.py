"""Objectives: the loss of one score, elementwise, and the contract that they share."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch.nn import functional

from gankit._core import Scores, check_finite, widen


@runtime_checkable
class Objective(Protocol):
    """The per-score loss: of the critic for a real sample, of the critic for a generated one, and of the generator.

    Each method is elementwise on one tensor of any shape and returns costs of that shape in float32 or wider. Any object
    with these three methods is an objective; a base class is not needed. The losses of a batch, such as
    `gankit.losses.critic_loss`, are means of these costs. They give it scores in float32 or wider, and refuse costs of
    another shape or in half precision.

    Example:
        >>> import torch
        >>> from gankit.losses import Objective, critic_loss
        >>> class Absolute:
        ...     def real(self, scores):
        ...         return (scores - 1).abs()
        ...     def fake(self, scores):
        ...         return scores.abs()
        ...     def generator(self, scores):
        ...         return (scores - 1).abs()
        >>> isinstance(Absolute(), Objective)
        True
        >>> critic_loss(Absolute(), torch.ones(2), torch.zeros(2))
        tensor(0.)
    """

    def real(self, scores: Scores) -> Scores:
        """Cost to the critic of these scores on real samples."""
        ...

    def fake(self, scores: Scores) -> Scores:
        """Cost to the critic of these scores on generated samples."""
        ...

    def generator(self, scores: Scores) -> Scores:
        """Cost to the generator of these scores on its own samples."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasserstein:
    r"""The objective of WGAN: the critic raises real scores and lowers fake ones, the generator raises those of its samples.

    .. math:: \ell_{\text{real}}(s) = -s, \qquad \ell_{\text{fake}}(s) = s, \qquad \ell_{\text{generator}}(s) = -s

    The costs have no bound. The critic's loss is then minus the estimated distance (up to the critic's Lipschitz constant),
    so it needs a constraint: `gankit.constraints.gradient_penalty` or `gankit.constraints.clip_weights_`.

    Shape:
        Floating-point scores of any shape in (else ``ValueError``), costs of that shape out, unbounded in both directions.

    Example:
        >>> import torch
        >>> from gankit.losses import Wasserstein, critic_loss, generator_loss
        >>> critic_loss(Wasserstein(), torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0]))
        tensor(-1.5000)
        >>> generator_loss(Wasserstein(), torch.tensor([0.0, 1.0]))
        tensor(-0.5000)

    Reference:
        Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN" (arXiv:1701.07875), algorithm 1. The published code trains
        the mirrored critic (real scores low, fake ones high); gankit keeps the paper's sign.
    """

    def real(self, scores: Scores) -> Scores:
        """Return ``-s``."""
        return -widen(scores)

    def fake(self, scores: Scores) -> Scores:
        """Return ``s``."""
        return widen(scores)

    def generator(self, scores: Scores) -> Scores:
        """Return ``-s``."""
        return -widen(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    r"""Binary cross-entropy (BCE) with logits, of the original GAN: the critic ends without a sigmoid.

    .. math::

        \ell_{\text{real}}(s) = \operatorname{softplus}(-s), \qquad \ell_{\text{fake}}(s) = \operatorname{softplus}(s), \qquad
        \ell_{\text{generator}}(s) = \operatorname{softplus}(-s), \qquad \operatorname{softplus}(s) = \log(1 + e^s)

    That is ``-log(sigmoid(s))``, ``-log(1 - sigmoid(s))`` and ``-log(sigmoid(s))``, as ``torch.nn.BCEWithLogitsLoss`` has with
    targets 1, 0 and 1. Costs are finite for every finite score.

    Args:
        saturating: Use the minimax cost ``log(1 - sigmoid(s))`` for the generator, whose gradient vanishes where the critic
            is sure. Default: the non-saturating cost, which nearly all programs train with.

    Shape:
        Floating-point scores of any shape in (else ``ValueError``), costs of that shape out; the critic's costs are 0 or more.

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, critic_loss
        >>> critic_loss(Logistic(), torch.zeros(5), torch.zeros(5))  # 2 log 2
        tensor(1.3863)

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets" (arXiv:1406.2661), equation 1 and the end of section 3.
    """

    saturating: bool = False

    def __post_init__(self) -> None:
        """Check the flag."""
        if not isinstance(self.saturating, bool):
            raise ValueError(f"saturating must be True or False, got {self.saturating!r}")

    def real(self, scores: Scores) -> Scores:
        """Return ``softplus(-s)``, which is ``-log sigmoid(s)``."""
        return functional.softplus(-widen(scores))

    def fake(self, scores: Scores) -> Scores:
        """Return ``softplus(s)``, which is ``-log(1 - sigmoid(s))``."""
        return functional.softplus(widen(scores))

    def generator(self, scores: Scores) -> Scores:
        """Return ``softplus(-s)``, or ``-softplus(s)`` if saturating."""
        if self.saturating:
            return -functional.softplus(widen(scores))
        return functional.softplus(-widen(scores))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hinge:
    r"""The hinge loss: the critic's gradient is zero for real scores above 1 and for fake scores below -1.

    .. math::

        \ell_{\text{real}}(s) = \max(0, 1 - s), \qquad \ell_{\text{fake}}(s) = \max(0, 1 + s), \qquad
        \ell_{\text{generator}}(s) = -s

    Shape:
        Floating-point scores of any shape in (else ``ValueError``), costs of that shape out; the critic's costs are 0 or more.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, critic_loss
        >>> critic_loss(Hinge(), torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.0]))
        tensor(1.)

    Reference:
        Lim and Ye 2017, "Geometric GAN" (arXiv:1705.02894); Miyato et al. 2018, "Spectral Normalization for GANs"
        (arXiv:1802.05957), equations 16 and 17.
    """

    def real(self, scores: Scores) -> Scores:
        """Return ``max(0, 1 - s)``."""
        return functional.relu(1 - widen(scores))

    def fake(self, scores: Scores) -> Scores:
        """Return ``max(0, 1 + s)``."""
        return functional.relu(1 + widen(scores))

    def generator(self, scores: Scores) -> Scores:
        """Return ``-s``, without a margin."""
        return -widen(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquares:
    r"""The objective of LSGAN: half the squared difference of a score from its target.

    .. math::

        \ell_{\text{real}}(s) = \frac{1}{2} (s - b)^2, \qquad \ell_{\text{fake}}(s) = \frac{1}{2} (s - a)^2, \qquad
        \ell_{\text{generator}}(s) = \frac{1}{2} (s - c)^2

    Args:
        real_target: Target of the critic for real scores (the paper's b).
        fake_target: Target of the critic for fake scores (the paper's a).
        generator_target: Target of the generator for the scores of its samples (the paper's c).

    Shape:
        Floating-point scores of any shape in (else ``ValueError``), costs of that shape out; 0 or more.

    Raises:
        ValueError: A target is not a finite number, or the critic's two targets are equal.

    Example:
        >>> import torch
        >>> from gankit.losses import LeastSquares, critic_loss
        >>> critic_loss(LeastSquares(), torch.ones(3), torch.ones(3))
        tensor(0.5000)

    Reference:
        Mao et al. 2017, "Least Squares Generative Adversarial Networks" (arXiv:1611.04076), equations 2 and 9; the
        defaults are its 0-1 coding. The factor 1/2 is the paper's; several libraries leave it out for one of the two
        networks.
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
