"""What the networks of the default recipe share."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

SLOPE = 0.2
"""Of every leaky ReLU below zero."""


def channels_of(multiples: tuple[int, ...], width: int, stages: int) -> list[int]:
    """Return the channels of each stage, in multiples of the width; stages beyond the last multiple repeat it."""
    return [width * multiples[min(stage, len(multiples) - 1)] for stage in range(stages)]


def started(layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Initialize a layer by He's rule for leaky ReLU, biases with 0."""
    nn.init.kaiming_normal_(layer.weight, SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def without_autocast(like: torch.Tensor) -> AbstractContextManager[object]:
    """Return the context in which nothing on the tensor's device is computed in a lower precision."""
    kind = like.device.type
    return torch.autocast(kind, enabled=False) if torch.amp.is_autocast_available(kind) else nullcontext()


def widened(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor in float32, or in float64 if it is that."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
