"""Penalties on the difference between two scores of one sample: under an augmentation, or under a little noise."""

import torch

from gankit._core import (
    Scalar,
    ScoreMaps,
    as_maps,
    as_matching_maps,
    autocast_is_on,
    check_positive,
    mean_over_maps,
    random_tensor,
    refuse_both,
    widen,
    without_autocast,
)
from gankit.constraints._points import (
    PointCritic,
    Points,
    PointsT,
    check_critic,
    check_points,
    check_rows,
    check_same_points,
    map_points,
    note_on_conditions,
    parts_of,
)


def consistency_penalty(scores: ScoreMaps, other: ScoreMaps) -> Scalar:
    r"""Mean squared difference of the critic's scores of the same samples in two versions.

    .. math:: \mathbb{E}\,[(D(x) - D(T(x)))^2]

    With an augmentation T that keeps the content of a sample. Multiply by the weight yourself (the paper's is 10)::

        consistency_penalty(critic(real), critic(T(real)))              # CR; with the next line: bCR
        consistency_penalty(critic(fake), critic(T(fake)))
        consistency_penalty(critic(G(z)), critic(G(z + small noise)))   # zCR, the critic's side

    On the generator's side zCR does the opposite, so that samples change with their latents:
    ``-consistency_penalty(G(z), G(z + small noise))``, with images in place of scores. Gradients flow into both versions;
    detach one of them if it is to be the target.

    Args:
        scores: Scores of the samples: a tensor or a sequence of them. Features, class logits and images work too.
        other: Scores of the other versions, of the same shapes.

    Shape:
        Any shapes with a batch axis; the penalty is 0-d, 0 or more, in float32 or wider. With several maps it is the mean
        within each map, then across maps.

    Raises:
        ValueError: Shapes or numbers of maps differ, a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.constraints import consistency_penalty
        >>> consistency_penalty(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
        tensor(2.)

    Reference:
        Zhang et al. 2020, "Consistency Regularization for Generative Adversarial Networks" (CR, arXiv:1910.12027); Zhao
        et al. 2021, "Improved Consistency Regularization for GANs" (arXiv:2002.04724), algorithms 1 (bCR) and 2 (zCR).
        On images the paper's norm sums over pixels; StudioGAN takes the mean over all elements, as here: multiply by
        the pixels of an image for the former. StudioGAN also adds the difference of class logits or embeddings; here
        that is a second call.
    """
    maps = as_maps("scores", scores)
    others = as_matching_maps("other", other, "scores", maps)
    return mean_over_maps([(widen(one) - widen(two)).square() for one, two in zip(maps, others, strict=True)])


def finite_difference_penalty(
    critic: PointCritic[PointsT],
    samples: PointsT,
    *,
    scale: float = 0.01,
    noise: Points | None = None,
    rng: torch.Generator | None = None,
) -> Scalar:
    r"""Mean squared change of the critic's scores under small normal noise: ``mean((D(x) - D(x + scale * noise)) ** 2)``.

    .. math:: \mathbb{E}\,[(D(x) - D(x + \sigma\,\epsilon))^2], \qquad \epsilon \sim N(0, 1), \qquad \sigma = \text{scale}

    **It is not R1.** It takes no gradient of the critic and needs no double backward, so the critic may be compiled alone, use
    fused attention or be sharded. In return:

    - For small noise it is, on average, ``scale ** 2`` times `zero_centered_penalty`: the authors' weight 100 at scale 0.01
      corresponds to a weight of 0.01, a gamma of 0.02, there.
    - One draw measures the slope in one random direction: for each sample the standard deviation between draws is ``sqrt(2)``
      times the mean.
    - It also penalizes what R1 does not: curvature, and kinks within the reach of the noise.
    - For a map of scores it is the mean of the squared changes of its scores, while a gradient is that of their sum.

    In half precision the difference of two nearly equal scores is lost in rounding. The critic therefore runs without autocast
    here; give it float32 weights. If the scores of the samples exist already,
    ``consistency_penalty(scores, critic(samples + scale * noise))`` saves a pass.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda. It is called twice and must treat samples
            separately: batch normalization would see two different batches.
        samples: Where the change is measured, usually real samples: a tensor, or a mapping or tuple of them. They are
            detached.
        scale: Standard deviation of the noise, above 0: the authors' is 0.01 for images and 0.1 for video.
        noise: Normal numbers, of the form and shapes of `samples`. Default: drawn as ``torch.randn``.
        rng: Generator for `noise`, on the samples' device. Default: the default generator of that device.

    Shape:
        `samples` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, samples are not floating-point, `scale` is not above 0, `noise` has another shape or
            is given together with `rng`, or the critic returns fewer rows of scores than samples or no multiple of them.

    Example:
        >>> import torch
        >>> from gankit.constraints import finite_difference_penalty
        >>> slope, noise = torch.tensor([3.0, 4.0]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> penalty = finite_difference_penalty(lambda x: x @ slope, torch.zeros(2, 2), scale=0.1, noise=noise)
        >>> round(penalty.item(), 6)  # ((0.1 * 3)² + (0.1 * 4)²) / 2
        0.125

    Reference:
        Lin et al. 2025, "Diffusion Adversarial Post-Training for One-Step Video Generation" (Seaweed-APT,
        arXiv:2501.08316), section 3.4 ("approximated R1", weight 100). Its successors take it on generated samples too.
    """
    check_critic(critic)
    check_positive("scale", scale)
    check_points("samples", samples)
    refuse_both("noise", noise, rng)
    if noise is None:
        noise = map_points(
            lambda part: random_tensor(torch.randn, part.shape, rng, dtype=part.dtype, device=part.device), samples
        )
    else:
        check_same_points("noise", noise, "samples", samples)
    device = parts_of(samples)[0].device.type
    lowered = autocast_is_on(device)
    still = map_points(lambda part: widen(part.detach()) if lowered else part.detach(), samples)
    moved = map_points(lambda part, draw: part + scale * draw.detach().to(part.dtype), still, noise)
    with without_autocast(device):
        try:
            scores = critic(still)
        except TypeError as error:
            note_on_conditions(error)
            raise
        for each in as_maps("scores", scores):
            check_rows(each, parts_of(still)[0].shape[0])
        return consistency_penalty(scores, critic(moved))
