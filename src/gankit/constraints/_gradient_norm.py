"""The length of the critic's gradient at each sample."""

from typing import Annotated

import torch

from gankit._core import Critic
from gankit.constraints._score_gradient import gradient_at


def gradient_norm(critic: Critic, points: torch.Tensor) -> Annotated[torch.Tensor, "(n,)"]:
    """Euclidean norm of the critic's gradient at each point, over all axes but the first; differentiable again.

    At a zero gradient the norm is 0 and its slope is 0, never NaN.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda.
        points: Where the gradient is taken. They are cut from the graph that made them.

    Shape:
        `points` ``(n, ...)`` of any rank; the norm ``(n,)``, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, points are not floating-point, the critic ignores its input, or the call happens
            inside ``torch.inference_mode``.

    Example:
        >>> import torch
        >>> from gankit.constraints import gradient_norm
        >>> slope = torch.tensor([3.0, 4.0])
        >>> gradient_norm(lambda x: x @ slope, torch.zeros(2, 2)).tolist()
        [5.0, 5.0]

    Under autocast the critic runs in autocast's dtype; the points, the gradient and the norm are float32.
    """
    return torch.linalg.vector_norm(gradient_at(critic, points).flatten(1), dim=1)
