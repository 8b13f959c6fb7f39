"""A network as a table of its layers."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.utils.parametrize import is_parametrized

_HEAD = ("Layer", "Kind", "Output", "Parameters")


class LayerRow(NamedTuple):
    """One layer of a `LayerTable`.

    Attributes:
        name: Name of the layer in the network, as in its `state_dict`.
        kind: Class of the layer.
        output: Shape of its result; empty if it was never called, or returned no tensor.
        parameters: Number of its parameters; 0 if an earlier row has counted them.

    Example:
        >>> import torch
        >>> from gankit.networks import layer_table
        >>> layer_table(torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.zeros(5, 3)).rows[0]
        LayerRow(name='0', kind='Linear', output=(5, 2), parameters=8)
    """

    name: str
    kind: str
    output: tuple[int, ...]
    parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTable:
    """Layers in the order of their calls; `print` shows them as a table, with the sum of parameters below.

    Args:
        rows: One per call of a layer.

    Example:
        >>> import torch
        >>> from gankit.networks import DCGANCritic, layer_table
        >>> print(layer_table(DCGANCritic(resolution=8, base=4, width=2), torch.zeros(5, 3, 8, 8)))
        Layer      Kind       Output        Parameters
        body.0     Conv2d     (5, 2, 4, 4)          98
        body.1     LeakyReLU  (5, 2, 4, 4)           0
        end.score  Linear     (5, 1)                33
        Sum                                        131
    """

    rows: tuple[LayerRow, ...]

    @property
    def parameters(self) -> int:
        """Number of parameters of the network."""
        return sum(row.parameters for row in self.rows)

    def __str__(self) -> str:
        lines = [_HEAD, *((row.name, row.kind, _shape(row.output), f"{row.parameters:,}") for row in self.rows)]
        lines.append(("Sum", "", "", f"{self.parameters:,}"))
        first, second, third, last = (max(map(len, column)) for column in zip(*lines, strict=True))
        return "\n".join(f"{a:{first}}  {b:{second}}  {c:{third}}  {d:>{last}}" for a, b, c, d in lines)


def layer_table(network: nn.Module, *inputs: object) -> LayerTable:
    """List a network's layers, the shapes of their results, and their parameters.

    Nothing is computed: the network is called on torch's ``meta`` device, where tensors have shapes but no values. Even a
    large network therefore needs little time and memory. Its weights, statistics and mode, the inputs and the random
    state are not changed.

    A layer is a module without submodules, or one with parameters of its own. A layer that is called twice has two rows;
    one that is never called (its weights are used by another) comes last, without a shape. A layer under a
    parametrization, such as `gankit.constraints.spectral_norm_`, is one row.

    Args:
        network: Any module, not only gankit's.
        inputs: The arguments of the call; only the shape and the dtype of tensors matter.

    Returns:
        The table; its ``str`` is text for people, its `rows` are for programs.

    Raises:
        ValueError: `network` is not a module.

    Example:
        >>> import torch
        >>> from gankit.networks import ResidualGenerator, layer_table
        >>> table = layer_table(ResidualGenerator(), torch.empty(2, 128))
        >>> table.rows[-1], table.parameters
        (LayerRow(name='body.7', kind='Tanh', output=(2, 3, 64, 64), parameters=0), 8541443)
    """
    if not isinstance(network, nn.Module):
        raise ValueError(f"network must be a module, got {type(network).__name__}")
    layers = dict(_layers(network))
    calls = _calls(network, layers, inputs)
    called = {name for name, _ in calls}
    calls += [(name, ()) for name, layer in layers.items() if name not in called and _own_parameters(layer)]
    uncounted = set(network.parameters())
    rows: list[LayerRow] = []
    for name, output in calls:
        own = _own_parameters(layers[name]) & uncounted
        uncounted -= own
        kind = type(layers[name]).__name__.removeprefix("Parametrized")
        rows.append(LayerRow(name, kind, output, sum(parameter.numel() for parameter in own)))
    return LayerTable(rows=tuple(rows))


def _layers(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield every layer; a parametrized layer is one layer."""
    if is_parametrized(module) or not any(module.children()) or any(True for _ in module.parameters(recurse=False)):
        yield name, module
    if not is_parametrized(module):
        for key, child in module.named_children():
            yield from _layers(child, f"{name}.{key}" if name else key)


def _calls(
    network: nn.Module, layers: Mapping[str, nn.Module], inputs: tuple[object, ...]
) -> list[tuple[str, tuple[int, ...]]]:
    """Call the network on shapes only, and return for each call of a layer its name and the shape of its result."""
    calls: list[tuple[str, tuple[int, ...]]] = []

    def noting(name: str) -> Callable[[nn.Module, object, object], None]:
        return lambda _layer, _inputs, output: calls.append((name, _first_shape(output)))

    tensors = itertools.chain(network.named_parameters(), network.named_buffers())
    shapes_alone = {name: tensor.to("meta") for name, tensor in tensors}
    arguments = tuple(value.to("meta") if isinstance(value, torch.Tensor) else value for value in inputs)
    with ExitStack() as hooks, torch.no_grad():
        for name, layer in layers.items():
            hooks.callback(layer.register_forward_hook(noting(name)).remove)
        functional_call(network, shapes_alone, arguments)
    return calls


def _own_parameters(layer: nn.Module) -> set[nn.Parameter]:
    return set(layer.parameters(recurse=is_parametrized(layer)))


def _first_shape(output: object) -> tuple[int, ...]:
    if isinstance(output, tuple) and output:
        return _first_shape(output[0])
    return tuple(output.shape) if isinstance(output, torch.Tensor) else ()


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape) if shape else "-"
