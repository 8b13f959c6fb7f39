"""Instance normalization whose gain and shift depend on the condition."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least
from gankit.blocks._maps import check_condition, check_maps


class ConditionalInstanceNorm2d(nn.Module, Conditioned):
    """Normalize each map of each sample, then scale and shift it by amounts that the condition decides.

    ``(1 + gain(condition)) * normalized(x) + shift(condition)``, `gain` and `shift` linear maps without bias that start
    at zero: at the start it is a plain instance norm, whatever the condition. Statistics are the sample's own, in train
    and in eval mode alike, so that samples stay apart, the batch may have any size, and a gradient penalty may run
    through it.

    A normalized map has forgotten its mean: what a layer before adds to a whole map, such as a condition joined as
    constant maps through a convolution without zero padding, does not reach the other side.

    Args:
        num_features: The channels.
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - x: ``(n, num_features, height, width)``, of more than one position.
        - condition: ``(n, condition_features)``.
        - result: the shape of `x`.

    Raises:
        ValueError: A size is below 1; `x` or `condition` has another shape, or `condition` is missing; maps have one
            position only, which normalizing would turn to 0.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalInstanceNorm2d
        >>> norm = ConditionalInstanceNorm2d(5, 3)
        >>> norm(torch.randn(2, 5, 4, 4), torch.eye(3)[:2]).mean(dim=(2, 3)).abs().max() < 1e-6
        tensor(True)

    Reference:
        Dumoulin, Shlens and Kudlur 2017, "A Learned Representation for Artistic Style", equation 5; Huang and Belongie
        2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization", equation 8, and StyleGAN
        (Karras et al. 2019), equation 1, with the style's affine map as `gain` and `shift`. Dumoulin looks the gain
        itself up in a table. Epsilon is torch's 1e-5 (StyleGAN 1e-8).
    """

    def __init__(self, num_features: int, condition_features: int) -> None:
        super().__init__()
        check_at_least("num_features", num_features, 1)
        check_at_least("condition_features", condition_features, 1)
        self.num_features = num_features
        self.condition_features = condition_features
        # As many groups as channels is instance norm. torch's own layer gives up the channels-last layout.
        self.normalize = nn.GroupNorm(num_features, num_features, affine=False)
        self.gain = nn.Linear(condition_features, num_features, bias=False)
        self.shift = nn.Linear(condition_features, num_features, bias=False)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.shift.weight)

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` normalized, scaled and shifted."""
        check_maps("x", x, self.num_features)
        if x.shape[2] * x.shape[3] == 1:
            raise ValueError(f"x must have more than one position to be normalized over, got {tuple(x.shape)}")
        condition = check_condition(condition, x.shape[0], self.condition_features)
        gain = self.gain(condition)[:, :, None, None]
        shift = self.shift(condition)[:, :, None, None]
        return self.normalize(x) * (1 + gain) + shift
