"""The dtype in which losses and penalties are priced."""

from contextlib import AbstractContextManager, nullcontext

import torch

from gankit._core._checks import check_floating


def widen(values: torch.Tensor, name: str = "scores") -> torch.Tensor:
    """Return floating-point values in float32 or wider: half precision cannot hold their squares, sums and exponentials."""
    check_floating(name, values)
    return values.to(torch.promote_types(values.dtype, torch.float32))


def autocast_is_on(device_type: str) -> bool:
    """Say whether autocast is enabled for this device type; False for a type that has none, such as ``meta``."""
    return torch.amp.is_autocast_available(device_type) and torch.is_autocast_enabled(device_type)


def without_autocast(device_type: str) -> AbstractContextManager[object]:
    """Run what is inside in the dtypes that it is given, also where the caller asks for lower ones."""
    return torch.autocast(device_type, enabled=False) if autocast_is_on(device_type) else nullcontext()
