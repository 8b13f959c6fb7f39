"""Layers that a user brings: the callables that build them (`norm`, `activation`, ...), and those that take a condition."""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn


def check_factory(name: str, factory: Callable[..., Any]) -> None:
    """Refuse everything but a callable, and a layer that is built already."""
    if isinstance(factory, nn.Module):
        raise ValueError(
            f"{name} must be a callable that builds a layer, such as a layer's class, got the finished layer {factory!r}"
        )
    if not callable(factory):
        raise ValueError(f"{name} must be a callable that builds a layer (nn.Identity for none), got {factory!r}")


def build_layer(name: str, factory: Callable[..., Any], *arguments: int) -> nn.Module:
    """Return the layer that the callable builds; refuse a callable that does not take these arguments or builds no layer."""
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
    """Return the callable wrapped in the checks of `build_layer`."""
    check_factory(name, factory)
    return partial(build_layer, name, factory)


def check_out_of_place(name: str, layer: nn.Module) -> None:
    """Refuse a layer that overwrites its input, which may be the caller's tensor or the input of a shortcut."""
    for part in layer.modules():
        if getattr(part, "inplace", False):
            raise ValueError(f"{name} must not work in place, got {part!r}")


class Conditioned:
    """Marker of layers that take a condition: blocks call them with ``(x, condition)``, every other layer with ``(x)``.

    Example:
        >>> import torch
        >>> from gankit.blocks import Conditioned
        >>> class Shift(torch.nn.Module, Conditioned):
        ...     def forward(self, x, condition):
        ...         return x + condition.mean()
    """
