"""The penalty of the steepest point."""

import torch

from gankit._core import Scalar, gather_whole_batch
from gankit.constraints._gradient_penalty import points_between
from gankit.constraints._points import PointCritic, PointsT, squared_norms
from gankit.constraints._score_gradient import gradient_at


def max_gradient_penalty(
    critic: PointCritic[PointsT],
    real: PointsT,
    fake: PointsT,
    *,
    mix: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Scalar:
    """Largest squared norm of the critic's gradient, between real and fake samples.

    The largest over the points of a batch stands for the critic's Lipschitz constant, which is thereby kept small rather than
    at a target. The points are those of `gradient_penalty`. Only the steepest point has a slope, so that small batches give a
    rough penalty. The largest is that of the whole batch: ranks share it (each returns the same value, and the mean of their
    gradients is right), and gradient accumulation, which would take those of its parts, is refused.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda. It must treat samples apart.
        real: Real samples: a tensor, or a mapping or tuple of them, as in `gradient_norm`.
        fake: Generated samples, of the same form and shapes. Both are cut from their graphs.
        mix: Share of the real sample at each point, as in `gradient_penalty`; drawn where None.
        rng: Where `mix` is drawn from, on the inputs' device; the default generator where None.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: Shapes differ, the batch is empty, `mix` has another shape or comes with `rng`, only a part of the batch is
            at hand, the critic ignores its input, or the call happens inside ``torch.inference_mode``.

    Example:
        >>> import torch
        >>> from gankit.constraints import max_gradient_penalty
        >>> slope = torch.tensor([3.0, 4.0])
        >>> max_gradient_penalty(lambda x: x @ slope, torch.randn(7, 2), torch.randn(7, 2)).item()
        25.0

    Reference:
        Zhou et al. 2019, "Lipschitz Generative Adversarial Nets", which penalizes the squared Lipschitz constant and takes the
        largest gradient among sampled points for it. StudioGAN computes the same, but on each rank by itself.
    """
    squares = squared_norms(gradient_at(critic, points_between(real, fake, mix, rng)))
    # The largest of each rank, which exists on all of them even where they hold unequal batches.
    largest, _ = gather_whole_batch(max_gradient_penalty.__name__, squares.amax().reshape(1))
    return largest.amax()
