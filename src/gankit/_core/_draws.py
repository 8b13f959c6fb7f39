"""Random draws that name where their randomness comes from."""

from collections.abc import Sequence

import torch


def uniform_like(tensor: torch.Tensor, shape: Sequence[int], rng: torch.Generator | None) -> torch.Tensor:
    """Draw ``torch.rand(shape)`` in the tensor's dtype, on its device.

    The draw comes from `rng`, or from the device's default generator where `rng` is None; in the first case the global
    random state stays as it was.
    """
    return torch.rand(tuple(shape), generator=rng, dtype=tensor.dtype, device=tensor.device)
