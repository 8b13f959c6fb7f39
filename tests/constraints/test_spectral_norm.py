"""Spectral normalization of a whole network."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from support.second_order import parameters_pass_gradcheck
from support.strategies import normal, seeds
from torch import nn

from gankit.constraints import gradient_penalty, spectral_norm_, zero_centered_penalty

SHAPES = {
    "linear": (lambda: nn.Linear(7, 3), (2, 7)),
    "convolution": (lambda: nn.Conv2d(2, 5, 3), (2, 2, 5, 5)),
    "grouped": (lambda: nn.Conv2d(4, 6, 3, groups=2), (2, 4, 5, 5)),
    "line": (lambda: nn.Conv1d(2, 3, 3), (2, 2, 7)),
    "volume": (lambda: nn.Conv3d(2, 3, 2), (2, 2, 3, 3, 3)),
    "transposed": (lambda: nn.ConvTranspose2d(5, 2, 3), (2, 5, 3, 3)),
}


def _critic(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1), nn.Softplus(), nn.Flatten(), nn.Linear(48, 1, bias=False)
    ).double()


def _parametrization(layer: Any) -> Any:
    """The list of what the layer's weight goes through; it also holds the original."""
    return layer.parametrizations["weight"]


def _largest(weight: torch.Tensor, *, transposed: bool = False) -> float:
    matrix = weight.detach().numpy()
    matrix = np.moveaxis(matrix, 1, 0) if transposed else matrix
    return float(np.linalg.svd(matrix.reshape(len(matrix), -1), compute_uv=False)[0])


def _with_spectrum(weight: torch.Tensor, *, transposed: bool) -> torch.Tensor:
    """The weight with singular values 3, 2.1, 1.47, ...: apart from one another, so that fifty iterations do converge."""
    matrix = weight.detach().numpy()
    matrix = np.moveaxis(matrix, 1, 0) if transposed else matrix
    left, values, right = np.linalg.svd(matrix.reshape(len(matrix), -1), full_matrices=False)
    spread = (left * (3 * 0.7 ** np.arange(len(values))) @ right).reshape(matrix.shape)
    return torch.from_numpy(np.moveaxis(spread, 0, 1).copy() if transposed else spread)


@pytest.mark.parametrize("kind", SHAPES)
@settings(max_examples=5)
@given(seed=seeds)
def test_after_fifty_passes_the_largest_singular_value_is_one(kind: str, seed: int) -> None:
    make, shape = SHAPES[kind]
    transposed = kind == "transposed"
    torch.manual_seed(seed)
    layer = make().double()
    original = _with_spectrum(layer.weight, transposed=transposed)
    with torch.no_grad():
        layer.weight.copy_(original)
    spectral_norm_(layer)
    for _ in range(50):
        layer(normal(seed, *shape))
    assert _largest(layer.weight, transposed=transposed) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(layer.weight, original / 3, rtol=1e-6, atol=1e-6)


def test_every_layer_has_it_once_and_nothing_else_does() -> None:
    shared = nn.Linear(3, 3)
    network = nn.ModuleList(
        [nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), shared, nn.Embedding(5, 3), nn.ModuleList([shared])]
    )
    assert spectral_norm_(network) is None
    spectral_norm_(network)
    names = [name for name, _ in network.named_parameters()]
    assert [name for name in names if "parametrizations" in name] == [
        "0.parametrizations.weight.original",
        "2.parametrizations.weight.original",
    ]
    assert len(_parametrization(shared)) == 1


def test_a_network_may_have_it_in_places_already() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    nn.utils.parametrizations.spectral_norm(network[0], n_power_iterations=5)
    spectral_norm_(network, power_iterations=2)
    third = nn.Linear(2, 1)
    spectral_norm_(third)
    assert _parametrization(third)[0].n_power_iterations == 1
    counts = [_parametrization(layer)[0].n_power_iterations for layer in network]
    assert counts == [5, 2]


class _Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


def test_other_parametrizations_and_single_zeros_do_not_matter() -> None:
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight[0, 0] = 0.0
    nn.utils.parametrize.register_parametrization(layer, "weight", _Doubled())
    spectral_norm_(layer)
    spectral_norm_(layer)
    assert len(_parametrization(layer)) == 2


def test_a_network_without_values_yet_may_have_it() -> None:
    with torch.device("meta"):
        layer = nn.Linear(3, 2)
    spectral_norm_(layer)
    assert layer.weight.device.type == "meta"


def test_parameters_stay_the_same_objects_for_an_optimizer_made_before() -> None:
    layer = nn.Linear(3, 2)
    weight = layer.weight
    network = nn.Sequential(layer, nn.Linear(2, 1))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    spectral_norm_(network)
    assert _parametrization(layer).original is weight
    kept = layer.weight.detach().clone()
    network(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    assert not torch.allclose(layer.weight, kept)


@given(seed=seeds, iterations=st.sampled_from((1, 2, 3)))
def test_each_pass_in_training_moves_the_iteration_by_the_given_number(seed: int, iterations: int) -> None:
    torch.manual_seed(seed)
    layer = nn.Linear(7, 5).double()
    spectral_norm_(layer, power_iterations=iterations)
    part = _parametrization(layer)[0]
    matrix, left, right = (
        tensor.detach().numpy().copy() for tensor in (_parametrization(layer).original, part._u, part._v)
    )
    layer(normal(seed, 2, 7))
    for _ in range(iterations):
        left = matrix @ right / np.linalg.norm(matrix @ right)
        right = matrix.T @ left / np.linalg.norm(matrix.T @ left)
    np.testing.assert_allclose(part._u.numpy(), left, rtol=1e-9)
    np.testing.assert_allclose(part._v.numpy(), right, rtol=1e-9)


def test_in_eval_mode_nothing_moves() -> None:
    critic = _critic(0)
    spectral_norm_(critic)
    critic.eval()
    before = {name: value.clone() for name, value in critic.state_dict().items()}
    images = normal(1, 3, 2, 4, 4)
    assert torch.equal(critic(images), critic(images))
    assert all(torch.equal(before[name], value) for name, value in critic.state_dict().items())


@pytest.mark.parametrize("seed", range(3))
def test_a_penalty_in_eval_mode_passes_a_numerical_check(seed: int) -> None:
    critic = _critic(seed)
    spectral_norm_(critic)
    critic.eval()
    real, fake, mix = normal(1, 3, 2, 4, 4), normal(2, 3, 2, 4, 4), torch.full((3, 1, 1, 1), 0.3, dtype=torch.float64)
    assert parameters_pass_gradcheck(critic, lambda c: gradient_penalty(c, real, fake, mix=mix))
    assert parameters_pass_gradcheck(critic, lambda c: zero_centered_penalty(c, real))


def test_the_slope_does_not_grow_with_the_weights() -> None:
    critic = nn.Linear(5, 1, bias=False).double()
    spectral_norm_(critic)
    for _ in range(20):
        critic(normal(0, 2, 5))
    with torch.no_grad():
        _parametrization(critic).original.mul_(1000.0)
    torch.testing.assert_close(zero_centered_penalty(critic, normal(1, 3, 5)), torch.tensor(1.0, dtype=torch.float64))


def test_a_normalized_network_can_be_copied() -> None:
    critic = _critic(0)
    spectral_norm_(critic)
    critic.eval()
    images = normal(0, 2, 2, 4, 4)
    assert torch.equal(copy.deepcopy(critic)(images), critic(images))


def test_mistakes_are_named_and_change_nothing() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    torch.nn.init.zeros_(list(network.parameters())[2])
    with pytest.raises(ValueError, match=r"weights that are not all zero, got '1\.weight': its norm is 0"):
        spectral_norm_(network)
    assert not nn.utils.parametrize.is_parametrized(network[0])
    lazy = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(ValueError, match=r"must know its shapes, got '0\.weight' without one"):
        spectral_norm_(lazy)
    with pytest.raises(ValueError, match="must have linear layers or convolutions"):
        spectral_norm_(nn.Embedding(3, 2))
    with pytest.raises(ValueError, match=r"network must be a torch\.nn\.Module, got list"):
        spectral_norm_([nn.Linear(2, 1)])  # type: ignore[arg-type]
    for count in (0, 1.0, True):
        with pytest.raises(ValueError, match="power_iterations must be"):
            spectral_norm_(nn.Linear(2, 1), power_iterations=count)  # type: ignore[arg-type]


def test_the_old_form_is_refused() -> None:
    layer = nn.utils.spectral_norm(nn.Linear(3, 2))
    with pytest.raises(ValueError, match=r"torch\.nn\.utils\.spectral_norm already, got it in 'weight'"):
        spectral_norm_(layer)
