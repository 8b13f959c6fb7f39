"""Straight walks between latents."""

import torch

from gankit._core import Latents
from gankit.latents._interpolated import as_share, check_ends


def linear_interpolation(first: Latents, second: Latents, share: float | torch.Tensor) -> Latents:
    """Go from `first` to `second` along a straight line: ``(1 - share) * first + share * second``.

    Right for uniform latents and for mapped ones (StyleGAN's w). Between normal latents the middle of the line is nearer to
    the center than any latent the generator was trained on; use `gankit.latents.spherical_interpolation` there.

    Args:
        first: Where share 0 is, exactly.
        second: Where share 1 is, exactly; of the same shape.
        share: A number, or a tensor whose last axis has size 1 and that broadcasts against the latents:
            ``torch.linspace(0, 1, 9)[:, None, None]`` makes nine steps of each pair. Outside 0..1 the line goes on.

    Shape:
        Latents ``(n, features)`` or of more axes, features last; the result has the shape that they and `share` broadcast to.

    Raises:
        ValueError: Shapes differ, latents are empty or not floating-point, or `share` does not fit or is no finite number.

    Example:
        >>> import torch
        >>> from gankit.latents import linear_interpolation
        >>> linear_interpolation(torch.zeros(1, 2), torch.tensor([[2.0, 4.0]]), torch.tensor([[0.25]]))
        tensor([[0.5000, 1.0000]])

    Reference:
        White 2016, "Sampling Generative Networks", section 2, compares it with the walk on a sphere.
    """
    check_ends(first, second)
    along = as_share(share, first)
    return torch.lerp(first.to(along.dtype), second.to(along.dtype), along).to(first.dtype)
