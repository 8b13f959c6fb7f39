"""The points at which a penalty takes the gradient: one tensor, or several in a mapping or a tuple."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar, cast

import torch

from gankit._core import Scores, check_batch, check_floating, check_same_shape, random_tensor, refuse_both

Points: TypeAlias = torch.Tensor | Mapping[str, torch.Tensor] | tuple[torch.Tensor, ...]
"""Samples along the first axis: one tensor, or the parts of each sample in a mapping, a tuple or a named tuple."""

PointsT = TypeVar("PointsT", bound=Points)

PointCritic: TypeAlias = Callable[[PointsT], Scores]
"""A callable from samples to scores, whose argument has the form of the points. Bind conditions by a lambda."""


def check_critic(critic: object) -> None:
    """Refuse what cannot be called, such as a forgotten critic."""
    if not callable(critic):
        raise ValueError(f"critic must be a callable from samples to scores, got {critic!r}")


def note_on_conditions(error: TypeError) -> None:
    """Add what to do to the error of a critic that was called without its conditions."""
    if re.search(r"missing \d+ required (positional|keyword)", str(error)):
        error.add_note(
            "A penalty calls the critic with the samples alone. If it takes conditions too, bind them: "
            "lambda x: critic(x, labels)"
        )


def check_rows(scores: Scores, samples: int) -> None:
    """Refuse scores that cannot be those of the single samples: fewer rows than samples, or no multiple of them."""
    if scores.ndim == 0:
        if samples > 1:
            raise ValueError(
                f"scores must be one or more for each sample, got a 0-d tensor for {samples} samples: a mean over the batch "
                "divides each sample's gradient"
            )
    elif scores.shape[0] < samples or scores.shape[0] % samples:
        raise ValueError(
            f"scores must have as many rows as there are samples, or a multiple, got shape {tuple(scores.shape)} for "
            f"{samples} samples"
        )


def named_parts(name: str, points: Points) -> dict[str, torch.Tensor]:
    """Return the parts by the names that error messages use: ``points``, ``points['image']`` or ``points[0]``."""
    if isinstance(points, torch.Tensor):
        return {name: points}
    if isinstance(points, Mapping):
        parts = {f"{name}[{key!r}]": part for key, part in points.items()}
    elif isinstance(points, tuple):
        parts = {f"{name}[{position}]": part for position, part in enumerate(points)}
    else:
        raise ValueError(f"{name} must be a tensor, or a mapping or a tuple of tensors, got {type(points).__name__}")
    if not parts:
        raise ValueError(f"{name} must hold at least one tensor, got an empty {type(points).__name__}")
    return parts


def parts_of(points: Points) -> list[torch.Tensor]:
    """Return the tensors, in order."""
    if isinstance(points, torch.Tensor):
        return [points]
    return list(named_parts("points", points).values())


def with_parts(points: PointsT, parts: Sequence[torch.Tensor]) -> PointsT:
    """Return parts, in the order of `parts_of`, in the form of `points`: a dict for a mapping, a named tuple for one."""
    if isinstance(points, torch.Tensor):
        return cast("PointsT", parts[0])
    if isinstance(points, Mapping):
        return cast("PointsT", dict(zip(points, parts, strict=True)))
    kind = type(points)
    return cast("PointsT", kind(*parts) if hasattr(kind, "_fields") else tuple(parts))


def map_points(function: Callable[..., torch.Tensor], points: PointsT, *others: Points) -> PointsT:
    """Apply `function` to each part of `points` and of the others, and return the results in the form of `points`.

    The others have passed `check_same_points`. The parts of mappings are matched by their keys.
    """
    if isinstance(points, torch.Tensor):
        return cast("PointsT", function(points, *others))  # the usual case, which needs no names
    matched = [named_parts("points", each) for each in others]
    results = [function(part, *(m[name] for m in matched)) for name, part in named_parts("points", points).items()]
    return with_parts(points, results)


def check_points(name: str, points: Points) -> None:
    """Refuse parts that are not floating-point or are empty, or that differ in batch size or device."""
    if isinstance(points, torch.Tensor):  # the usual case, which has nothing to differ from
        check_floating(name, points)
        check_batch(name, points)
        return
    parts = named_parts(name, points)
    first_name, first = next(iter(parts.items()))
    for part_name, part in parts.items():
        check_floating(part_name, part)
        check_batch(part_name, part)
        if part.shape[0] != first.shape[0]:
            raise ValueError(
                f"{part_name} must hold as many samples as {first_name}, got {part.shape[0]} and {first.shape[0]}"
            )
        if part.device != first.device:
            raise ValueError(f"{part_name} must be on the device of {first_name}, got {part.device} and {first.device}")


def check_same_points(name: str, points: Points, other_name: str, other: Points) -> None:
    """Refuse points that differ in form, names or shapes. Both are also checked by `check_points`."""
    check_points(other_name, other)
    check_points(name, points)
    if isinstance(points, torch.Tensor) and isinstance(other, torch.Tensor):
        check_same_shape(name, points, other_name, other)
        return
    suffixes, parts = _suffixes(name, points), named_parts(name, points)
    if set(suffixes) != set(_suffixes(other_name, other)):
        raise ValueError(
            f"{name} and {other_name} must have the same parts, got {list(parts)} and {list(named_parts(other_name, other))}"
        )
    others = named_parts(other_name, other)
    for suffix in suffixes:
        wanted_name = other_name + suffix
        check_same_shape(name + suffix, parts[name + suffix], wanted_name, others[wanted_name])


def share_of_each_sample(
    mix: torch.Tensor | None, rng: torch.Generator | None, first: Points, *others: Points
) -> torch.Tensor:
    """Return one share per sample, in 0..1: `mix`, its shape checked, or a draw.

    The shape is ``(n, 1, ..., 1)`` for tensors, and ``(n,)`` for points of several parts, whose ranks may differ. The draw is
    ``torch.rand`` of that shape in the widest dtype of all points. `along` reshapes it to multiply a part.
    """
    parts = parts_of(first)
    for points in others:
        parts += parts_of(points)
    samples = parts[0].shape[0]
    shape = (samples, *(1,) * (parts[0].ndim - 1)) if isinstance(first, torch.Tensor) else (samples,)
    if mix is None:
        return random_tensor(torch.rand, shape, rng, dtype=wider_dtype(*parts), device=parts[0].device)
    refuse_both("mix", mix, rng)
    check_floating("mix", mix)
    if tuple(mix.shape) != shape:
        raise ValueError(f"mix must have shape {shape}, one share per sample, got {tuple(mix.shape)}")
    return mix


def along(share: torch.Tensor, part: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Reshape one number per sample so that it multiplies a part, in this dtype."""
    if share.ndim != part.ndim:
        share = share.reshape(-1, *(1,) * (part.ndim - 1))
    return data_of(share, dtype)


def data_of(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the tensor without its graph in this dtype; the tensor itself if it is so already."""
    if tensor.requires_grad:
        tensor = tensor.detach()
    return tensor if tensor.dtype is dtype else tensor.to(dtype)


def wider_dtype(*parts: torch.Tensor) -> torch.dtype:
    """Return the dtype that all parts are promoted to."""
    dtype = parts[0].dtype
    for part in parts[1:]:
        if part.dtype is not dtype:
            dtype = torch.promote_types(dtype, part.dtype)
    return dtype


def _suffixes(name: str, points: Points) -> list[str]:
    return [part_name.removeprefix(name) for part_name in named_parts(name, points)]
