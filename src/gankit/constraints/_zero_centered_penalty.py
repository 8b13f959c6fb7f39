"""The zero-centered penalty: R1 on real samples, R2 on fake ones."""

from gankit._core import Scalar
from gankit.constraints._points import PointCritic, PointsT, check_points, squared_norms
from gankit.constraints._score_gradient import gradient_at


def zero_centered_penalty(critic: PointCritic[PointsT], samples: PointsT) -> Scalar:
    """Mean squared norm of the critic's gradient at the samples.

    On real samples it is R1, on generated ones R2. Multiply by ``gamma / 2`` yourself.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda.
        samples: Where the gradient is taken: a tensor, or a mapping or tuple of them, as in `gradient_norm`. They are cut
            from the graph that made them.

    Shape:
        `samples` ``(n, ...)`` of any rank, each part; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, samples are not floating-point, the critic ignores its input or is compiled by
            itself, or the call happens inside ``torch.inference_mode``.

    Warns:
        UserWarning: As in `gradient_norm`: the critic couples the samples, or changes values in place before a shortcut.

    Example:
        >>> import torch
        >>> from gankit.constraints import zero_centered_penalty
        >>> gamma, slope = 0.5, torch.tensor([3.0, 4.0])
        >>> (0.5 * gamma * zero_centered_penalty(lambda x: x @ slope, torch.randn(7, 2))).item()
        6.25

    Reference:
        Mescheder, Geiger and Nowozin 2018, "Which Training Methods for GANs do actually Converge?", equation 9 (R1) and 10
        (R2), with gamma / 2. Their published code has no 1/2: its regularization parameter 10 is gamma 20 here.
    """
    check_points("samples", samples)
    return squared_norms(gradient_at(critic, samples)).mean()
