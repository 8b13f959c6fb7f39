"""Random draws, from a given generator or from the default one."""

from collections.abc import Callable, Sequence

import torch

from gankit._core._checks import check_floating, values_are_readable


def random_tensor(
    sampler: Callable[..., torch.Tensor],
    shape: Sequence[int],
    rng: torch.Generator | None,
    *,
    dtype: torch.dtype,
    device: torch.device | None,
) -> torch.Tensor:
    """Return ``sampler(shape)``, such as ``torch.rand(shape)`` or ``torch.randn(shape)``, drawn from `rng`.

    Without `rng` the device's default generator is used, and torch is called without the argument: ``generator=None`` has no
    symbolic form, so that a graph with a dynamic batch size could not be traced.
    """
    if rng is None:
        return sampler(shape, dtype=dtype, device=device)
    return sampler(shape, generator=rng, dtype=dtype, device=device)


def uniform_like(tensor: torch.Tensor, shape: Sequence[int], rng: torch.Generator | None) -> torch.Tensor:
    """Return ``torch.rand(shape)`` in the tensor's dtype and on its device, drawn from `rng` as in `random_tensor`."""
    return random_tensor(torch.rand, shape, rng, dtype=tensor.dtype, device=tensor.device)


def uniform_draw(
    draw: torch.Tensor | None, like: torch.Tensor, shape: Sequence[int], rng: torch.Generator | None
) -> torch.Tensor:
    """Return the uniform numbers of the caller, checked. Default: new ones, in float32 or wider.

    Raises:
        ValueError: `draw` is given together with `rng`, has another shape, is not floating-point, or holds a number below 0,
            or of 1 or more (values are checked on the CPU only).
    """
    if draw is None:
        dtype = torch.promote_types(like.dtype, torch.float32)
        return random_tensor(torch.rand, shape, rng, dtype=dtype, device=like.device)
    refuse_both("draw", draw, rng)
    check_floating("draw", draw)
    if tuple(draw.shape) != tuple(shape):
        raise ValueError(f"draw must have shape {tuple(shape)}, got {tuple(draw.shape)}")
    # Written so that NaN, which is neither inside nor outside, is refused too.
    if values_are_readable(draw) and not bool(((draw >= 0) & (draw < 1)).all()):
        raise ValueError(f"draw must hold numbers from 0 to below 1, got {draw.min():.6g}..{draw.max():.6g}")
    return draw


def refuse_both(name: str, draw: object, rng: torch.Generator | None) -> None:
    """Refuse a draw that is given together with a generator."""
    if draw is not None and rng is not None:
        raise ValueError(f"{name} and rng must not both be given: a given {name} leaves nothing to draw")
