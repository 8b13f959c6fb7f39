"""The gradient penalty of DRAGAN, around the real samples."""

import torch

from gankit._core import (
    Scalar,
    check_finite,
    check_positive,
    ranks_of_whole_batch,
    sum_over_ranks,
    uniform_like,
    values_are_readable,
    widen,
)
from gankit.constraints._gradient import gradient_norm
from gankit.constraints._norm_penalties import check_target, mean_squared_excess
from gankit.constraints._points import (
    PointCritic,
    Points,
    PointsT,
    along,
    check_points,
    check_same_points,
    map_points,
    named_parts,
    share_of_each_sample,
)


def dragan_penalty(
    critic: PointCritic[PointsT],
    real: PointsT,
    *,
    target: float = 1.0,
    one_sided: bool = False,
    scale: float = 0.5,
    symmetric: bool = False,
    deviation: float | torch.Tensor | None = None,
    noise: Points | None = None,
    mix: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Scalar:
    r"""Mean squared distance of the critic's gradient norm from `target`, at noisy copies of real samples.

    .. math:: \mathbb{E}\,[(\lVert \nabla_{\hat x} D(\hat x) \rVert_2 - \text{target})^2], \qquad \hat x = x + m\,c\,\sigma\,u

    with `mix` m, `scale` c, the `deviation` :math:`\sigma` of the batch and the `noise` u; m and u are uniform in 0..1.

    The deviation is that of the whole batch, over all its
    elements: ranks share it, and gradient accumulation, which would compute it for each part, is refused unless `deviation`
    is given. Multiply by the weight (lambda) yourself; the authors' is 10.

    The authors' noise lies in 0..1, so it is one-sided: it brightens images by a quarter of the deviation at ``mix = 1``, and
    the critic may learn that. ``symmetric=True`` spreads the same draw over -1..1.

    Args:
        critic: Any callable from samples to scores, as in `gradient_penalty`.
        real: Real samples: a tensor, or a mapping or tuple of them, as in `gradient_norm`. They are detached.
        target: The norm at which the penalty is 0; 0 or more.
        one_sided: Penalize only norms above the target.
        scale: Largest distance of a noisy copy, in deviations; above 0.
        symmetric: Use ``2 * noise - 1`` as the noise.
        deviation: The standard deviation of the samples, a number or a 0-d tensor, 0 or more: that of the data set, or of a
            batch of which this is a part. Default: computed, without bias, separately for each part of the samples.
        noise: Uniform numbers in 0..1, of the form and shapes of `real`. Default: drawn as ``torch.rand``.
        mix: Share of the way to the noisy copy, of the shape in `gradient_penalty`. Default: drawn before the noise.
        rng: Generator for `mix` and `noise`, on the inputs' device. Default: the default generator of that device.

    Shape:
        `real` ``(n, ...)`` of any rank, each part; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: The batch is empty, `noise` or `mix` has another shape, `noise` leaves 0..1 (checked on the CPU only),
            `rng` is given together with both, `target` or `deviation` is negative, `scale` is not above 0, the call sees only
            a part of the batch, the batch has one element, the critic ignores its input, or the call is made inside
            ``torch.inference_mode``.

    Example:
        >>> import torch
        >>> from gankit.constraints import dragan_penalty
        >>> slope = torch.tensor([3.0, 4.0])  # a linear critic's gradient has norm 5 everywhere
        >>> dragan_penalty(lambda x: x @ slope, torch.randn(7, 2)).item()
        16.0

    Reference:
        Kodali et al. 2017, "On Convergence and Stability of GANs" (arXiv:1705.07215), algorithm 1, which has normal
        noise; the authors' program has the uniform one. That program and compare_gan divide by n in the deviation,
        StudioGAN and gankit by n - 1. compare_gan takes ``real + deviation * (noise - 0.5)`` (here ``symmetric=True``
        with ``mix`` of 1) and clips it to 0..1. torchgan and PyTorch-GAN draw `mix` for every element; torchgan takes
        one norm over the whole batch.
    """
    check_target(target)
    check_positive("scale", scale)
    check_points("real", real)
    if noise is not None and mix is not None and rng is not None:
        raise ValueError("noise, mix and rng must not all be given: given noise and mix leave nothing to draw")
    shares = share_of_each_sample(mix, rng if mix is None else None, real)
    if noise is None:
        noise = map_points(lambda part: uniform_like(part, part.shape, rng), real)
    else:
        _check_noise(noise, real)
    deviations = _deviations(real, deviation)

    def moved(part: torch.Tensor, reach: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
        side = 2 * draw - 1 if symmetric else draw
        return part + along(shares, part, part.dtype) * (scale * reach) * side

    points = map_points(moved, real, deviations, noise)
    return mean_squared_excess(gradient_norm(critic, points), target, one_sided=one_sided)


def _check_noise(noise: Points, real: Points) -> None:
    check_same_points("noise", noise, "real", real)
    for name, part in named_parts("noise", noise).items():
        if values_are_readable(part) and not bool(((part >= 0) & (part <= 1)).all()):
            raise ValueError(f"{name} must hold uniform numbers in 0..1, got {part.min():.6g}..{part.max():.6g}")


def _deviations(real: PointsT, deviation: float | torch.Tensor | None) -> PointsT:
    if deviation is None:
        return map_points(_deviation_of_whole_batch, real)
    if isinstance(deviation, torch.Tensor):
        if deviation.ndim != 0:
            raise ValueError(f"deviation must be a number or a 0-d tensor, got shape {tuple(deviation.shape)}")
        return map_points(lambda _: deviation, real)
    check_finite("deviation", deviation)
    if deviation < 0:
        raise ValueError(f"deviation must be 0 or more, got {deviation!r}")
    return map_points(lambda part: part.new_full((), deviation), real)


@torch.no_grad()
def _deviation_of_whole_batch(values: torch.Tensor) -> torch.Tensor:
    values = widen(values)
    ranks = ranks_of_whole_batch(dragan_penalty.__name__)
    if ranks * values.numel() == 1:
        raise ValueError("real must hold more than one element to have a deviation, got one: give the deviation")
    if ranks == 1:
        return values.std()
    total, elements = sum_over_ranks(torch.stack([values.sum(), values.new_full((), values.numel())]))
    mean = total / elements
    return (sum_over_ranks((values - mean).square().sum()) / (elements - 1)).sqrt()
