"""Orthogonal regularization."""

from collections.abc import Iterable

import torch

from gankit._core import Scalar, without_autocast
from gankit.constraints._weight_penalty import wide_weights


def orthogonal_penalty(weights: torch.Tensor | Iterable[torch.Tensor], *, include_diagonal: bool = False) -> Scalar:
    """Sum of the squared entries of ``W Wᵀ`` off its diagonal, over the given weights.

    W holds one row for each output of the layer. The penalty is 0 where rows are orthogonal to one another, whatever their
    lengths; with the diagonal, only where they also have length 1. A layer of more outputs than inputs cannot reach 0.
    Multiply by the weight yourself: BigGAN's is 1e-4, on every weight of the generator but the shared class embedding.

    Args:
        weights: A tensor, or several, each of 2 axes or more: select them, for biases and gains are refused.
        include_diagonal: Compare with the identity: the sum of squares of ``W Wᵀ - I``.

    Shape:
        Each weight ``(out, ...)``, flattened to ``(out, inputs)``; transposed convolutions hold their inputs first, so that
        theirs are the rows. The penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: There is no weight, one has fewer than 2 axes, is empty, or is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.constraints import orthogonal_penalty
        >>> rows = torch.tensor([[3.0, 0.0], [1.0, 1.0]])
        >>> orthogonal_penalty(rows)  # 3² twice
        tensor(18.)
        >>> orthogonal_penalty(rows, include_diagonal=True)  # and (9 - 1)² + (2 - 1)²
        tensor(83.)

    Reference:
        Brock, Donahue and Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (BigGAN),
        equation 3, and 2 with the diagonal. The authors' PyTorch program adds 2 (W Wᵀ off the diagonal) W to the gradient,
        half of the slope of equation 3: its strength 1e-4 is a weight of 5e-5 here. Brock et al. 2017, "Neural Photo Editing
        with Introspective Adversarial Networks", where the form with the diagonal comes from, sums absolute values.
    """
    several = wide_weights(weights)
    for weight in several:
        if weight.ndim < 2:
            raise ValueError(
                f"weights must each have 2 axes or more, got shape {tuple(weight.shape)}: leave biases and gains out"
            )
    return torch.stack([_departure(weight.flatten(1), include_diagonal=include_diagonal) for weight in several]).sum()


def _departure(rows: torch.Tensor, *, include_diagonal: bool) -> Scalar:
    with without_autocast(rows.device.type):  # small differences from 0 and 1 are what is priced
        gram = rows @ rows.T
    lengths = gram.diagonal()
    departure = (gram - lengths.diag()).square().sum()
    return departure + (lengths - 1).square().sum() if include_diagonal else departure
