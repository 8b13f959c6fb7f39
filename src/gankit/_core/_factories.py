"""Checks of the callables that build layers: `norm`, `activation` and their like."""

from collections.abc import Callable
from functools import partial
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


def build_layer(name: str, factory: Callable[..., Any], *arguments: int) -> nn.Module:
    """Return what the callable builds, if it takes these arguments and builds a layer; else refuse it."""
    check_factory(name, factory)
    try:
        layer = factory(*arguments)
    except TypeError as error:
        called = f"called with {', '.join(map(str, arguments)) or 'nothing'}"
        raise ValueError(
            f"{name} must be a callable that builds a layer, got {factory!r}; {called}: {error}"
        ) from error
    if not isinstance(layer, nn.Module):
        raise ValueError(f"{name} must build a torch.nn.Module, got {factory!r}, which gives {layer!r}")
    return layer


def layer_builder(name: str, factory: Callable[..., Any]) -> Callable[..., nn.Module]:
    """Return the callable with `build_layer`'s checks around it."""
    check_factory(name, factory)
    return partial(build_layer, name, factory)


def check_out_of_place(name: str, layer: nn.Module) -> None:
    """Refuse a layer that would overwrite its input, and with it the caller's tensor or a shortcut."""
    for part in layer.modules():
        if getattr(part, "inplace", False):
            raise ValueError(f"{name} must not work in place, got {part!r}")
