"""Penalties on weights themselves: the sum of their squares, and the distance of their rows from orthogonal ones."""

from collections.abc import Iterable

import torch

from gankit._core import Scalar, check_batch, check_floating, widen, without_autocast


def weight_penalty(weights: torch.Tensor | Iterable[torch.Tensor]) -> Scalar:
    r"""Sum of the squares of one or several weights.

    .. math:: \sum_i w_i^2

    An L2 penalty. Multiply by its weight beta yourself: the gradient is then ``2 * beta * weight``, for these weights only,
    while the weight decay of an optimizer applies to every parameter of its group. A slice limits it further: for a
    projection of ``(out, condition + noise)`` columns, ``weight_penalty(projection.weight[:, :condition])`` leaves out the
    noise.

    Args:
        weights: A tensor, or several: a list, or ``network.parameters()``.

    Shape:
        Weights of any shape; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: No weight is given, one is empty, or one is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.constraints import weight_penalty
        >>> weight_penalty([torch.tensor([[1.0, 2.0]]), torch.tensor([2.0])])
        tensor(9.)

    Reference:
        Krogh and Hertz 1991, "A Simple Weight Decay Can Improve Generalization"
        (https://proceedings.neurips.cc/paper/1991/hash/8eefcfdf5990e441f0fb6f3fad709e21-Abstract.html), without its
        1/2, which TensorFlow's ``l2_loss`` keeps. compare_gan takes the mean over layers of that half.
    """
    return torch.stack([weight.square().sum() for weight in _wide_weights(weights)]).sum()


def orthogonal_penalty(weights: torch.Tensor | Iterable[torch.Tensor], *, include_diagonal: bool = False) -> Scalar:
    r"""Orthogonal regularization: the sum of the squared entries of ``W Wᵀ`` off its diagonal, over the given weights.

    .. math:: \sum_{i \ne j} (W W^\top)_{ij}^2, \qquad \text{or } \lVert W W^\top - I \rVert_F^2 \text{ with the diagonal}

    W has one row for each output of the layer. The penalty is 0 if the rows are orthogonal to each other, for any lengths;
    with the diagonal, only if they also have length 1. A layer with more outputs than inputs cannot reach 0. Multiply by the
    weight yourself: BigGAN's is 1e-4, on every weight of the generator except the shared class embedding.

    Args:
        weights: A tensor, or several, each with 2 axes or more; biases and gains are refused, so leave them out.
        include_diagonal: Compare with the identity: the sum of squares of ``W Wᵀ - I``.

    Shape:
        Each weight ``(out, ...)``, flattened to ``(out, inputs)``; transposed convolutions have their inputs first, so for
        them the rows are the inputs. The penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: No weight is given, one has fewer than 2 axes, is empty, or is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.constraints import orthogonal_penalty
        >>> rows = torch.tensor([[3.0, 0.0], [1.0, 1.0]])
        >>> orthogonal_penalty(rows)  # 3² twice
        tensor(18.)
        >>> orthogonal_penalty(rows, include_diagonal=True)  # and (9 - 1)² + (2 - 1)²
        tensor(83.)

    Reference:
        Brock, Donahue and Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis" (BigGAN,
        arXiv:1809.11096), equation 3, and 2 with the diagonal. The authors' PyTorch program adds 2 (W Wᵀ off the
        diagonal) W to the gradient, half of the gradient of equation 3: its strength 1e-4 is a weight of 5e-5 here.
        Brock et al. 2017, "Neural Photo Editing with Introspective Adversarial Networks" (arXiv:1609.07093), where the
        form with the diagonal comes from, sums absolute values.
    """
    several = _wide_weights(weights)
    for weight in several:
        if weight.ndim < 2:
            raise ValueError(
                f"weights must each have 2 axes or more, got shape {tuple(weight.shape)}: leave biases and gains out"
            )
    return torch.stack([_departure(weight.flatten(1), include_diagonal=include_diagonal) for weight in several]).sum()


def _wide_weights(weights: torch.Tensor | Iterable[torch.Tensor]) -> list[torch.Tensor]:
    several = [weights] if isinstance(weights, torch.Tensor) else list(weights)
    if not several:
        raise ValueError("weights must hold at least one tensor, got none: was an iterator used up before?")
    for position, weight in enumerate(several):
        name = "weights" if isinstance(weights, torch.Tensor) else f"weights[{position}]"
        check_floating(name, weight)
        check_batch(name, weight)
    return [widen(weight) for weight in several]


def _departure(rows: torch.Tensor, *, include_diagonal: bool) -> Scalar:
    with without_autocast(rows.device.type):  # it would round away small differences from 0 and 1
        gram = rows @ rows.T
    lengths = gram.diagonal()
    departure = (gram - lengths.diag()).square().sum()
    return departure + (lengths - 1).square().sum() if include_diagonal else departure
