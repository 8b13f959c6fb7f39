"""The logistic objective: the original GAN, in terms of logits."""

from dataclasses import dataclass

from torch.nn import functional

from gankit._core import Scores
from gankit.losses._objective import widen


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """Cross-entropy of "real" against "generated"; scores are logits, so the critic ends without a sigmoid.

    Prices with ``softplus(s) = log(1 + exp(s))``: real ``softplus(-s)``, fake ``softplus(s)``; generator ``softplus(-s)``,
    or ``-softplus(s)`` where `saturating`. Finite for every finite score.

    Args:
        saturating: Give the generator the minimax price ``log(1 - sigmoid(s))``, whose slope vanishes where the critic is
            sure; the default is the non-saturating one that everybody trains with.

    Shape:
        Scores of any shape in, prices of that shape out; critic prices are 0 or more.

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, critic_loss
        >>> critic_loss(Logistic(), torch.zeros(5), torch.zeros(5))  # 2 log 2
        tensor(1.3863)

    Reference:
        Goodfellow et al. 2014, "Generative Adversarial Nets", equation 1 and the end of section 3.
    """

    saturating: bool = False

    def __post_init__(self) -> None:
        """Refuse a flag that is no bool."""
        if not isinstance(self.saturating, bool):
            raise ValueError(f"saturating must be True or False, got {self.saturating!r}")

    def real(self, scores: Scores) -> Scores:
        """Return ``softplus(-s)``, which is ``-log sigmoid(s)``."""
        return functional.softplus(-widen(scores))

    def fake(self, scores: Scores) -> Scores:
        """Return ``softplus(s)``, which is ``-log(1 - sigmoid(s))``."""
        return functional.softplus(widen(scores))

    def generator(self, scores: Scores) -> Scores:
        """Return ``softplus(-s)``, or ``-softplus(s)`` where saturating."""
        if self.saturating:
            return -functional.softplus(widen(scores))
        return functional.softplus(-widen(scores))
