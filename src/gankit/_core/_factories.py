"""Checks of the callables that build layers: `norm`, `activation` and their like."""

from collections.abc import Callable
from typing import Any

from torch import nn


def check_factory(name: str, factory: Callable[..., Any]) -> None:
    """Refuse a finished layer, or nothing, where a callable that builds layers is wanted."""
    if isinstance(factory, nn.Module):
        raise ValueError(
            f"{name} must be a callable that builds a layer, such as a layer's class, got the finished layer {factory!r}"
        )
    if not callable(factory):
        raise ValueError(f"{name} must be a callable that builds a layer (nn.Identity for none), got {factory!r}")


def check_out_of_place(name: str, layer: nn.Module) -> None:
    """Refuse a layer that would overwrite its input, and with it the caller's tensor or a shortcut."""
    for part in layer.modules():
        if getattr(part, "inplace", False):
            raise ValueError(f"{name} must not work in place, got {part!r}")
