"""The penalties of the largest norm and of matching pairs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Quadratic, linear, smooth_network
from support.oracles import row_norms
from support.second_order import parameters_pass_gradcheck
from support.strategies import PRIMES, normal, sample_pairs, sample_shapes, seeds
from torch import nn

from gankit._core import batch_in_parts
from gankit.constraints import (
    _norm_penalties,
    matching_aware_gradient_penalty,
    max_gradient_penalty,
    zero_centered_penalty,
)

Pair = tuple[torch.Tensor, torch.Tensor]


def _share(seed: int, samples: torch.Tensor) -> torch.Tensor:
    return torch.rand(
        len(samples), *[1] * (samples.ndim - 1), generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


@given(pair=sample_pairs(), seed=seeds, scale=st.sampled_from((0.0, 1e-3, 1.0, 1e3)))
def test_the_penalty_of_a_linear_critic_is_its_squared_slope(pair: Pair, seed: int, scale: float) -> None:
    critic, slope = linear(seed, pair[0].shape[1:], scale)
    torch.testing.assert_close(max_gradient_penalty(critic, *pair), slope.square().sum())


@given(pair=sample_pairs(), seed=seeds)
def test_a_quadratic_critic_is_measured_at_its_steepest_point(pair: Pair, seed: int) -> None:
    real, fake = pair
    mix, critic = _share(seed, real), Quadratic(seed, real[0].numel())
    squares = []
    for m, r, f in zip(mix.flatten().numpy(), real.numpy(), fake.numpy(), strict=True):
        point = (m * r + (1 - m) * f).ravel()
        squares.append(float(np.sum((critic.matrix.numpy() @ point) ** 2)))
    penalty = max_gradient_penalty(critic, real, fake, mix=mix)
    assert penalty.item() == pytest.approx(max(squares), rel=1e-9)
    points = mix * real + (1 - mix) * fake
    assert penalty >= zero_centered_penalty(critic, points) * (1 - 1e-9)


@given(seed=seeds)
def test_only_the_steepest_point_has_a_slope(seed: int) -> None:
    real, fake = normal(seed, 5, 2, 4, 4), normal(seed + 1, 5, 2, 4, 4)
    mix, network = _share(seed, real), smooth_network(seed)
    points = mix * real + (1 - mix) * fake
    alone = [zero_centered_penalty(network, points[k : k + 1]) for k in range(5)]
    steepest = max(range(5), key=lambda k: alone[k].item())
    parameters = list(network.parameters())
    expected = torch.autograd.grad(alone[steepest], parameters, allow_unused=True, materialize_grads=True)
    penalty = max_gradient_penalty(network, real, fake, mix=mix)
    found = torch.autograd.grad(penalty, parameters, allow_unused=True, materialize_grads=True)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)


@given(pair=sample_pairs(), seed=seeds)
def test_the_share_is_that_of_the_real_sample_and_drawn_from_the_generator(pair: Pair, seed: int) -> None:
    real, fake = pair
    critic = Quadratic(seed, real[0].numel())
    state = torch.get_rng_state()
    drawn = max_gradient_penalty(critic, real, fake, rng=torch.Generator().manual_seed(seed))
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(drawn, max_gradient_penalty(critic, real, fake, mix=_share(seed, real)))
    ones = torch.ones_like(_share(0, real))
    at_real = max(zero_centered_penalty(critic, sample[None]).item() for sample in real)
    assert max_gradient_penalty(critic, real, fake, mix=ones).item() == pytest.approx(at_real, rel=1e-9)


@given(seed=seeds)
def test_samples_may_have_parts(seed: int) -> None:
    real = (normal(seed, 3, 2), normal(seed + 1, 3, 5))
    fake = (normal(seed + 2, 3, 2), normal(seed + 3, 3, 5))
    mix, critic = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64), Quadratic(seed, 7)
    joined = max_gradient_penalty(critic, torch.cat(real, dim=1), torch.cat(fake, dim=1), mix=mix[:, None])
    apart = max_gradient_penalty(lambda parts: critic(torch.cat(parts, dim=1)), real, fake, mix=mix)
    torch.testing.assert_close(apart, joined)


@pytest.mark.parametrize("seed", range(3))
def test_parameters_get_the_second_order_gradient(seed: int) -> None:
    real, fake = normal(seed, 3, 2, 4, 4), normal(seed + 1, 3, 2, 4, 4)
    mix = _share(seed, real)
    assert parameters_pass_gradcheck(
        smooth_network(seed), lambda critic: max_gradient_penalty(critic, real, fake, mix=mix)
    )


def test_the_largest_of_all_ranks_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    others = torch.tensor([0.0])

    def gathered(name: str, values: torch.Tensor) -> tuple[torch.Tensor, int]:
        assert name == "max_gradient_penalty"
        assert values.shape == (1,)  # equally many on every rank, whatever their batches are
        return torch.cat([values, others]), 0

    monkeypatch.setattr(_norm_penalties, "gather_whole_batch", gathered)
    real, slope = torch.randn(3, 2), torch.tensor([3.0, 4.0])
    assert max_gradient_penalty(lambda x: x @ slope, real, real) == 25
    others = torch.tensor([49.0])
    assert max_gradient_penalty(lambda x: x @ slope, real, real) == 49


def test_a_part_of_the_batch_is_refused() -> None:
    real, fake = torch.randn(2, 3), torch.randn(2, 3)
    with batch_in_parts(), pytest.raises(ValueError, match="max_gradient_penalty needs the whole batch, got one part"):
        max_gradient_penalty(lambda x: x.sum(1), real, fake)


def test_the_generator_gets_no_gradient() -> None:
    weight = torch.randn(3, 3, requires_grad=True)
    real, fake = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3) @ weight
    critic = torch.nn.Linear(3, 1)
    max_gradient_penalty(critic, real, fake).backward()
    assert weight.grad is None
    assert real.grad is None
    assert critic.weight.grad is not None


def test_under_no_grad_the_value_is_the_same() -> None:
    critic, real, fake = smooth_network(0), normal(0, 2, 2, 4, 4), normal(1, 2, 2, 4, 4)
    mix = _share(2, real)
    penalty = max_gradient_penalty(critic, real, fake, mix=mix)
    with torch.no_grad():
        logged = max_gradient_penalty(critic, real, fake, mix=mix)
    assert torch.equal(penalty, logged)
    assert not logged.requires_grad


def test_half_precision_is_squared_in_float32() -> None:
    real = torch.zeros(2, 3, dtype=torch.float16)
    penalty = max_gradient_penalty(lambda x: (300 * x).sum(1), real, real)
    assert penalty.dtype == torch.float32
    assert penalty == 270_000


def test_mistakes_are_named() -> None:
    real = torch.randn(2, 3)
    with pytest.raises(ValueError, match=r"fake and real must have the same shape, got \(2, 1\) and \(2, 3\)"):
        max_gradient_penalty(lambda x: x.sum(1), real, torch.randn(2, 1))
    with pytest.raises(ValueError, match="real must not be empty"):
        max_gradient_penalty(lambda x: x.sum(1), real[:0], real[:0])
    with pytest.raises(ValueError, match="mix and rng must not both be given"):
        max_gradient_penalty(lambda x: x.sum(1), real, real, mix=torch.rand(2, 1), rng=torch.Generator())
    with pytest.raises(ValueError, match="ignore its input"):
        max_gradient_penalty(lambda x: torch.ones(2), real, real)
    with torch.inference_mode(), pytest.raises(ValueError, match=r"use torch\.no_grad\(\)"):
        max_gradient_penalty(lambda x: x.sum(1), real, real)


powers = st.sampled_from((1.0, 2.0, 3.5, 6.0))


@given(shape=sample_shapes, features=st.sampled_from(PRIMES), seed=seeds, power=powers)
def test_the_penalty_of_a_linear_critic_is_a_power_of_its_joint_slope(
    shape: tuple[int, ...], features: int, seed: int, power: float
) -> None:
    of_image, image_slope = linear(seed, shape[1:])
    of_condition, condition_slope = linear(seed + 1, (features,))
    images, conditions = normal(seed, *shape), normal(seed + 1, shape[0], features)
    penalty = matching_aware_gradient_penalty(
        lambda x, c: of_image(x) + of_condition(c), images, conditions, power=power
    )
    joint = math.sqrt(float(image_slope.square().sum() + condition_slope.square().sum()))
    assert penalty.item() == pytest.approx(joint**power, rel=1e-9)


@given(seed=seeds, samples=st.integers(2, 7), power=powers)
def test_a_quadratic_critic_sees_the_pair(seed: int, samples: int, power: float) -> None:
    images, conditions = normal(seed, samples, 2, 3), normal(seed + 1, samples, 5)
    critic = Quadratic(seed, 11)
    joint = np.concatenate([images.numpy().reshape(samples, -1), conditions.numpy()], axis=1)
    expected = float(np.mean(row_norms(joint @ critic.matrix.numpy()) ** power))
    penalty = matching_aware_gradient_penalty(
        lambda x, c: critic(torch.cat([x.flatten(1), c], dim=1)), images, conditions, power=power
    )
    assert penalty.item() == pytest.approx(expected, rel=1e-9)


def test_the_default_power_is_the_published_six() -> None:
    slope = torch.tensor([2.0], dtype=torch.float64)
    images, conditions = torch.zeros(3, 1, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)
    penalty = matching_aware_gradient_penalty(lambda x, c: x @ slope + 0 * c.sum(1), images, conditions)
    assert penalty.item() == pytest.approx(64)


@given(seed=seeds)
def test_the_papers_sum_of_norms_is_larger_by_the_documented_factor_at_most(seed: int) -> None:
    image, condition = normal(seed, 3), normal(seed + 1, 5)
    program = matching_aware_gradient_penalty(
        lambda x, c: x @ image + c @ condition, normal(seed, 2, 3), normal(seed + 1, 2, 5)
    ).item()
    paper = float((image.norm() + condition.norm()) ** 6)
    assert program <= paper <= 2 ** (6 / 2) * program * (1 + 1e-9)


class _Pairs(nn.Module):
    """A smooth critic of images and conditions."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.images = smooth_network(seed)
        self.conditions = nn.Linear(3, 1).double()

    def forward(self, images: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        return torch.tanh(self.images(images) * self.conditions(conditions))


@pytest.mark.parametrize("power", [1.0, 2.0, 6.0])
@pytest.mark.parametrize("seed", range(3))
def test_parameters_get_the_second_order_gradient_of_pairs(seed: int, power: float) -> None:
    images, conditions = normal(seed, 3, 2, 4, 4), normal(seed + 1, 3, 3)
    assert parameters_pass_gradcheck(
        _Pairs(seed), lambda critic: matching_aware_gradient_penalty(critic, images, conditions, power=power)
    )


@pytest.mark.parametrize("power", [1.0, 1.5, 6.0])
def test_at_a_zero_gradient_value_and_slope_are_zero(power: float) -> None:
    slope = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    penalty = matching_aware_gradient_penalty(
        lambda x, c: (x + c) @ slope, normal(0, 5, 3), normal(1, 5, 3), power=power
    )
    penalty.backward()
    assert penalty == 0
    assert slope.grad is not None
    assert torch.equal(slope.grad, torch.zeros_like(slope))


def test_images_and_conditions_reach_the_critic_unchanged_and_get_no_gradient() -> None:
    embedder = nn.Embedding(7, 3)
    images, conditions = torch.randn(5, 3, requires_grad=True), embedder(torch.arange(5))
    seen = []
    critic = nn.Linear(3, 1)

    def watched(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        seen.extend((x.detach().clone(), c.detach().clone()))
        return critic(x * c)

    matching_aware_gradient_penalty(watched, images, conditions).backward()
    assert torch.equal(seen[0], images)
    assert torch.equal(seen[1], conditions)
    assert images.grad is None
    assert embedder.weight.grad is None
    assert critic.weight.grad is not None


def test_under_no_grad_the_value_is_the_same_of_pairs() -> None:
    critic, images, conditions = _Pairs(0), normal(0, 2, 2, 4, 4), normal(1, 2, 3)
    penalty = matching_aware_gradient_penalty(critic, images, conditions)
    with torch.no_grad():
        logged = matching_aware_gradient_penalty(critic, images, conditions)
    assert torch.equal(penalty, logged)
    assert not logged.requires_grad


def test_half_precision_is_raised_to_the_power_in_float32() -> None:
    images, conditions = torch.zeros(2, 1, dtype=torch.float16), torch.zeros(2, 1, dtype=torch.float16)
    penalty = matching_aware_gradient_penalty(lambda x, c: (6 * x + 8 * c).sum(1), images, conditions)
    assert penalty.dtype == torch.float32
    assert penalty.item() == pytest.approx(1_000_000)


def test_mistakes_are_named_of_pairs() -> None:
    images, conditions = torch.randn(2, 3), torch.randn(2, 5)

    def critic(x: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return x.sum(1) + c.sum(1)

    for power in (0.5, 0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="power must be"):
            matching_aware_gradient_penalty(critic, images, conditions, power=power)
    with pytest.raises(ValueError, match="conditions must hold as many samples as images, got 1 and 2"):
        matching_aware_gradient_penalty(critic, images, conditions[:1])
    with pytest.raises(ValueError, match=r"conditions must be a floating-point tensor, got dtype torch\.int64"):
        matching_aware_gradient_penalty(critic, images, torch.tensor([1, 2]))
    with pytest.raises(ValueError, match="images must not be empty"):
        matching_aware_gradient_penalty(critic, images[:0], conditions)
    with pytest.raises(ValueError, match="ignores its input"):
        matching_aware_gradient_penalty(lambda x, _: x.sum(1), images, conditions)
    with torch.inference_mode(), pytest.raises(ValueError, match=r"use torch\.no_grad\(\)"):
        matching_aware_gradient_penalty(critic, images, conditions)
