"""Layers that draw random numbers in every call, in training and in evaluation mode."""

import torch
from torch import nn

from gankit._core import check_at_least, check_floating, check_fraction, random_tensor, refuse_both, uniform_draw
from gankit.blocks._maps import check_maps


class AlwaysOnDropout(nn.Module):
    """Set each value to 0 with a fixed probability, in ``train()`` and in ``eval()`` mode, and enlarge the rest.

    Where dropout is the noise of a generator, switching it off for sampling would switch off the variety: pix2pix has no
    other noise, and a well-known list of advice asks for it in the training and the test phase. Elsewhere take
    ``nn.Dropout``.

    Randomness: ``torch.rand`` of the shape of `x`, from `rng` or the default generator of the device of `x`; what lies
    below `probability` is dropped.

    Args:
        probability: The share of values to drop, in 0..1, below 1.

    Shape:
        - x: any shape, of floating point.
        - draw: the shape of `x`, from 0 to below 1, in place of the draw.
        - result: the shape of `x`.

    Raises:
        ValueError: `probability` does not lie in 0..1 or is 1; `x` is no floating-point tensor; `draw` has another
            shape or numbers elsewhere, or comes together with `rng`.

    Example:
        >>> import torch
        >>> from gankit.blocks import AlwaysOnDropout
        >>> dropout = AlwaysOnDropout(0.5).eval()
        >>> dropout(torch.tensor([1.0, 2.0]), draw=torch.tensor([0.4, 0.6]))
        tensor([0., 4.])

    Reference:
        Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR), section 3.2;
        Chintala et al. 2016, "How to Train a GAN?", tip 17.
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        check_fraction("probability", probability)
        if probability == 1:
            raise ValueError("probability must be below 1, which would drop everything, got 1")
        self.probability = probability

    def forward(
        self, x: torch.Tensor, *, draw: torch.Tensor | None = None, rng: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return `x` with some values dropped."""
        check_floating("x", x)
        kept = (uniform_draw(draw, x, x.shape, rng) >= self.probability).to(x.dtype)
        return x * (kept / (1 - self.probability))

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"probability={self.probability}"


class NoiseInjection(nn.Module):
    """Add one picture of noise to all channels of a map, each by its own trained strength.

    ``x + strength * noise``, one normal number a position. The generator need not make strands of hair out of its latents
    then. Strengths start at 0: at the start the block returns its input.

    Fresh noise is drawn in train and in eval mode alike. Give `noise` to hold it fixed, zeros for none.

    Args:
        channels: The channels.

    Shape:
        - x: ``(n, channels, height, width)``; never changed.
        - noise: ``(n, 1, height, width)``, by default ``torch.randn`` in the dtype and on the device of `x`, from `rng` or,
          where that is None, from the device's default generator.
        - result: the shape of `x`.

    Raises:
        ValueError: `channels` is below 1; `x` or `noise` has another shape; `noise` comes together with `rng`.

    Example:
        >>> import torch
        >>> from gankit.blocks import NoiseInjection
        >>> x = torch.randn(2, 5, 4, 4)
        >>> NoiseInjection(5)(x).equal(x)  # its strengths are still 0
        True

    Reference:
        Karras, Laine and Aila 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks", section 2
        ("learned per-feature scaling factors"). StyleGAN2 has one strength for all channels.
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
        shape = (len(x), 1, *x.shape[2:])
        if noise is None:
            noise = random_tensor(torch.randn, shape, rng, dtype=x.dtype, device=x.device)
        check_floating("noise", noise)
        if tuple(noise.shape) != shape:
            raise ValueError(f"noise must have shape {shape}, got {tuple(noise.shape)}")
        return x + self.strength[:, None, None] * noise

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.channels}"
