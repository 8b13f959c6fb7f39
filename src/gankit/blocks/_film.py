"""Scale and shift each channel as the condition says."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least, check_batch, check_floating
from gankit.blocks._maps import check_condition


class FiLM(nn.Module, Conditioned):
    """Scale and shift each channel by amounts that the condition decides, without normalizing anything.

    ``(1 + gain(condition)) * x + shift(condition)``, `gain` and `shift` linear maps with bias that start at zero: at the
    start it returns its input, whatever the condition. It keeps samples apart and changes nothing with train or eval
    mode, so that it may stand in a critic under a gradient penalty, where `ConditionalBatchNorm2d` may not. Put it
    behind a norm of any kind, or behind none. (`gankit.constraints.spectral_norm_` refuses layers that are all zero, as
    these are at the start: call it on the other parts of such a critic.)

    Args:
        channels: The channels.
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - x: ``(n, channels)`` or ``(n, channels, ...)``, vectors or maps of any rank.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing.

    Example:
        >>> import torch
        >>> from gankit.blocks import FiLM
        >>> film = FiLM(5, 3)
        >>> x, condition = torch.randn(2, 5, 4, 4), torch.randn(2, 3)
        >>> film(x, condition).equal(x)
        True

    Reference:
        Perez et al. 2018, "FiLM: Visual Reasoning with a General Conditioning Layer" (AAAI), equation 2, with the gain
        as a change from 1 (their appendix). Behind an instance norm it is StyleGAN's AdaIN: `ConditionalInstanceNorm2d`
        is the two in one.
    """

    def __init__(self, channels: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        check_at_least("condition_features", condition_features, 1)
        self.channels = channels
        self.condition_features = condition_features
        self.gain = nn.Linear(condition_features, channels)
        self.shift = nn.Linear(condition_features, channels)
        for layer in (self.gain, self.shift):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` scaled and shifted."""
        check_floating("x", x)
        if x.ndim < 2 or x.shape[1] != self.channels:
            raise ValueError(f"x must have shape (n, {self.channels}, ...), got {tuple(x.shape)}")
        check_batch("x", x)
        condition = check_condition(condition, x.shape[0], self.condition_features)
        positions = (1,) * (x.ndim - 2)
        gain = self.gain(condition).unflatten(1, (self.channels, *positions))
        shift = self.shift(condition).unflatten(1, (self.channels, *positions))
        return x * (1 + gain) + shift
