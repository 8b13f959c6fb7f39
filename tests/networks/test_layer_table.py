"""Tables of layers: what they list, what they count, and that making them changes nothing."""

import pytest
import torch
from networks.cases import ALL, inputs_of
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gankit.networks import LayerRow, LayerTable, layer_table


class Twice(nn.Module):
    """Calls one layer twice, uses the weight of another without a call, and has a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.read = nn.Linear(3, 5, bias=False)
        self.unused = nn.ReLU()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        return self.scale[0] * nn.functional.linear(self.layer(self.layer(x)), self.read.weight), 7


def test_every_call_is_a_row_and_every_parameter_is_counted_once() -> None:
    assert layer_table(Twice(), torch.zeros(2, 3)).rows == (
        LayerRow("layer", "Linear", (2, 3), 12),
        LayerRow("layer", "Linear", (2, 3), 0),
        LayerRow("", "Twice", (2, 5), 2),
        LayerRow("read", "Linear", (), 15),
    )


@pytest.mark.parametrize("name", ALL)
def test_the_sum_is_the_networks_and_the_shapes_are_those_of_a_real_call(name: str) -> None:
    network, inputs = ALL[name]().double(), inputs_of(name)
    table = layer_table(network, *inputs)
    assert table.parameters == sum(parameter.numel() for parameter in network.parameters())
    shapes: list[tuple[str, tuple[int, ...]]] = []
    for layer_name, layer in network.named_modules():
        if not list(layer.children()):
            layer.register_forward_hook(lambda _, __, y, n=layer_name: shapes.append((n, tuple(y.shape))))
    network(*inputs)
    leaves = {layer_name for layer_name, layer in network.named_modules() if not list(layer.children())}
    assert [(row.name, row.output) for row in table.rows if row.name in leaves and row.output] == shapes
    assert len(shapes) > 3


@pytest.mark.parametrize("training", [True, False])
def test_nothing_moves(training: bool) -> None:
    network = nn.Sequential(spectral_norm(nn.Linear(3, 4)), nn.BatchNorm1d(4), nn.Dropout(0.5)).train(training)
    inputs = torch.randn(5, 3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    versions = {key: value._version for key, value in network.state_dict().items()}
    random, copy = torch.get_rng_state(), inputs.clone()
    layer_table(network, inputs)
    assert torch.equal(random, torch.get_rng_state())
    assert torch.equal(inputs, copy)
    assert all(layer.training == training for layer in network.modules())
    assert all(not layer._forward_hooks for layer in network.modules())
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]), key
        assert value._version == versions[key]


def test_a_parametrized_layer_is_one_row_under_its_own_name() -> None:
    table = layer_table(nn.Sequential(spectral_norm(nn.Linear(3, 4)), nn.ReLU()), torch.zeros(2, 3))
    assert table.rows == (LayerRow("0", "Linear", (2, 4), 16), LayerRow("1", "ReLU", (2, 4), 0))


def test_tied_weights_are_counted_once() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    network[1].weight = network[0].weight
    assert [row.parameters for row in layer_table(network, torch.zeros(2, 3)).rows] == [12, 3]


def test_hooks_are_gone_after_a_mistake_too() -> None:
    network = nn.Linear(3, 2)
    with pytest.raises(RuntimeError):
        layer_table(network, torch.zeros(2, 5))
    assert not network._forward_hooks
    with pytest.raises(ValueError, match="network must be a module, got function"):
        layer_table(lambda x: x, torch.zeros(2, 5))  # type: ignore[arg-type]


def test_text_lines_up() -> None:
    lines = str(layer_table(nn.Sequential(nn.Linear(30, 500), nn.Tanh()), torch.zeros(2, 30))).splitlines()
    assert lines[0].split() == ["Layer", "Kind", "Output", "Parameters"]
    assert lines[1].split("  ")[-1].strip() == "15,500"
    assert lines[-1].split() == ["Sum", "15,500"]
    assert len({len(line) for line in lines}) == 1
    assert str(LayerTable(rows=())).splitlines()[-1].split() == ["Sum", "0"]
    unseen = LayerTable(rows=(LayerRow("read", "Linear", (), 3),))
    assert str(unseen).splitlines()[1].split() == ["read", "Linear", "-", "3"]
