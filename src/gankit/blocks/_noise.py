"""Layers that draw random numbers in every call, in training and in evaluation mode."""

import torch
from torch import nn

from gankit._core import check_at_least, check_floating, check_fraction, random_tensor, refuse_both, uniform_draw
from gankit.blocks._maps import check_maps


class AlwaysOnDropout(nn.Module):
    r"""Set each value to 0 with a fixed probability, in training and in evaluation mode, and scale up the rest.

    .. math:: y = \frac{k}{1 - p}\,x, \qquad k = 1 \text{ with probability } 1 - p, \text{ else } 0

    In some generators dropout is the only source of randomness, as in pix2pix: without it, sampling has no variety. A
    well-known list of advice recommends it in training and in testing. For ordinary dropout take ``nn.Dropout``.

    Randomness: ``torch.rand`` of the shape of `x`, from `rng` or the default generator of the device of `x`; a value is
    dropped if its number is below `probability`.

    Args:
        probability: The share of values to drop, from 0 to below 1.

    Shape:
        - x: any shape, of floating point.
        - draw: the shape of `x`, from 0 to below 1; used in place of the random numbers.
        - result: the shape of `x`.

    Raises:
        ValueError: `probability` is outside 0..1 or is 1; `x` is not a floating-point tensor; `draw` has another shape
            or numbers outside its range, or is given together with `rng`.

    Example:
        >>> import torch
        >>> from gankit.blocks import AlwaysOnDropout
        >>> dropout = AlwaysOnDropout(0.5).eval()
        >>> dropout(torch.tensor([1.0, 2.0]), draw=torch.tensor([0.4, 0.6]))
        tensor([0., 4.])

    Reference:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR, arXiv:1611.07004),
        section 3.2; Chintala et al. 2016, "How to Train a GAN?" (https://github.com/soumith/ganhacks), tip 17.
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        check_fraction("probability", probability)
        if probability == 1:
            raise ValueError("probability must be below 1, got 1, which would drop everything")
        self.probability = probability

    def forward(
        self, x: torch.Tensor, *, draw: torch.Tensor | None = None, rng: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return `x` with some values set to 0."""
        check_floating("x", x)
        kept = (uniform_draw(draw, x, x.shape, rng) >= self.probability).to(x.dtype)
        return x * (kept / (1 - self.probability))

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"probability={self.probability}"


class NoiseInjection(nn.Module):
    r"""Add the same noise map to all channels, multiplied by a learned strength per channel.

    .. math:: y_{chw} = x_{chw} + a_c\,\epsilon_{hw}, \qquad \epsilon \sim N(0, 1)

    with the learned strength :math:`a_c` of each channel. The generator then need not compute random details, such as strands
    of hair, from its latents. Strengths start at 0, so a new layer returns its input.

    Every call draws new noise, in training and in evaluation mode. Give `noise` to keep it fixed, or zeros for no noise.

    Args:
        channels: Number of channels.

    Shape:
        - x: ``(n, channels, height, width)``; never changed.
        - noise: ``(n, 1, height, width)``. Default: ``torch.randn`` in the dtype and on the device of `x`, from `rng` or, by
          default, from the device's default generator.
        - result: the shape of `x`.

    Raises:
        ValueError: `channels` is below 1; `x` or `noise` has another shape; `noise` is given together with `rng`.

    Example:
        >>> import torch
        >>> from gankit.blocks import NoiseInjection
        >>> x = torch.randn(2, 5, 4, 4)
        >>> NoiseInjection(5)(x).equal(x)  # the strengths are still 0
        True

    Reference:
        Karras, Laine and Aila 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks"
        (arXiv:1812.04948), section 2 ("learned per-feature scaling factors"). StyleGAN2 has one strength for all
        channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_at_least("channels", channels, 1)
        self.channels = channels
        self.strength = nn.Parameter(torch.zeros(channels))

    def forward(
        self, x: torch.Tensor, *, noise: torch.Tensor | None = None, rng: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return `x` with noise added."""
        check_maps("x", x, self.channels)
        refuse_both("noise", noise, rng)
        shape = (x.shape[0], 1, *x.shape[2:])
        if noise is None:
            noise = random_tensor(torch.randn, shape, rng, dtype=x.dtype, device=x.device)
        check_floating("noise", noise)
        if tuple(noise.shape) != shape:
            raise ValueError(f"noise must have shape {shape}, got {tuple(noise.shape)}")
        return x + self.strength[:, None, None] * noise

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.channels}"
