"""Layers that couple samples: definitions, equal samples, ranks and parts of a batch."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from blocks.cases import fill_, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts
from hypothesis import given, strategies as st
from support.parts import in_parts
from support.ranks import as_ranks
from support.strategies import PRIMES, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import MinibatchDiscrimination, MinibatchStandardDeviation
from gankit.constraints import gradient_penalty


@st.composite
def cases(draw: st.DrawFn) -> tuple[MinibatchStandardDeviation, torch.Tensor]:
    """A layer and a batch that it takes: one group, several, or fewer samples than a group."""
    group, groups = draw(st.sampled_from((1, 2, 3, 5))), draw(st.integers(1, 3))
    features, part = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    epsilon = draw(st.sampled_from((1e-8, 1e-4)))
    layer = MinibatchStandardDeviation(draw(st.sampled_from((group, None, 7))), features, epsilon=epsilon)
    samples = group * groups if layer.group_size == group else min(group * groups, 6)
    return layer, normal(draw(seeds), samples, features * part, 2, 3)


def define(x: np.ndarray, group_size: int | None, features: int, epsilon: float) -> np.ndarray:
    """The paper's definition, one group after the other."""
    samples, channels, height, width = x.shape
    groups = samples // min(group_size or samples, samples)
    result = np.empty((samples, channels + features, height, width))
    result[:, :channels] = x
    for first in range(groups):
        members = range(first, samples, groups)
        for feature in range(features):
            part = slice(feature * channels // features, (feature + 1) * channels // features)
            values = np.stack([x[i, part] for i in members])
            deviations = np.sqrt(values.var(axis=0) + epsilon)
            for i in members:
                result[i, channels + feature] = deviations.mean()
    return result


@given(case=cases())
def test_deviation_equals_its_definition(case: tuple[MinibatchStandardDeviation, torch.Tensor]) -> None:
    layer, x = case
    expected = define(x.numpy(), layer.group_size, layer.features, layer.epsilon)
    assert_close(layer(x), torch.from_numpy(expected), rtol=1e-10, atol=0)


@given(case=cases(), seed=seeds)
def test_what_all_samples_share_does_not_count(
    case: tuple[MinibatchStandardDeviation, torch.Tensor], seed: int
) -> None:
    layer, x = case
    shifted = layer(x + normal(seed, *x.shape[1:]))
    assert_close(shifted[:, -layer.features :], layer(x)[:, -layer.features :], rtol=1e-9, atol=1e-11)


@given(seed=seeds)
def test_the_result_follows_the_order_within_a_group(seed: int) -> None:
    layer, x = MinibatchStandardDeviation(3), normal(seed, 6, 2, 2, 3)
    order = torch.tensor([4, 1, 0, 3, 2, 5])  # groups 0, 2, 4 and 1, 3, 5
    assert_close(layer(x[order]), layer(x)[order], rtol=1e-12, atol=0)
    across = torch.tensor([1, 0, 2, 3, 4, 5])
    assert not torch.allclose(layer(x[across]), layer(x)[across])


@pytest.mark.parametrize(("group_size", "features"), [(4, 1), (2, 2), (None, 2)])
def test_deviation_first_and_second_derivatives(group_size: int | None, features: int) -> None:
    check_derivatives(MinibatchStandardDeviation(group_size, features), normal(1, 4, 2, 2, 3))


def test_keeps_inputs_and_layouts() -> None:
    layer, x = MinibatchStandardDeviation(2, 3), normal(1, 4, 6, 4, 2)
    check_inputs_stay(layer, x)
    check_layouts(layer, x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_equal_samples_have_a_finite_gradient(dtype: torch.dtype) -> None:
    x = normal(1, 1, 2, 2, 3).to(dtype).repeat(4, 1, 1, 1).requires_grad_()
    result = MinibatchStandardDeviation()(x)
    assert result.dtype == dtype
    assert_close(result[:, 2].double(), torch.full((4, 2, 3), 1e-4, dtype=torch.float64), rtol=0.02, atol=0)
    (slope,) = torch.autograd.grad(result.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), x)
    assert slope.isfinite().all()
    assert second.isfinite().all()


def test_copies_and_keys() -> None:
    layer = MinibatchStandardDeviation(2, 3)
    check_copies(layer, normal(1, 4, 6, 4, 2), keys=[])
    assert repr(layer) == "MinibatchStandardDeviation(group_size=2, features=3)"


def test_deviation_mistakes_are_named() -> None:
    layer = MinibatchStandardDeviation(4, 2)
    cases = {
        "group_size must be at least 1, got 0": lambda: MinibatchStandardDeviation(0),
        "features must be at least 1, got 0": lambda: MinibatchStandardDeviation(4, 0),
        "epsilon must be above 0, got 0": lambda: MinibatchStandardDeviation(4, epsilon=0),
        "x must have a multiple of 2 channels, one part per feature, got 3": lambda: layer(torch.zeros(4, 3, 2, 2)),
        "x must hold a multiple of group_size=4 samples, got 6": lambda: layer(torch.zeros(6, 2, 2, 2)),
        r"x must have shape \(n, channels, height, width\), got \(4, 2\)": lambda: layer(torch.zeros(4, 2)),
        "x must not be empty": lambda: layer(torch.zeros(0, 2, 4, 4)),
        "x must be a floating-point tensor": lambda: layer(torch.zeros(4, 2, 4, 4).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


primes = st.sampled_from(PRIMES)


def filled(in_features: int, num_kernels: int, kernel_features: int, seed: int = 4) -> MinibatchDiscrimination:
    layer = MinibatchDiscrimination(in_features, num_kernels, kernel_features).double()
    fill_(layer, seed)
    return layer


@given(seed=seeds, samples=st.integers(1, 7), in_features=primes, num_kernels=primes, kernel_features=primes)
def test_discrimination_equals_its_definition(
    seed: int, samples: int, in_features: int, num_kernels: int, kernel_features: int
) -> None:
    layer = filled(in_features, num_kernels, kernel_features, seed)
    features = normal(seed + 9, samples, in_features)
    kernels = numpy_state(layer)["project.weight"].reshape(num_kernels, kernel_features, in_features)
    wanted = np.zeros((samples, num_kernels))
    for i, x in enumerate(features.numpy()):
        for j, y in enumerate(features.numpy()):
            for b, kernel in enumerate(kernels):
                wanted[i, b] += 0 if i == j else np.exp(-np.abs(kernel @ x - kernel @ y).sum())
    result = layer(features)
    assert torch.equal(result[:, :in_features], features)
    assert_close(result[:, in_features:], torch.from_numpy(wanted), rtol=1e-10, atol=1e-12)


@given(seed=seeds)
def test_the_result_follows_the_order_of_samples(seed: int) -> None:
    layer, features = filled(3, 2, 5), normal(seed, 5, 3)
    order = torch.tensor([2, 0, 1, 4, 3])
    assert_close(layer(features[order]), layer(features)[order], rtol=1e-12, atol=1e-14)


def test_equal_samples_are_closer_than_different_ones() -> None:
    layer = filled(3, 2, 5)
    apart, alike = normal(1, 4, 3), normal(1, 1, 3).expand(4, 3)
    assert_close(layer(alike)[:, 3:], torch.full((4, 2), 3.0, dtype=torch.float64))
    assert (layer(apart)[:, 3:] < 3).all()
    assert torch.equal(layer(100 * apart)[:, 3:].round(decimals=3), torch.zeros(4, 2, dtype=torch.float64))


def test_one_sample_is_close_to_no_other() -> None:
    assert torch.equal(filled(3, 2, 5)(normal(1, 1, 3))[:, 3:], torch.zeros(1, 2, dtype=torch.float64))


@pytest.mark.parametrize(("in_features", "kernel_features"), [(8, 5), (512, 5), (64, 16)])
def test_starts_where_it_can_learn(in_features: int, kernel_features: int) -> None:
    torch.manual_seed(1)
    layer = MinibatchDiscrimination(in_features, 100, kernel_features)
    closeness = layer(torch.randn(16, in_features))[:, in_features:].mean() / 15
    assert 0.25 < closeness.item() < 0.45  # exp(-1.13) = 0.32 at the mean distance


def test_discrimination_first_and_second_derivatives() -> None:
    check_derivatives(filled(3, 2, 2), normal(1, 3, 3))


def test_equal_samples_have_finite_gradients() -> None:
    layer, features = filled(3, 2, 5), normal(1, 1, 3).repeat(4, 1).requires_grad_()
    (slope,) = torch.autograd.grad(layer(features).pow(2).sum(), features, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), features)
    assert slope.isfinite().all()
    assert second.isfinite().all()


def test_a_penalty_reaches_its_kernels() -> None:
    layer = filled(3, 2, 5)
    real, fake = normal(3, 4, 3), normal(4, 4, 3)
    gradient_penalty(lambda x: layer(x)[:, 3:].sum(dim=1), real, fake).backward()
    assert layer.project.weight.grad is not None
    assert layer.project.weight.grad.abs().min() > 0


def test_distances_stay_wide_under_autocast() -> None:
    layer, features = filled(16, 3, 5).float(), torch.randn(4, 16)
    with torch.autocast("cpu", torch.bfloat16):
        result = layer(features)
    assert result.dtype == torch.float32
    assert_close(result, layer(features), rtol=0.05, atol=0.05)


def test_half_precision_rounds_once() -> None:
    layer, features = filled(16, 3, 5).bfloat16(), normal(1, 4, 16).bfloat16()
    projected = layer.project(features).double().reshape(4, 1, 3, 5)
    distances = (projected - projected.transpose(0, 1)).abs().sum(dim=3)
    closeness = (-distances).exp().sum(dim=1) - 1
    result = layer(features)[:, 16:]
    assert result.dtype == torch.bfloat16
    assert torch.equal(result, closeness.bfloat16())


def test_keeps_its_inputs_copies_and_keys() -> None:
    layer, features = filled(3, 2, 5), normal(1, 4, 3)
    check_inputs_stay(layer, features)
    check_copies(layer, features, keys=["project.weight"])
    assert "num_kernels=2, kernel_features=5" in repr(layer)


def test_discrimination_mistakes_are_named() -> None:
    layer = MinibatchDiscrimination(3, 2)
    cases = {
        "in_features must be at least 1, got 0": lambda: MinibatchDiscrimination(0, 2),
        "num_kernels must be at least 1, got 0": lambda: MinibatchDiscrimination(3, 0),
        "kernel_features must be at least 1, got 0": lambda: MinibatchDiscrimination(3, 2, 0),
        r"features must have shape \(n, 3\), got \(4, 5\)": lambda: layer(torch.zeros(4, 5)),
        "features must not be empty": lambda: layer(torch.zeros(0, 3)),
        "features must be a floating-point tensor": lambda: layer(torch.zeros(4, 3).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


SAMPLES, CHANNELS, RANKS = 8, 4, 2

BLOCKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "MinibatchStandardDeviation": (lambda: MinibatchStandardDeviation(group_size=None, features=2), (CHANNELS, 3, 2)),
    "MinibatchDiscrimination": (lambda: MinibatchDiscrimination(CHANNELS, 2, 3), (CHANNELS,)),
}

every_coupled_block = pytest.mark.parametrize("name", BLOCKS)


def batch(name: str) -> torch.Tensor:
    """The whole batch; its samples differ in size, so that halves have other statistics."""
    rng = torch.Generator().manual_seed(8)
    x = torch.randn(SAMPLES, *BLOCKS[name][1], generator=rng, dtype=torch.float64)
    return x * torch.arange(1.0, SAMPLES + 1).reshape(-1, *(1,) * (x.ndim - 1))


def run(name: str, part: slice) -> dict[str, torch.Tensor]:
    """The block's result on a part of the batch, and gradients of a mean by the block and by a layer before it."""
    rng = torch.Generator().manual_seed(9)
    sizes = {"layer": CHANNELS * CHANNELS, "block": 2 * 3 * CHANNELS}
    numbers = {
        key: (0.1 * torch.randn(size, generator=rng, dtype=torch.float64)).requires_grad_()
        for key, size in sizes.items()
    }
    block = BLOCKS[name][0]().double()
    state = {key: numbers["block"].reshape(value.shape) for key, value in block.named_parameters()}
    x = torch.einsum("nc...,dc->nd...", batch(name)[part], numbers["layer"].reshape(CHANNELS, CHANNELS))
    result = torch.func.functional_call(block, state, x)
    weights = torch.arange(result.shape[1], dtype=torch.float64).reshape(-1, *(1,) * (result.ndim - 2))
    mean = (result.sin() * weights).mean()
    gradients = torch.autograd.grad(mean, list(numbers.values()), allow_unused=True, materialize_grads=True)
    return {"result": result.detach()} | dict(zip(numbers, gradients, strict=True))


def part_of(rank: int) -> slice:
    each = SAMPLES // RANKS
    return slice(rank * each, (rank + 1) * each)


@every_coupled_block
def test_ranks_together_compute_what_one_process_does(name: str) -> None:
    whole = run(name, slice(None))
    ranks = as_ranks(RANKS, lambda rank: run(name, part_of(rank)))
    assert_close(torch.cat([rank["result"] for rank in ranks]), whole["result"], rtol=1e-10, atol=1e-12)
    for key in ("layer", "block"):
        mean = torch.stack([rank[key] for rank in ranks]).mean(dim=0)
        assert_close(mean, whole[key], rtol=1e-9, atol=1e-12)
    assert whole["layer"].abs().max() > 1e-3  # the compared values are not all zero


@every_coupled_block
def test_ranks_that_kept_to_themselves_would_be_seen(name: str) -> None:
    whole = run(name, slice(None))
    parts = [run(name, part_of(rank)) for rank in range(RANKS)]
    assert (torch.cat([part["result"] for part in parts]) - whole["result"]).abs().max() > 1e-3
    assert (torch.stack([part["layer"] for part in parts]).mean(dim=0) - whole["layer"]).abs().max() > 1e-3


@every_coupled_block
def test_a_part_of_the_batch_is_refused_by_name(name: str) -> None:
    block = BLOCKS[name][0]().double()
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": block(weight * x).sin().mean()}

    with pytest.raises(ValueError, match=f"{name} needs the whole batch, got one part of it"):
        in_parts(2, terms, (batch(name),))
    whole = in_parts(1, terms, (batch(name),))
    assert_close(whole["loss"], terms(batch(name))["loss"].detach())


@pytest.mark.parametrize("parts", [1, 2])
def test_groups_are_local_in_parts_and_on_ranks(parts: int) -> None:
    block, x = MinibatchStandardDeviation(group_size=4), batch("MinibatchStandardDeviation")
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": block(weight * x)[:, -1].mean()}

    alone = [block(part) for part in x.chunk(parts)]
    wanted = torch.stack([part[:, -1].mean() for part in alone]).mean()
    assert_close(in_parts(parts, terms, (x,))["loss"], wanted)
    assert_close(as_ranks(parts, lambda rank: block(x.chunk(parts)[rank])), alone, rtol=0, atol=0)


def test_a_group_that_is_cut_is_refused() -> None:
    block, x = MinibatchStandardDeviation(group_size=4), batch("MinibatchStandardDeviation")
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match="MinibatchStandardDeviation needs the whole batch, got one part of it"):
        in_parts(4, lambda x: {"loss": block(weight * x).mean()}, (x,))
    with pytest.raises(ValueError, match="x must hold at least 4 samples on each rank, got 2"):
        as_ranks(2, lambda rank: block(x[2 * rank : 2 * rank + 2]))
