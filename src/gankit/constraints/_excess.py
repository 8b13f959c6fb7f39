"""What a gradient norm costs that departs from its target."""

import torch

from gankit._core import Scalar, check_finite


def check_target(target: float) -> None:
    """Refuse a target that no norm can have."""
    check_finite("target", target)
    if target < 0:
        raise ValueError(f"target must be 0 or more, got {target!r}")


def mean_squared_excess(norms: torch.Tensor, target: float, *, one_sided: bool) -> Scalar:
    """Mean squared distance of norms from the target, or of the part above it."""
    excess = norms - target
    if one_sided:
        excess = torch.relu(excess)
    return excess.square().mean()
