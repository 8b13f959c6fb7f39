"""Checks of feature maps, feature vectors and conditions."""

import torch

from gankit._core import check_batch, check_floating


def check_maps(name: str, maps: torch.Tensor, channels: int | None) -> None:
    """Refuse anything but an ``(n, channels, height, width)`` tensor; ``channels=None`` allows any number of them."""
    check_floating(name, maps)
    if maps.ndim != 4 or (channels is not None and maps.shape[1] != channels):
        wanted = "channels" if channels is None else channels
        raise ValueError(f"{name} must have shape (n, {wanted}, height, width), got {tuple(maps.shape)}")
    check_batch(name, maps)


def check_features(features: torch.Tensor, in_features: int) -> None:
    """Refuse anything but an ``(n, in_features)`` tensor."""
    check_floating("features", features)
    if features.ndim != 2 or features.shape[1] != in_features:
        raise ValueError(f"features must have shape (n, {in_features}), got {tuple(features.shape)}")
    check_batch("features", features)


def check_even(x: torch.Tensor) -> None:
    """Refuse maps with an odd height or width, which cannot be halved."""
    if x.shape[2] % 2 or x.shape[3] % 2:
        raise ValueError(f"x must have an even height and width to be halved, got {x.shape[2]} x {x.shape[3]}")


def check_condition(
    condition: torch.Tensor | None, samples: int, features: int, *, whole_numbers: bool = False
) -> torch.Tensor:
    """Return `condition` if it is a ``(samples, features)`` tensor, otherwise refuse it.

    It must be floating-point, as linear layers need; with `whole_numbers` it may have any dtype.
    """
    if condition is None:
        raise ValueError(
            f"condition must be given, of shape ({samples}, {features}), since this layer depends on it, got None"
        )
    if not (whole_numbers and isinstance(condition, torch.Tensor)):
        check_floating("condition", condition)
    if tuple(condition.shape) != (samples, features):
        raise ValueError(f"condition must have shape ({samples}, {features}), got {tuple(condition.shape)}")
    return condition
