"""Penalties on the norm of the critic's gradient: near a target, large powers of it, the largest one, or its square.

They share their arguments, errors and warnings, which `gradient_penalty` explains. The caller multiplies by the weight.
"""

from collections.abc import Callable

import torch

from gankit._core import Scalar, Scores, check_finite, gather_whole_batch
from gankit.constraints._gradient import gradient_at, gradient_norm, norm_at, squared_norms
from gankit.constraints._points import (
    PointCritic,
    PointsT,
    along,
    check_critic,
    check_points,
    check_same_points,
    data_of,
    map_points,
    share_of_each_sample,
    wider_dtype,
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
    r"""The WGAN-GP penalty: mean squared distance of the critic's gradient norm from `target`, between real and fake samples.

    .. math:: \mathbb{E}\,[(\lVert \nabla_{\hat x} D(\hat x) \rVert_2 - \text{target})^2]

    The gradient is taken at ``mix * real + (1 - mix) * fake``, with one share per sample. Multiply by the weight yourself
    (lambda, the paper's is 10) and add it to the critic's loss, so that one backward pass computes both gradients.

    Args:
        critic: Any callable from samples to scores; bind conditions by a lambda. It must treat samples separately, so no
            batch normalization.
        real: Real samples: a tensor, or a mapping or tuple of them, as in `gradient_norm`. They are detached.
        fake: Generated samples, of the same form and shapes. They are detached.
        target: The norm at which the penalty is 0; 0 or more.
        one_sided: Penalize only norms above the target.
        mix: Share of the real sample at each point, ``(n, 1, ..., 1)``, or ``(n,)`` if samples have several parts, which then
            share it. Default: drawn as ``torch.rand`` of that shape in the inputs' dtype.
        rng: Generator for `mix`, on the inputs' device. Default: the default generator of that device.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: Shapes differ, the batch is empty, `mix` has another shape or is given together with `rng`, `target` is
            negative, the critic ignores its input or is compiled by itself, or the call is made inside
            ``torch.inference_mode``.

    Warns:
        UserWarning: As in `gradient_norm`: the critic couples the samples, or changes values in place before a shortcut.

    Example:
        >>> import torch
        >>> from gankit.constraints import gradient_penalty
        >>> slope = torch.tensor([3.0, 4.0])  # a linear critic's gradient has norm 5 everywhere
        >>> gradient_penalty(lambda x: x @ slope, torch.randn(7, 2), torch.randn(7, 2)).item()
        16.0

    Reference:
        Gulrajani et al. 2017, "Improved Training of Wasserstein GANs" (arXiv:1704.00028), equation 3 and algorithm 1.
        Well-known libraries take one norm over the whole batch (torchgan), one per pixel (mmgeneration's default) or
        one share for the whole batch; TF-GAN draws the share of the *fake* sample, which has the same distribution but
        other draws.
    """
    check_target(target)
    norms = norm_at(critic, _points_between(real, fake, mix, rng))
    return mean_squared_excess(norms, target, one_sided=one_sided)


def matching_aware_gradient_penalty(
    critic: Callable[[torch.Tensor, torch.Tensor], Scores],
    images: torch.Tensor,
    conditions: torch.Tensor,
    *,
    power: float = 6.0,
) -> Scalar:
    r"""Mean power of the norm of the critic's gradient by images and conditions together, at real matching pairs.

    .. math:: \mathbb{E}\,[\lVert \nabla_{(x, c)} D(x, c) \rVert_2^p]

    It flattens the critic around matching pairs, so that the generator can approach them smoothly, in image and text. A high
    power penalizes large slopes much more than small ones. Multiply by the weight yourself; the authors' is 2. Use it with
    the loss for mismatched and generated pairs, `gankit.losses.matching_aware_critic_loss`.

    Args:
        critic: Any callable from images and conditions to scores. It must treat samples separately.
        images: Real images.
        conditions: The conditions that belong to them, as vectors: embeddings of labels or texts. Both are detached, so the
            penalty trains no embedder.
        power: The power of the norm, 1 or more.

    Shape:
        `images` ``(n, ...)`` and `conditions` ``(n, ...)`` of any ranks; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: Batches differ in size, one is empty or not floating-point, `power` is below 1, the critic ignores one of
            them, or the call is made inside ``torch.inference_mode``.

    Example:
        >>> import torch
        >>> from gankit.constraints import matching_aware_gradient_penalty
        >>> slope = torch.tensor([3.0, 4.0])
        >>> critic = lambda images, conditions: images @ slope + 12.0 * conditions.sum(1)
        >>> matching_aware_gradient_penalty(critic, torch.randn(7, 2), torch.randn(7, 1), power=2.0).item()
        169.0

    Under autocast the power multiplies the relative error of the norm: bfloat16 gave values up to 2 % off at power 6, with
    gradients in the right direction (cosine above 0.999).

    Reference:
        Tao et al. 2022, "DF-GAN: A Simple and Effective Baseline for Text-to-Image Synthesis" (arXiv:2008.05865),
        section 3.3. The paper adds the two norms before it takes the power; the authors' program takes the norm of both
        gradients together, as here: the paper's value is larger, by up to ``2 ** (power / 2)`` times. The program shares
        the forward pass of the real batch with the loss; use `score_gradient` for that.
    """
    check_critic(critic)
    check_finite("power", power)
    if power < 1:
        raise ValueError(f"power must be 1 or more, got {power!r}: the slope at a zero gradient would be infinite")
    check_points("images", images)
    check_points("conditions", conditions)
    if (given := conditions.shape[0]) != images.shape[0]:
        raise ValueError(f"conditions must hold as many samples as images, got {given} and {images.shape[0]}")
    return gradient_norm(lambda pair: critic(*pair), (images, conditions)).pow(power).mean()


def max_gradient_penalty(
    critic: PointCritic[PointsT],
    real: PointsT,
    fake: PointsT,
    *,
    mix: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Scalar:
    r"""Largest squared norm of the critic's gradient, between real and fake samples.

    .. math:: \max_{\hat x} \lVert \nabla_{\hat x} D(\hat x) \rVert_2^2, \qquad \hat x = u\,x + (1 - u)\,G(z)

    The largest norm in a batch estimates the critic's Lipschitz constant. The penalty makes it small, instead of near a
    target. Only the steepest point has a slope, so small batches give a rough penalty. The maximum is that of the whole
    batch: ranks share it (each returns the same value, and the mean of their gradients is right), and gradient accumulation,
    which would take the maximum of each part, is refused.

    Args:
        critic: Any callable from samples to scores, as in `gradient_penalty`.
        real: Real samples, as in `gradient_penalty`.
        fake: Generated samples, of the same form and shapes.
        mix: Share of the real sample at each point, as in `gradient_penalty`.
        rng: Generator for `mix`, as in `gradient_penalty`.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: As in `gradient_penalty`, or the call sees only a part of the batch.

    Example:
        >>> import torch
        >>> from gankit.constraints import max_gradient_penalty
        >>> slope = torch.tensor([3.0, 4.0])
        >>> max_gradient_penalty(lambda x: x @ slope, torch.randn(7, 2), torch.randn(7, 2)).item()
        25.0

    Reference:
        Zhou et al. 2019, "Lipschitz Generative Adversarial Nets" (arXiv:1902.05687), which penalizes the squared
        Lipschitz constant and estimates it by the largest gradient among sampled points. StudioGAN computes the same,
        but separately on each rank.
    """
    squares = squared_norms(gradient_at(critic, _points_between(real, fake, mix, rng)))
    # Gather the maximum of each rank: ranks may hold batches of different sizes.
    largest, _ = gather_whole_batch(max_gradient_penalty.__name__, squares.amax().reshape(1))
    return largest.amax()


def zero_centered_penalty(critic: PointCritic[PointsT], samples: PointsT) -> Scalar:
    r"""Mean squared norm of the critic's gradient at the samples.

    .. math:: \mathbb{E}\,[\lVert \nabla_x D(x) \rVert_2^2]

    On real samples it is the R1 penalty, on generated ones R2. Multiply by ``gamma / 2`` yourself: gamma is the weight
    (lambda) of papers.

    Args:
        critic: Any callable from samples to scores, as in `gradient_penalty`.
        samples: Where the gradient is taken: a tensor, or a mapping or tuple of them, as in `gradient_norm`. They are
            detached.

    Shape:
        `samples` ``(n, ...)`` of any rank, each part; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: As in `gradient_norm`.

    Warns:
        UserWarning: As in `gradient_norm`: the critic couples the samples, or changes values in place before a shortcut.

    Example:
        >>> import torch
        >>> from gankit.constraints import zero_centered_penalty
        >>> gamma, slope = 0.5, torch.tensor([3.0, 4.0])
        >>> (0.5 * gamma * zero_centered_penalty(lambda x: x @ slope, torch.randn(7, 2))).item()
        6.25

    Reference:
        Mescheder, Geiger and Nowozin 2018, "Which Training Methods for GANs do actually Converge?" (arXiv:1801.04406),
        equations 9 (R1) and 10 (R2), with gamma / 2. Their published code has no 1/2: its regularization parameter 10
        is gamma 20 here.
    """
    check_points("samples", samples)
    return squared_norms(gradient_at(critic, samples)).mean()


def check_target(target: float) -> None:
    """Refuse a target that no norm can have."""
    check_finite("target", target)
    if target < 0:
        raise ValueError(f"target must be 0 or more, got {target!r}")


def mean_squared_excess(norms: torch.Tensor, target: float, *, one_sided: bool) -> Scalar:
    """Return the mean squared distance of norms from the target, or of the part above it."""
    excess = norms - target
    if one_sided:
        excess = torch.relu(excess)
    return excess.square().mean()


def _points_between(real: PointsT, fake: PointsT, mix: torch.Tensor | None, rng: torch.Generator | None) -> PointsT:
    check_same_points("fake", fake, "real", real)
    shares = share_of_each_sample(mix, rng, real, fake)

    def between(real_part: torch.Tensor, fake_part: torch.Tensor) -> torch.Tensor:
        dtype = wider_dtype(real_part, fake_part)
        # One operation in place of the four of share * real + (1 - share) * fake, and their memory.
        return torch.lerp(data_of(fake_part, dtype), data_of(real_part, dtype), along(shares, real_part, dtype))

    return map_points(between, real, fake)
