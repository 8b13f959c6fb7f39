"""Walks between latents that keep their distance from the center."""

import torch
from torch.nn import functional

from gankit._core import Latents
from gankit.latents._interpolated import as_share, check_ends


def spherical_interpolation(first: Latents, second: Latents, share: float | torch.Tensor) -> Latents:
    """Go from `first` to `second` along the great circle, at constant speed.

    Normal latents of many features lie close to a sphere; this walk stays on it, so that every step is a latent like those
    that the generator was trained on. With the angle w between the two it is
    ``(sin((1 - share) * w) * first + sin(share * w) * second) / sin(w)``.

    Ends of unequal length are weighted by the same formula, as in White's program, so the length changes smoothly. Parallel
    latents are joined by a straight line, the limit. Opposite ones have no one great circle: the walk then turns by way of a
    fixed direction across, and its length goes evenly from one end's to the other's. A latent of zeros has no direction and
    counts as perpendicular to the other.

    Args:
        first: Where share 0 is, up to rounding.
        second: Where share 1 is, up to rounding; of the same shape.
        share: A number, or a tensor whose last axis has size 1 and that broadcasts against the latents:
            ``torch.linspace(0, 1, 9)[:, None, None]`` makes nine steps of each pair. Outside 0..1 the circle goes on.

    Shape:
        Latents ``(n, features)`` or of more axes, features last; the result has the shape that they and `share` broadcast to.
        Opposite latents need two features or more.

    Raises:
        ValueError: Shapes differ, latents are empty or not floating-point, or `share` does not fit or is no finite number.

    Example:
        >>> import torch
        >>> from gankit.latents import spherical_interpolation
        >>> spherical_interpolation(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]), 0.5)
        tensor([[0.7071, 0.7071]])

    Reference:
        Shoemake 1985, "Animating Rotation with Quaternion Curves", section 3.3; White 2016, "Sampling Generative Networks",
        section 2.
    """
    check_ends(first, second)
    along = as_share(share, first)
    wide = along.dtype
    start, end = first.to(wide), second.to(wide)
    start_direction, end_direction = functional.normalize(start, dim=-1), functional.normalize(end, dim=-1)
    # Half the angle from difference and sum of the directions: precise everywhere, where arccos of a product is not.
    apart = torch.linalg.vector_norm(start_direction - end_direction, dim=-1, keepdim=True)
    together = torch.linalg.vector_norm(start_direction + end_direction, dim=-1, keepdim=True)
    angle = 2 * torch.atan2(apart, together)
    parallel, opposite = apart == 0, together < torch.finfo(wide).eps ** 0.5
    sine = torch.where(parallel | opposite, 1, torch.sin(angle))
    start_weight = torch.where(parallel, 1 - along, torch.sin((1 - along) * angle) / sine)
    end_weight = torch.where(parallel, along, torch.sin(along * angle) / sine)
    walk = start_weight * start + end_weight * end
    return torch.where(opposite, _half_turn(start, end, along), walk).to(first.dtype)


def _half_turn(start: torch.Tensor, end: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Go to the opposite side by way of the coordinate axis that the start points along least."""
    direction = functional.normalize(start, dim=-1)
    least = direction.abs().argmin(dim=-1, keepdim=True)
    axis = torch.zeros_like(direction).scatter(-1, least, 1.0)
    across = functional.normalize(axis - (axis * direction).sum(-1, keepdim=True) * direction, dim=-1)
    lengths = torch.linalg.vector_norm(start, dim=-1, keepdim=True), torch.linalg.vector_norm(end, dim=-1, keepdim=True)
    angle = torch.pi * share
    return torch.lerp(*lengths, share) * (torch.cos(angle) * direction + torch.sin(angle) * across)
