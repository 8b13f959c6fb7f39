"""The length of the critic's gradient at each sample."""

from typing import Annotated

import torch

from gankit.constraints._points import PointCritic, PointsT, norms
from gankit.constraints._score_gradient import gradient_at


def gradient_norm(critic: PointCritic[PointsT], points: PointsT) -> Annotated[torch.Tensor, "(n,)"]:
    """Euclidean norm of the critic's gradient at each point, over all axes but the first; differentiable again.

    Where a sample has several parts (an image and a mask, a text), give them in a mapping or a tuple: the critic is called
    with one argument of that form, and the norm is that of all parts together. What is not to be differentiated is bound
    by a lambda.

    At a zero gradient the norm is 0 and its slope is 0, never NaN.

    This call and every penalty made of it look at the first eager call of each critic, which costs nothing afterwards.
    Attention runs in torch's plain form there, since the fused ones cannot be differentiated twice.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda.
        points: Where the gradient is taken: a tensor, or a mapping (which reaches the critic as a dict) or tuple of them.
            They are cut from the graph that made them.

    Shape:
        `points` ``(n, ...)`` of any rank, each part; the norm ``(n,)``, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, a part is not floating-point or holds another number of samples, the critic ignores
            its input or one of its parts, it returns one number for several samples, it is compiled by itself (compile
            the whole step instead), or the call happens inside ``torch.inference_mode``.

    Warns:
        UserWarning: The critic has batch normalization in training mode, which couples the samples; or a module with a
            shortcut in it may read values that an activation changed in place.

    Example:
        >>> import torch
        >>> from gankit.constraints import gradient_norm
        >>> slope = torch.tensor([3.0, 4.0])
        >>> gradient_norm(lambda x: x @ slope, torch.zeros(2, 2)).tolist()
        [5.0, 5.0]
        >>> pairs = {"image": torch.zeros(2, 2), "text": torch.zeros(2, 1)}
        >>> gradient_norm(lambda x: x["image"] @ slope + 12.0 * x["text"].sum(1), pairs).tolist()
        [13.0, 13.0]

    Under autocast the critic runs in autocast's dtype; the points, the gradient and the norm are float32.
    """
    return norms(gradient_at(critic, points))
