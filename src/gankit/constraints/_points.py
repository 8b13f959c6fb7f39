"""Where a penalty takes the gradient: a tensor, or several, in a mapping or a tuple."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar, cast

import torch

from gankit._core import Scores, check_batch, check_floating, check_same_shape, uniform_like

Points: TypeAlias = torch.Tensor | Mapping[str, torch.Tensor] | tuple[torch.Tensor, ...]
"""Samples, first axis the batch: one tensor, or parts of each sample in a mapping, a tuple or a named tuple."""

PointsT = TypeVar("PointsT", bound=Points)

PointCritic: TypeAlias = Callable[[PointsT], Scores]
"""Samples in, scores out; the one argument has the form of the points. Conditions are bound by a lambda."""


def named_parts(name: str, points: Points) -> dict[str, torch.Tensor]:
    """Return the parts under the names that errors call them by: ``points``, ``points['image']`` or ``points[0]``."""
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
    """Return the tensors alone, in order."""
    return list(named_parts("points", points).values())


def with_parts(points: PointsT, parts: Sequence[torch.Tensor]) -> PointsT:
    """Return the parts, in the order of `parts_of`, in the form of `points`: a mapping as a dict, a named tuple as itself."""
    if isinstance(points, Mapping):
        return cast("PointsT", dict(zip(points, parts, strict=True)))
    if isinstance(points, tuple):
        kind = type(points)
        return cast("PointsT", kind(*parts) if hasattr(kind, "_fields") else tuple(parts))
    return cast("PointsT", parts[0])


def map_points(function: Callable[..., torch.Tensor], points: PointsT, *others: Points) -> PointsT:
    """Apply `function` to each part, with the same part of the others, and return the results in the form of `points`.

    The others have passed `check_same_points`; parts of mappings are matched by their keys.
    """
    matched = [named_parts("points", each) for each in others]
    results = [function(part, *(m[name] for m in matched)) for name, part in named_parts("points", points).items()]
    return with_parts(points, results)


def check_points(name: str, points: Points) -> None:
    """Refuse what is not floating-point, has no sample, or parts of unequal batch sizes or devices."""
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
    """Refuse points of another form, with other names or of other shapes. Both are checked as `check_points` does."""
    check_points(other_name, other)
    check_points(name, points)
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
    share: torch.Tensor | None, rng: torch.Generator | None, *points: Points, name: str = "mix"
) -> torch.Tensor:
    """Return one share a sample, in 0..1: the given one, its shape checked, or a draw.

    The shape is ``(n, 1, ..., 1)`` beside tensors, and ``(n,)`` beside points of several parts, whose ranks differ; the draw
    is ``torch.rand`` of that shape in the widest dtype of all points. Spread it over a part by `along`.
    """
    parts = [part for each in points for part in parts_of(each)]
    samples = parts[0].shape[0]
    shape = (samples, *(1,) * (parts[0].ndim - 1)) if isinstance(points[0], torch.Tensor) else (samples,)
    if share is None:
        return uniform_like(parts[0].new_empty(0, dtype=wider_dtype(*parts)), shape, rng)
    if rng is not None:
        raise ValueError(f"{name} and rng must not both be given: a given {name} leaves nothing to draw")
    check_floating(name, share)
    if tuple(share.shape) != shape:
        raise ValueError(f"{name} must have shape {shape}, one share for each sample, got {tuple(share.shape)}")
    return share


def along(share: torch.Tensor, *parts: torch.Tensor) -> torch.Tensor:
    """Reshape one number a sample so that it multiplies parts of one rank, in the dtype that they are promoted to."""
    return share.reshape(-1, *(1,) * (parts[0].ndim - 1)).to(wider_dtype(*parts))


def wider_dtype(*parts: torch.Tensor) -> torch.dtype:
    """Return the dtype that all parts are promoted to together."""
    dtype = parts[0].dtype
    for part in parts[1:]:
        dtype = torch.promote_types(dtype, part.dtype)
    return dtype


def squared_norms(gradient: Points) -> torch.Tensor:
    """Squared Euclidean norm of each sample's gradient, over all its parts together."""
    parts = [part.flatten(1).square().sum(1) for part in parts_of(gradient)]
    return sum(parts[1:], start=parts[0])


def norms(gradient: Points) -> torch.Tensor:
    """Euclidean norm of each sample's gradient, over all its parts together; 0 with slope 0 at a zero gradient."""
    parts = [part.flatten(1) for part in parts_of(gradient)]
    # A norm of the parts' norms would have a wrong second derivative where one part's gradient is zero.
    return torch.linalg.vector_norm(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1), dim=1)


def _suffixes(name: str, points: Points) -> list[str]:
    return [part_name.removeprefix(name) for part_name in named_parts(name, points)]
