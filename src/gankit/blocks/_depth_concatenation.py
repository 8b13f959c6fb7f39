"""A condition joined to a map as further channels."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned, check_at_least
from gankit.blocks._maps import check_condition, check_maps
from gankit.blocks._spatial_replication import join_replicated


class DepthConcatenation(nn.Module, Conditioned):
    """Join the condition to a map: each of its entries becomes a constant channel behind the map's own.

    This is how text reaches the critic of GAN-CLS, and an attribute the generator of StarGAN. Let a 1 x 1 convolution
    follow, which compares picture and condition at every position. Behind a convolution without zero padding an instance
    norm would take the condition out again: it removes whatever is constant over a map.

    Args:
        condition_features: The length of the condition's vector, an embedder's `out_features`.

    Shape:
        - x: ``(n, channels, height, width)``.
        - condition: ``(n, condition_features)``, brought to the dtype of `x`.
        - result: ``(n, channels + condition_features, height, width)``, the map's channels first.

    Raises:
        ValueError: `condition_features` is below 1; `x` or `condition` has another shape, or `condition` is missing.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionedSequential, DepthConcatenation
        >>> end = ConditionedSequential(DepthConcatenation(128), torch.nn.Conv2d(512 + 128, 512, 1), torch.nn.LeakyReLU(0.2))
        >>> end(torch.randn(2, 512, 4, 4), torch.randn(2, 128)).shape
        torch.Size([2, 512, 4, 4])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (ICML), section 4.1: spatial replication and
        depth concatenation, where the map is 4 x 4. DCGAN's conditional programs join behind every layer of the critic.
    """

    def __init__(self, condition_features: int) -> None:
        super().__init__()
        check_at_least("condition_features", condition_features, 1)
        self.condition_features = condition_features

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:
        """Return `x` with the condition behind its channels."""
        check_maps("x", x, None)
        condition = check_condition(condition, x.shape[0], self.condition_features, whole_numbers=True)
        return join_replicated(x, condition)

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.condition_features}"
