"""Weight clipping and spectral normalization."""

import copy
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from support.second_order import parameters_pass_gradcheck
from support.strategies import normal, seeds
from torch import nn

from gankit.constraints import clip_weights_, gradient_penalty, spectral_norm_, zero_centered_penalty
from gankit.training import Accumulated, Update

bounds = st.floats(1e-4, 10)


class _Network(nn.Module):
    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.convolution, self.norm, self.head = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(27, 1)
        self.double()
        for parameter in self.parameters():
            nn.init.normal_(parameter)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.convolution(x)).relu().flatten(1))


@given(seed=seeds, bound=bounds)
def test_every_weight_is_clamped_as_numpy_clips(seed: int, bound: float) -> None:
    network = _Network(seed)
    before = [parameter.detach().numpy().copy() for parameter in network.parameters()]
    assert clip_weights_(network, bound) is None
    for old, parameter in zip(before, network.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.detach().numpy(), np.clip(old, -bound, bound))


@given(seed=seeds, bound=bounds)
def test_clipping_twice_is_clipping_once(seed: int, bound: float) -> None:
    network = _Network(seed)
    clip_weights_(network, bound)
    once = copy.deepcopy(network.state_dict())
    clip_weights_(network, bound)
    assert all(torch.equal(once[name], value) for name, value in network.state_dict().items())


def test_buffers_gradients_storage_and_flags_stay() -> None:
    network = _Network(0)
    network.norm.running_var.fill_(7.0)  # type: ignore[union-attr]
    network.convolution.weight.requires_grad = False
    network(torch.randn(3, 2, 5, 5, dtype=torch.float64)).sum().backward()
    buffers = {name: value.clone() for name, value in network.named_buffers()}
    assert network.head.weight.grad is not None
    gradient = network.head.weight.grad.clone()
    places = [parameter.data_ptr() for parameter in network.parameters()]
    clip_weights_(network, 0.01)
    assert all(torch.equal(buffers[name], value) for name, value in network.named_buffers())
    assert torch.equal(network.head.weight.grad, gradient)
    assert [parameter.data_ptr() for parameter in network.parameters()] == places
    assert not network.convolution.weight.requires_grad
    assert network.convolution.weight.abs().max() <= 0.01


def test_other_networks_and_the_optimizers_state_stay() -> None:
    critic, generator = _Network(0), nn.Linear(2, 2)
    optimizer = torch.optim.Adam(critic.parameters())
    critic(torch.randn(3, 2, 5, 5, dtype=torch.float64)).sum().backward()
    optimizer.step()
    state, other = copy.deepcopy(optimizer.state_dict()), copy.deepcopy(generator.state_dict())
    clip_weights_(critic, 0.01)
    torch.testing.assert_close(optimizer.state_dict(), state, rtol=0, atol=0)
    torch.testing.assert_close(generator.state_dict(), other, rtol=0, atol=0)


class _Block(nn.Module):
    """A branch of two convolutions beside a shortcut: its Lipschitz constant is the sum of theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.shortcut = nn.Conv2d(2, 3, 3), nn.Conv2d(3, 5, 2), nn.Conv2d(2, 5, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(x).relu()) + self.shortcut(x)


def _lipschitz(layer: nn.Linear | nn.Conv2d, bound: float) -> float:
    """Largest constant of a layer whose weights are all at the bound, or above it (Frobenius norm times overlaps)."""
    if isinstance(layer, nn.Linear):
        return bound * math.sqrt(layer.in_features * layer.out_features)
    window = layer.kernel_size[0] * layer.kernel_size[1]  # each input is seen by that many windows
    return bound * window * math.sqrt(layer.in_channels * layer.out_channels)


@given(seed=seeds, bound=st.floats(0.01, 0.5))
def test_a_clipped_network_is_as_lipschitz_as_its_bound_says(seed: int, bound: float) -> None:
    torch.manual_seed(seed)
    block, inner, last = _Block(), nn.Linear(5 * 4, 3), nn.Linear(3, 1)
    network = nn.Sequential(block, nn.LeakyReLU(0.2), nn.Flatten(), inner, nn.Tanh(), last).double()
    for parameter in network.parameters():
        parameter.data.normal_()
    clip_weights_(network, bound)
    of_block = _lipschitz(block.first, bound) * _lipschitz(block.second, bound) + _lipschitz(block.shortcut, bound)
    constant = of_block * _lipschitz(inner, bound) * _lipschitz(last, bound)
    x, y = torch.randn(2, 11, 2, 5, 5, dtype=torch.float64)
    slopes = (network(x) - network(y)).abs().squeeze(1) / (x - y).flatten(1).norm(dim=1)
    assert (slopes <= constant * (1 + 1e-9)).all()


def test_a_network_at_the_bound_has_the_lipschitz_constant_that_the_bound_says() -> None:
    layer = nn.Linear(5, 3, bias=False).double()
    layer.weight.data.fill_(7.0)
    clip_weights_(layer, 0.3)
    ones = torch.ones(1, 5, dtype=torch.float64)
    assert (layer(ones).norm() / ones.norm()).item() == pytest.approx(_lipschitz(layer, 0.3))


def test_a_shared_weight_is_clipped_and_infinity_becomes_the_bound() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    second.weight = first.weight
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[math.inf, -math.inf], [5.0, 0.1]]))
    clip_weights_(nn.ModuleList([first, second]), 0.5)
    assert torch.equal(second.weight, torch.tensor([[0.5, -0.5], [0.5, 0.1]]))


_NORM_LAYERS = [
    nn.BatchNorm1d(3), nn.BatchNorm2d(3), nn.BatchNorm3d(3), nn.SyncBatchNorm(3), nn.InstanceNorm1d(3, affine=True),
    nn.InstanceNorm2d(3, affine=True), nn.GroupNorm(1, 3), nn.LayerNorm(3), nn.RMSNorm(3),
]  # fmt: skip


@pytest.mark.parametrize("norm", _NORM_LAYERS, ids=lambda norm: type(norm).__name__)
def test_norms_are_clipped_unless_left_out(norm: nn.Module) -> None:
    layer, norm = nn.Linear(3, 3), copy.deepcopy(norm)
    nn.init.constant_(layer.weight, -5.0)
    clip_weights_(nn.Sequential(layer, norm), 0.1, include_norms=False)
    assert torch.equal(layer.weight, torch.full((3, 3), -0.1))
    assert torch.equal(norm.get_parameter("weight"), torch.ones(3))
    clip_weights_(nn.Sequential(layer, norm), 0.1)
    assert torch.equal(norm.get_parameter("weight"), torch.full((3,), 0.1))


def test_a_norms_parameter_that_another_layer_shares_is_clipped() -> None:
    layer, norm = nn.Linear(3, 1), nn.LayerNorm(3)
    norm.bias = layer.bias = nn.Parameter(torch.full((3,), 2.0))
    clip_weights_(nn.Sequential(norm, layer), 0.5, include_norms=False)
    assert torch.equal(norm.bias, torch.full((3,), 0.5))
    assert torch.equal(norm.weight, torch.ones(3))


def test_nan_in_a_norm_is_reported_only_where_norms_are_clipped() -> None:
    norm = nn.LayerNorm(2)
    nn.init.constant_(norm.weight, math.nan)
    network = nn.Sequential(nn.Linear(2, 2), norm)
    clip_weights_(network, 0.1, include_norms=False)
    with pytest.raises(ValueError, match=r"got NaN in '1\.weight'"):
        clip_weights_(network, 0.1)
    with pytest.raises(ValueError, match="got a module without any, or none outside of its norms"):
        clip_weights_(nn.LayerNorm(2), 0.1, include_norms=False)


@pytest.mark.parametrize("parts", [1, 3])
def test_clipping_first_in_the_terms_is_the_published_order(parts: int) -> None:
    """What the docstring shows: each step starts at clipped weights, and the critic lies past the bound after it."""

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        clip_weights_(critic, 0.1)
        return {"loss": critic(x).mean()}

    critic = nn.Linear(2, 1, bias=False)
    critic.weight.data.copy_(torch.tensor([[5.0, -0.02]]))
    gradients = None if parts == 1 else Accumulated(parts)
    update = Update(torch.optim.SGD(critic.parameters(), lr=0.5), terms, gradients=gradients)
    for _ in range(2):
        update(torch.full((3, 2), 2.0))
        # From 0.1 and -0.02 (from -0.1 in the second round), by 0.5 times the mean of the inputs.
    torch.testing.assert_close(critic.weight.data, torch.tensor([[-1.1, -1.1]]))


@pytest.mark.parametrize(
    ("optimizer", "learning_rates"),
    [(torch.optim.Adam, 1.0), (torch.optim.RMSprop, 10.0), (partial(torch.optim.RMSprop, alpha=0.9), 10**0.5)],
    ids=["Adam", "RMSprop", "RMSprop, alpha 0.9"],
)
def test_a_first_step_passes_the_bound_by_the_documented_number_of_learning_rates(
    optimizer: Callable[..., torch.optim.Optimizer], learning_rates: float
) -> None:
    critic = nn.Linear(3, 2).double()
    nn.init.constant_(critic.weight, 1.0)
    clip_weights_(critic, 0.01)
    (-critic.weight * torch.tensor([3.0, 0.5, 7.0])).sum().backward()
    optimizer([critic.weight], lr=1e-3).step()
    assert (critic.weight - 0.01).tolist() == [pytest.approx([1e-3 * learning_rates] * 3, rel=1e-6)] * 2


def test_nan_is_named_and_nothing_is_changed() -> None:
    first, second = nn.Linear(2, 2), nn.Linear(2, 1)
    with torch.no_grad():
        first.weight.fill_(3.0)
        second.weight[0, 0] = math.nan
    with pytest.raises(ValueError, match=r"got NaN in '1\.weight'"):
        clip_weights_(nn.Sequential(first, second), 0.1)
    assert torch.equal(first.weight, torch.full((2, 2), 3.0))


def test_no_value_is_read_off_the_processor() -> None:
    clip_weights_(nn.Linear(3, 1, device="meta"), 0.1)  # whose values nobody can read


@pytest.mark.parametrize("bound", [0.0, -1.0, math.nan, math.inf, "0.1", True])
def test_the_bound_must_be_positive(bound: object) -> None:
    with pytest.raises(ValueError, match="bound must be"):
        clip_weights_(nn.Linear(2, 1), bound)  # type: ignore[arg-type]


def test_an_iterator_of_parameters_is_refused_since_it_would_clip_once() -> None:
    with pytest.raises(ValueError, match=r"network must be a torch\.nn\.Module, got generator"):
        clip_weights_(nn.Linear(2, 1).parameters(), 0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="network must have parameters"):
        clip_weights_(nn.ReLU(), 0.1)


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
    with pytest.raises(
        ValueError, match=r"weights that are not all zero, got '1\.weight': it is divided by its norm, 0"
    ):
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


@given(seed=seeds)
def test_the_old_form_is_half_an_iteration_behind(seed: int) -> None:
    """From the same vectors, its number lies between those of this pass and of the one before."""
    torch.manual_seed(seed)
    new = nn.Linear(7, 5, bias=False).double()
    new.weight.data = weight = _with_spectrum(new.weight, transposed=False)
    old = nn.utils.spectral_norm(copy.deepcopy(new))
    spectral_norm_(new)
    vectors, u = _parametrization(new)[0], old.get_buffer("weight_u")
    vectors._u.copy_(u)
    vectors._v.copy_(nn.functional.normalize(weight.T @ u, dim=0))
    numbers = []
    for _ in range(50):
        for layer in (old, new):
            normalized = layer(torch.eye(7).double()).detach().T  # reading the weight itself would be one more pass
            numbers.append(float((weight / normalized).mean()))
    assert numbers == pytest.approx(sorted(numbers), rel=1e-12)
    assert numbers[1] / numbers[0] > 1.001
    assert numbers[-2:] == pytest.approx([3.0, 3.0])
