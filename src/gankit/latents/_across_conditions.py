"""Grids of pictures: one condition a row, one latent a column."""

import torch

from gankit._core import Latents, check_batch, check_floating


def across_conditions(latents: Latents, conditions: torch.Tensor) -> tuple[Latents, torch.Tensor]:
    """Pair every latent with every condition, so that rows of a grid differ in the condition alone.

    Picture ``row * len(latents) + column`` has condition ``row`` and latent ``column``. If columns look alike down the grid
    and change with the condition only, the generator keeps variety and condition apart; if columns look alike along a row, it
    ignores its latents.

    Args:
        latents: The columns.
        conditions: The rows: class ids, one-hot rows, vectors, anything with the condition on the first axis.

    Shape:
        `latents` ``(columns, features)`` and `conditions` ``(rows, ...)`` in; latents ``(rows * columns, features)`` and
        conditions ``(rows * columns, ...)`` out.

    Raises:
        ValueError: Either is no tensor or empty, or `latents` is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.latents import across_conditions, fixed_latents
        >>> latents, labels = across_conditions(fixed_latents(3, 100, seed=0), torch.tensor([5, 7]))
        >>> labels
        tensor([5, 5, 5, 7, 7, 7])
        >>> torch.equal(latents[0], latents[3])
        True

    Reference:
        Mirza and Osindero 2014, "Conditional Generative Adversarial Nets", figure 2 (rows by condition).
    """
    check_floating("latents", latents)
    check_batch("latents", latents)
    if not isinstance(conditions, torch.Tensor):
        raise ValueError(f"conditions must be a tensor, got {type(conditions).__name__}")
    check_batch("conditions", conditions)
    rows, columns = conditions.shape[0], latents.shape[0]
    return latents.repeat(rows, *(1,) * (latents.ndim - 1)), conditions.repeat_interleave(columns, dim=0)
