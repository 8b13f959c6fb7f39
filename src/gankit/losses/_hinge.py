"""The hinge objective."""

from dataclasses import dataclass

from torch.nn import functional

from gankit._core import Scores
from gankit.losses._objective import widen


@dataclass(frozen=True, slots=True, kw_only=True)
class Hinge:
    """The critic stops caring once real scores are above 1 and fake ones below -1.

    Prices: real ``max(0, 1 - s)``, fake ``max(0, 1 + s)``, generator ``-s``. The two critic parts are added, not halved.

    Shape:
        Scores of any shape in, prices of that shape out; critic prices are 0 or more.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, critic_loss
        >>> critic_loss(Hinge(), torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.0]))
        tensor(1.)

    Reference:
        Lim and Ye 2017, "Geometric GAN"; Miyato et al. 2018, "Spectral Normalization for GANs", equations 16 and 17.
    """

    def real(self, scores: Scores) -> Scores:
        """Return ``max(0, 1 - s)``."""
        return functional.relu(1 - widen(scores))

    def fake(self, scores: Scores) -> Scores:
        """Return ``max(0, 1 + s)``."""
        return functional.relu(1 + widen(scores))

    def generator(self, scores: Scores) -> Scores:
        """Return ``-s``."""
        return -widen(scores)
