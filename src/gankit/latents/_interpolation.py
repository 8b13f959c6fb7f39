"""Interpolation between latents: linear, and spherical, which keeps the distance from the center."""

import torch
from torch.nn import functional

from gankit._core import Latents, check_batch, check_finite, check_floating, check_same_shape


def linear_interpolation(first: Latents, second: Latents, share: float | torch.Tensor) -> Latents:
    r"""Interpolate from `first` to `second` along a straight line: ``(1 - share) * first + share * second``.

    .. math:: z(s) = (1 - s)\,a + s\,b

    Right for uniform latents and for mapped ones (StyleGAN's w). Between normal latents the middle of the line is closer to
    the center than any latent that the generator was trained on; use `gankit.latents.spherical_interpolation` for them.

    Args:
        first: The latents at share 0, exactly.
        second: The latents at share 1, exactly; of the same shape.
        share: A number, or a tensor with a last axis of size 1 that broadcasts against the latents:
            ``torch.linspace(0, 1, 9)[:, None, None]`` makes nine steps for each pair. Outside 0..1 the line continues.

    Shape:
        Latents ``(n, features)`` or with more axes, features last; the result has the shape to which they and `share`
        broadcast.

    Raises:
        ValueError: Shapes differ, latents are empty or not floating-point, or `share` does not broadcast or is not a finite
            number.

    Example:
        >>> import torch
        >>> from gankit.latents import linear_interpolation
        >>> linear_interpolation(torch.zeros(1, 2), torch.tensor([[2.0, 4.0]]), torch.tensor([[0.25]]))
        tensor([[0.5000, 1.0000]])

    Reference:
        White 2016, "Sampling Generative Networks" (arXiv:1609.04468), section 2, compares it with spherical
        interpolation.
    """
    _check_ends(first, second)
    along = _as_share(share, first)
    return torch.lerp(first.to(along.dtype), second.to(along.dtype), along).to(first.dtype)


def spherical_interpolation(first: Latents, second: Latents, share: float | torch.Tensor) -> Latents:
    r"""Interpolate from `first` to `second` along the great circle, at constant speed.

    .. math::

        z(s) = \frac{\sin((1 - s)\,\omega)}{\sin \omega}\,a + \frac{\sin(s\,\omega)}{\sin \omega}\,b, \qquad \cos \omega =
        \frac{a \cdot b}{\lVert a \rVert\,\lVert b \rVert}

    Normal latents with many features are close to a sphere. This path stays on it, so every step is a latent like those that
    the generator was trained on. Also called slerp.

    Ends with unequal lengths are weighted by the same formula, as in White's program, so the length changes smoothly. Between
    parallel latents the path is a straight line, the limit of the formula. Between opposite latents the great circle is not
    unique: the path then goes through a fixed perpendicular direction, and its length changes linearly. A latent of zeros has
    no direction and counts as perpendicular to the other.

    Args:
        first: The latents at share 0, up to rounding.
        second: The latents at share 1, up to rounding; of the same shape.
        share: As in `gankit.latents.linear_interpolation`. Outside 0..1 the circle continues.

    Shape:
        As in `gankit.latents.linear_interpolation`. Opposite latents need at least two features.

    Raises:
        ValueError: As `gankit.latents.linear_interpolation`.

    Example:
        >>> import torch
        >>> from gankit.latents import spherical_interpolation
        >>> spherical_interpolation(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), 0.5)
        tensor([[0.7071, 0.7071]])

    Reference:
        Shoemake 1985, "Animating Rotation with Quaternion Curves" (doi:10.1145/325165.325242), section 3.3; White 2016,
        "Sampling Generative Networks" (arXiv:1609.04468), section 2.
    """
    _check_ends(first, second)
    along = _as_share(share, first)
    wide = along.dtype
    start, end = first.to(wide), second.to(wide)
    start_direction, end_direction = functional.normalize(start, dim=-1), functional.normalize(end, dim=-1)
    # Half the angle from difference and sum of the directions: precise everywhere, unlike arccos of a product.
    apart = torch.linalg.vector_norm(start_direction - end_direction, dim=-1, keepdim=True)
    together = torch.linalg.vector_norm(start_direction + end_direction, dim=-1, keepdim=True)
    angle = 2 * torch.atan2(apart, together)
    parallel, opposite = apart == 0, together < torch.finfo(wide).eps ** 0.5
    sine = torch.where(parallel | opposite, 1, torch.sin(angle))
    start_weight = torch.where(parallel, 1 - along, torch.sin((1 - along) * angle) / sine)
    end_weight = torch.where(parallel, along, torch.sin(along * angle) / sine)
    path = start_weight * start + end_weight * end
    return torch.where(opposite, _half_turn(start, end, along), path).to(first.dtype)


def _half_turn(start: torch.Tensor, end: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Interpolate to the opposite side through the coordinate axis that is closest to perpendicular to the start."""
    direction = functional.normalize(start, dim=-1)
    least = direction.abs().argmin(dim=-1, keepdim=True)
    axis = torch.zeros_like(direction).scatter(-1, least, 1.0)
    across = functional.normalize(axis - (axis * direction).sum(-1, keepdim=True) * direction, dim=-1)
    lengths = torch.linalg.vector_norm(start, dim=-1, keepdim=True), torch.linalg.vector_norm(end, dim=-1, keepdim=True)
    angle = torch.pi * share
    return torch.lerp(*lengths, share) * (torch.cos(angle) * direction + torch.sin(angle) * across)


def _check_ends(first: torch.Tensor, second: torch.Tensor) -> None:
    check_floating("first", first)
    check_floating("second", second)
    check_batch("first", first)
    check_same_shape("second", second, "first", first)


def _as_share(share: float | torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """Return the share as a tensor that broadcasts against the latents: one number per latent, not one per feature.

    In float32 or wider, whatever the latents' dtype: bfloat16 has only three digits.
    """
    wide = torch.promote_types(first.dtype, torch.float32)
    if not isinstance(share, torch.Tensor):
        if not torch.compiler.is_compiling():  # a number that changes between calls is traced without its value
            check_finite("share", share)
        return first.new_full((), share, dtype=wide)
    check_floating("share", share)
    if share.ndim and share.shape[-1] != 1:
        raise ValueError(
            f"share must be a number or have a last axis of size 1 (one share per latent), got shape {tuple(share.shape)}"
        )
    try:
        torch.broadcast_shapes(share.shape, first.shape)
    except RuntimeError as error:
        raise ValueError(
            f"share must broadcast against latents of shape {tuple(first.shape)}, got {tuple(share.shape)}"
        ) from error
    return share.to(wide)
