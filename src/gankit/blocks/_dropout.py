"""Dropout that goes on when training is over."""

import torch
from torch import nn

from gankit._core import check_floating, check_fraction, uniform_draw


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
