"""Noise for what is left to chance in a picture."""

import torch
from torch import nn

from gankit._core import check_at_least, check_floating, refuse_both
from gankit.blocks._maps import check_maps


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
            noise = torch.randn(shape, generator=rng, dtype=x.dtype, device=x.device)
        check_floating("noise", noise)
        if tuple(noise.shape) != shape:
            raise ValueError(f"noise must have shape {shape}, got {tuple(noise.shape)}")
        return x + self.strength[:, None, None] * noise

    def extra_repr(self) -> str:
        """Describe the module in `repr`."""
        return f"{self.channels}"
