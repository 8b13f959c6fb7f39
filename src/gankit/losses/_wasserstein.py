"""The Wasserstein objective."""

from dataclasses import dataclass

from gankit._core import Scores
from gankit.losses._objective import widen


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasserstein:
    """The critic raises real scores and lowers fake ones without bound; the generator raises its own.

    Prices: real ``-s``, fake ``s``, generator ``-s``. The critic's loss is then minus the estimated distance (up to the
    critic's Lipschitz constant), so it needs a constraint: `gankit.constraints.gradient_penalty` or
    `gankit.constraints.clip_weights_`.

    Shape:
        Scores of any shape in, prices of that shape out, unbounded on both sides.

    Example:
        >>> import torch
        >>> from gankit.losses import Wasserstein, critic_loss, generator_loss
        >>> critic_loss(Wasserstein(), torch.tensor([3.0, 1.0]), torch.tensor([0.0, 1.0]))
        tensor(-1.5000)
        >>> generator_loss(Wasserstein(), torch.tensor([0.0, 1.0]))
        tensor(-0.5000)

    Reference:
        Arjovsky, Chintala and Bottou 2017, "Wasserstein GAN", algorithm 1. The published code trains the mirrored critic
        (real scores low, fake ones high); gankit keeps the paper's sign.
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
