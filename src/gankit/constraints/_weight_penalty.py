"""The sum of squared weights, for chosen weights."""

from collections.abc import Iterable

import torch

from gankit._core import Scalar, check_batch, check_floating, widen


def weight_penalty(weights: torch.Tensor | Iterable[torch.Tensor]) -> Scalar:
    """Sum of the squares of one or several weights.

    Multiply by beta yourself: the slope is then ``2 * beta * weight``, and only these weights have it, where an optimizer's
    weight decay would reach every parameter of its group. A slice limits it further: with a projection of
    ``(out, condition + noise)`` columns, ``weight_penalty(projection.weight[:, :condition])`` leaves the noise alone.

    Args:
        weights: A tensor, or several: a list, or ``network.parameters()``.

    Shape:
        Weights of any shape; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: There is no weight, one is empty, or one is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.constraints import weight_penalty
        >>> weight_penalty([torch.tensor([[1.0, 2.0]]), torch.tensor([2.0])])
        tensor(9.)

    Reference:
        Krogh and Hertz 1991, "A Simple Weight Decay Can Improve Generalization", without its 1/2, which TensorFlow's
        ``l2_loss`` keeps. compare_gan takes the mean over layers of that half.
    """
    return torch.stack([weight.square().sum() for weight in wide_weights(weights)]).sum()


def wide_weights(weights: torch.Tensor | Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return the weights as a checked list, in float32 or wider."""
    several = [weights] if isinstance(weights, torch.Tensor) else list(weights)
    if not several:
        raise ValueError("weights must hold at least one tensor, got none: was an iterator used up before?")
    for position, weight in enumerate(several):
        name = "weights" if isinstance(weights, torch.Tensor) else f"weights[{position}]"
        check_floating(name, weight)
        check_batch(name, weight)
    return [widen(weight) for weight in several]
