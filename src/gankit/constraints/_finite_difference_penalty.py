"""The finite-difference penalty of adversarial post-training, also called approximated R1."""

import torch

from gankit._core import Scalar, autocast_is_on, check_positive, random_tensor, widen, without_autocast
from gankit.constraints._consistency_penalty import consistency_penalty
from gankit.constraints._points import (
    PointCritic,
    Points,
    PointsT,
    check_points,
    check_same_points,
    map_points,
    parts_of,
)


def finite_difference_penalty(
    critic: PointCritic[PointsT],
    samples: PointsT,
    *,
    scale: float = 0.01,
    noise: Points | None = None,
    rng: torch.Generator | None = None,
) -> Scalar:
    """Mean squared change of the critic's scores under small normal noise: ``mean((D(x) - D(x + scale * noise)) ** 2)``.

    **It is not R1.** No gradient of the critic is taken, so that no double backward is needed: the critic may be compiled
    alone, use fused attention or be sharded. The price:

    - For small noise it is, on average, ``scale ** 2`` times `zero_centered_penalty`: the authors' weight 100 at scale 0.01 is
      a weight of 0.01, a gamma of 0.02, there.
    - One draw sees the slope along one random direction: for each sample the standard deviation from draw to draw is
      ``sqrt(2)`` times the mean.
    - It also prices what R1 does not: curvature, and kinks nearer than the noise reaches.
    - A map of scores pays the mean of squared changes of its scores, where the gradient is that of their sum.

    The difference of two nearly equal scores is lost to rounding in half precision. The critic therefore runs without
    autocast here; give it float32 weights. Where the scores of the samples exist already,
    ``consistency_penalty(scores, critic(samples + scale * noise))`` saves a pass.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda. It is called twice and must treat samples
            apart: batch normalization would see two different batches.
        samples: Where the change is taken, usually real samples: a tensor, or a mapping or tuple of them. They are cut from
            their graphs.
        scale: Standard deviation of the noise, above 0: the authors' is 0.01 for images and 0.1 for video.
        noise: Normal numbers, of the form and shapes of `samples`; drawn as ``torch.randn`` where None.
        rng: Where `noise` is drawn from, on the samples' device; the default generator where None.

    Shape:
        `samples` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, samples are not floating-point, `scale` is not above 0, or `noise` has another shape or
            comes with `rng`.

    Example:
        >>> import torch
        >>> from gankit.constraints import finite_difference_penalty
        >>> slope, noise = torch.tensor([3.0, 4.0]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> penalty = finite_difference_penalty(lambda x: x @ slope, torch.zeros(2, 2), scale=0.1, noise=noise)
        >>> round(penalty.item(), 6)  # ((0.1 * 3)² + (0.1 * 4)²) / 2
        0.125

    Reference:
        Lin et al. 2025, "Diffusion Adversarial Post-Training for One-Step Video Generation" (Seaweed-APT), section 3.4
        ("approximated R1", weight 100). Its successors take it on generated samples too.
    """
    check_positive("scale", scale)
    check_points("samples", samples)
    if noise is None:
        noise = map_points(lambda part: _normal_like(part, rng), samples)
    elif rng is not None:
        raise ValueError("noise and rng must not both be given: given noise leaves nothing to draw")
    else:
        check_same_points("noise", noise, "samples", samples)
    device = parts_of(samples)[0].device.type
    lowered = autocast_is_on(device)
    still = map_points(lambda part: widen(part.detach()) if lowered else part.detach(), samples)
    moved = map_points(lambda part, draw: part + scale * draw.detach().to(part.dtype), still, noise)
    with without_autocast(device):
        return consistency_penalty(critic(still), critic(moved))


def _normal_like(part: torch.Tensor, rng: torch.Generator | None) -> torch.Tensor:
    return random_tensor(torch.randn, part.shape, rng, dtype=part.dtype, device=part.device)
