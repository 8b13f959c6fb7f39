"""ReLU and leaky ReLU: torch's values and gradients, and the second-order work that they save."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from support.flops import forward_units, penalty_step
from support.strategies import normal, sample_shapes, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import LeakyReLU, MeanDownsample, ReLU
from gankit.networks import DCGANCritic, ResidualCritic

PAIRS: dict[str, tuple[nn.Module, nn.Module]] = {
    "relu": (ReLU(), nn.ReLU()),
    "leaky": (LeakyReLU(), nn.LeakyReLU(0.2)),
    "slope 0": (LeakyReLU(0.0), nn.ReLU()),
    "slope 1": (LeakyReLU(1.0), nn.Identity()),
}
every_pair = pytest.mark.parametrize("name", PAIRS)


def with_zeros(seed: int, *shape: int) -> torch.Tensor:
    """Normal numbers, a third of them exactly 0, where the two linear parts meet."""
    x = normal(seed, *shape)
    return x.masked_fill(normal(seed + 1, *shape) < -0.43, 0.0)


@every_pair
@given(seed=seeds, shape=sample_shapes)
def test_equals_torchs_in_number_and_gradient(name: str, seed: int, shape: tuple[int, ...]) -> None:
    x, weight = with_zeros(seed, *shape), normal(seed + 2, *shape)
    results, slopes = [], []
    for module in PAIRS[name]:
        leaf = x.clone().requires_grad_()
        results.append(module(leaf))
        slopes.append(torch.autograd.grad(results[-1], leaf, weight)[0])
    assert torch.equal(*results)
    assert torch.equal(*slopes)


@every_pair
def test_first_and_second_derivatives(name: str) -> None:
    module, x = PAIRS[name][0], normal(3, 2, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(module, x)
    assert torch.autograd.gradgradcheck(lambda x: module(x) ** 3, x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@every_pair
def test_keeps_precision_layout_and_input(name: str, dtype: torch.dtype) -> None:
    ours, torchs = PAIRS[name]
    x = normal(5, 2, 3, 5, 7).to(dtype).contiguous(memory_format=torch.channels_last)
    before, version = x.clone(), x._version
    result = ours(x)
    assert result.dtype == dtype
    assert result.is_contiguous(memory_format=torch.channels_last)
    assert_close(result, torchs(x))
    assert torch.equal(x, before)
    assert x._version == version


def test_what_is_not_finite_stays_so() -> None:
    x = torch.tensor([torch.inf, -torch.inf, torch.nan])
    assert_close(LeakyReLU()(x), nn.LeakyReLU(0.2)(x), equal_nan=True)
    assert_close(ReLU()(x), torch.tensor([torch.inf, torch.nan, torch.nan]), equal_nan=True)


@pytest.mark.parametrize("size", [1e-40, 1e38])
def test_the_smallest_and_the_largest_numbers(size: float) -> None:
    x = torch.tensor([-size, size])
    for ours, torchs in PAIRS.values():
        assert torch.equal(ours(x), torchs(x))


def test_mistakes_are_named() -> None:
    for slope in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="negative_slope must"):
            LeakyReLU(slope)
    for module in (ReLU(), LeakyReLU()):
        with pytest.raises(ValueError, match=r"x must be a floating-point tensor, got dtype torch\.int64"):
            module(torch.tensor([1]))


def test_repr_says_the_slope() -> None:
    assert repr(LeakyReLU(0.3)) == "LeakyReLU(negative_slope=0.3)"


def norm_free_dcgan(activation: Callable[[], nn.Module], resolution: int, width: int) -> nn.Module:
    return DCGANCritic(resolution=resolution, width=width, norm=nn.Identity, activation=activation)


def norm_free_residual(activation: Callable[[], nn.Module], resolution: int, width: int) -> nn.Module:
    return ResidualCritic(resolution=resolution, width=width, norm=nn.Identity, activation=activation)


ACTIVATIONS: dict[str, tuple[Callable[[], nn.Module], Callable[[], nn.Module]]] = {
    "relu": (ReLU, nn.ReLU),
    "leaky": (LeakyReLU, partial(nn.LeakyReLU, 0.2)),
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_wgan_gp_step_costs_9_9_instead_of_11_8_forward_passes(activation: str) -> None:
    ours, torchs = (
        forward_units(partial(norm_free_dcgan, factory, 64, 32), 64, 3, 64, 64) for factory in ACTIVATIONS[activation]
    )
    assert round(torchs, 1) == 11.8
    assert round(ours, 1) == 9.9


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("network", [norm_free_dcgan, norm_free_residual])
def test_the_cheaper_step_has_the_same_gradients(
    network: Callable[[Callable[[], nn.Module], int, int], nn.Module], activation: str
) -> None:
    real, fake = normal(1, 3, 3, 8, 8), normal(2, 3, 3, 8, 8)
    gradients = []
    for factory in ACTIVATIONS[activation]:
        torch.manual_seed(0)
        gradients.append(penalty_step(network(factory, 8, 5).double(), real, fake))
    assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-14)


def test_a_residual_critic_needs_both_the_rectifier_and_the_mean_of_reshapes() -> None:
    def with_torchs_pooling(activation: Callable[[], nn.Module]) -> nn.Module:
        critic = norm_free_residual(activation, 64, 16)
        for name, module in list(critic.named_modules()):
            if isinstance(module, MeanDownsample):
                critic.set_submodule(name, nn.AvgPool2d(2))
        return critic

    shape = (16, 3, 64, 64)
    assert round(forward_units(lambda: with_torchs_pooling(nn.ReLU), *shape), 1) == 12.0
    assert round(forward_units(lambda: with_torchs_pooling(ReLU), *shape), 1) == 12.0
    assert round(forward_units(lambda: norm_free_residual(nn.ReLU, 64, 16), *shape), 1) == 11.8
    assert round(forward_units(lambda: norm_free_residual(ReLU, 64, 16), *shape), 1) == 10.0


def test_after_a_norm_there_is_nothing_to_save() -> None:
    """A norm's second derivative must go through the layers before it, so critics with norms keep torch's activations."""
    ours, torchs = (
        forward_units(partial(DCGANCritic, width=8, norm=partial(nn.GroupNorm, 1), activation=factory), 16, 3, 64, 64)
        for factory in ACTIVATIONS["leaky"]
    )
    assert ours == torchs
