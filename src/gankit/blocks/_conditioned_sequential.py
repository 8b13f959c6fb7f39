"""Layers in a row, some of which take the condition."""

import torch
from torch import nn

from gankit._core import Condition, Conditioned


class ConditionedSequential(nn.Sequential, Conditioned):
    """Call layers one after the other and hand the condition to those that take it.

    As ``nn.Sequential``, except that a layer which derives from `Conditioned` is called with ``(x, condition)``. Such a
    row is conditioned itself, so rows nest.

    Args:
        *layers: The layers, in order, or one ordered dictionary of them.

    Shape:
        - x: whatever the first layer takes.
        - condition: ``(n, condition_features)``, or None where no layer depends on it.

    Raises:
        ValueError: A layer needs the condition and gets None.

    Example:
        >>> import torch
        >>> from gankit.blocks import ConditionalBatchNorm2d, ConditionedSequential
        >>> row = ConditionedSequential(torch.nn.Conv2d(3, 5, 1), ConditionalBatchNorm2d(5, 7), torch.nn.ReLU())
        >>> row(torch.randn(2, 3, 4, 4), torch.randn(2, 7)).shape
        torch.Size([2, 5, 4, 4])
    """

    def forward(self, x: torch.Tensor, condition: Condition | None = None) -> torch.Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return what the last layer makes of `x`."""
        for layer in self:
            x = call_layer(layer, x, condition)
        return x


def call_layer(layer: nn.Module, x: torch.Tensor, condition: Condition | None) -> torch.Tensor:
    """Call a layer, with the condition if it is marked as taking one."""
    return layer(x, condition) if isinstance(layer, Conditioned) else layer(x)
