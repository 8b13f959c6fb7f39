"""Checks of vectors that come in."""

import torch

from gankit._core import check_batch, check_floating


def check_vectors(name: str, vectors: torch.Tensor, features: int) -> None:
    """Refuse what is no floating-point ``(n, features)`` with a sample at least."""
    check_floating(name, vectors)
    if vectors.ndim != 2 or vectors.shape[1] != features:
        raise ValueError(f"{name} must have shape (n, {features}), got {tuple(vectors.shape)}")
    check_batch(name, vectors)
