"""The gradient penalty of WGAN-GP."""

import torch

from gankit._core import Scalar
from gankit.constraints._excess import check_target, mean_squared_excess
from gankit.constraints._gradient_norm import gradient_norm
from gankit.constraints._points import (
    PointCritic,
    PointsT,
    along,
    check_same_points,
    map_points,
    share_of_each_sample,
)


def gradient_penalty(
    critic: PointCritic[PointsT],
    real: PointsT,
    fake: PointsT,
    *,
    target: float = 1.0,
    one_sided: bool = False,
    mix: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Scalar:
    """Mean squared distance of the critic's gradient norm from `target`, between real and fake samples.

    The gradient is taken at ``mix * real + (1 - mix) * fake``, with one share for each sample. Multiply by the weight
    yourself (the paper's is 10) and add it to the critic's loss, so that one backward pass serves both.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda. It must treat samples apart, so no batch
            normalization.
        real: Real samples: a tensor, or a mapping or tuple of them, as in `gradient_norm`.
        fake: Generated samples, of the same form and shapes. Both are cut from their graphs.
        target: The norm to hold, 0 or more.
        one_sided: Price only norms above the target.
        mix: Share of the real sample at each point, ``(n, 1, ..., 1)``, or ``(n,)`` where samples have several parts, which
            then share it; drawn as ``torch.rand`` of that shape in the inputs' dtype where None.
        rng: Where `mix` is drawn from, on the inputs' device; the default generator where None.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: Shapes differ, the batch is empty, `mix` has another shape or comes with `rng`, `target` is negative,
            the critic ignores its input or is compiled by itself, or the call happens inside ``torch.inference_mode``.

    Warns:
        UserWarning: As in `gradient_norm`: the critic couples the samples, or changes values in place before a shortcut.

    Example:
        >>> import torch
        >>> from gankit.constraints import gradient_penalty
        >>> slope = torch.tensor([3.0, 4.0])  # a linear critic's gradient has norm 5 everywhere
        >>> gradient_penalty(lambda x: x @ slope, torch.randn(7, 2), torch.randn(7, 2)).item()
        16.0

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", equation 3 and algorithm 1. Well-known libraries take
        one norm over the whole batch (torchgan), one per pixel (mmgeneration's default) or one share for the whole batch;
        TF-GAN draws the share of the *fake* sample, which is equal in law, not per draw.
    """
    check_target(target)
    points = points_between(real, fake, mix, rng)
    return mean_squared_excess(gradient_norm(critic, points), target, one_sided=one_sided)


def points_between(real: PointsT, fake: PointsT, mix: torch.Tensor | None, rng: torch.Generator | None) -> PointsT:
    """Return ``mix * real + (1 - mix) * fake``, cut from both graphs, with one share a sample."""
    check_same_points("fake", fake, "real", real)
    shares = share_of_each_sample(mix, rng, real, fake)

    def between(real_part: torch.Tensor, fake_part: torch.Tensor) -> torch.Tensor:
        share = along(shares, real_part, fake_part)
        return share * real_part.detach() + (1 - share) * fake_part.detach()

    return map_points(between, real, fake)
