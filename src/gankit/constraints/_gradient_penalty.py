"""The gradient penalty of WGAN-GP."""

import torch

from gankit._core import Critic, Scalar, check_batch, check_finite, check_floating, check_same_shape, uniform_like
from gankit.constraints._gradient_norm import gradient_norm


def gradient_penalty(
    critic: Critic,
    real: torch.Tensor,
    fake: torch.Tensor,
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
        real: Real samples.
        fake: Generated samples, of the same shape. Both are cut from their graphs.
        target: The norm to hold, 0 or more.
        one_sided: Price only norms above the target.
        mix: Share of the real sample at each point, ``(n, 1, ..., 1)``; drawn as ``torch.rand(n, 1, ..., 1)`` in the inputs'
            dtype where None.
        rng: Where `mix` is drawn from, on the inputs' device; the default generator where None.

    Shape:
        `real` and `fake` ``(n, ...)`` of any rank; the penalty is 0-d, 0 or more, in float32 or wider.

    Raises:
        ValueError: Shapes differ, the batch is empty, `mix` has another shape or comes with `rng`, `target` is negative,
            the critic ignores its input, or the call happens inside ``torch.inference_mode``.

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
    check_finite("target", target)
    if target < 0:
        raise ValueError(f"target must be 0 or more, got {target!r}")
    points = _points_between(real, fake, mix, rng)
    excess = gradient_norm(critic, points) - target
    if one_sided:
        excess = torch.relu(excess)
    return excess.square().mean()


def _points_between(
    real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor | None, rng: torch.Generator | None
) -> torch.Tensor:
    check_floating("real", real)
    check_floating("fake", fake)
    check_batch("real", real)
    check_same_shape("fake", fake, "real", real)
    real, fake = real.detach(), fake.detach()
    shape = (real.shape[0],) + (1,) * (real.ndim - 1)
    if mix is None:
        wider = real if torch.promote_types(real.dtype, fake.dtype) == real.dtype else fake
        mix = uniform_like(wider, shape, rng)
    elif rng is not None:
        raise ValueError("mix and rng must not both be given: a given mix leaves nothing to draw")
    elif tuple(mix.shape) != shape:
        raise ValueError(f"mix must have shape {shape}, one share for each sample, got {tuple(mix.shape)}")
    return mix * real + (1 - mix) * fake
