"""The dtype in which penalties are priced."""

import torch


def widen(values: torch.Tensor) -> torch.Tensor:
    """Values in float32 or wider: squares and sums of them leave the range of half precision."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
