"""The dtype in which losses and penalties are priced."""

from contextlib import AbstractContextManager, nullcontext

import torch


def widen(values: torch.Tensor) -> torch.Tensor:
    """Values in float32 or wider: squares and sums of them leave the range of half precision."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def without_autocast(device_type: str) -> AbstractContextManager[object]:
    """Run what is inside in the dtypes that it is given, also where the caller asks for lower ones."""
    return torch.autocast(device_type, enabled=False) if torch.is_autocast_enabled(device_type) else nullcontext()
