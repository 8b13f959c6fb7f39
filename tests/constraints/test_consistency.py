"""The consistency penalty and the finite-difference penalty."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Patches, Quadratic, linear, smooth_network
from support.second_order import parameters_pass_gradcheck
from support.strategies import normal, real_and_fake, sample_shapes, seeds
from torch import nn

from gankit._core import batch_in_parts
from gankit.constraints import consistency_penalty, finite_difference_penalty, zero_centered_penalty

Pair = tuple[torch.Tensor, torch.Tensor]


@given(pair=real_and_fake())
def test_it_is_the_mean_squared_difference(pair: Pair) -> None:
    scores, other = pair
    difference = scores.numpy().ravel() - other.numpy().ravel()
    expected = np.dot(difference, difference) / difference.size
    assert consistency_penalty(scores, other).item() == pytest.approx(expected, rel=1e-9)
    torch.testing.assert_close(consistency_penalty(scores, other), consistency_penalty(other, scores))
    assert consistency_penalty(scores, scores) == 0


@given(seed=seeds)
def test_maps_are_averaged_each_then_all(seed: int) -> None:
    shapes = ((3, 1, 5, 7), (3, 1, 2, 2), (3,))
    maps = [normal(seed + k, *shape) for k, shape in enumerate(shapes)]
    others = [normal(seed + 9 + k, *shape) for k, shape in enumerate(shapes)]
    expected = np.mean([np.mean((m.numpy() - o.numpy()) ** 2) for m, o in zip(maps, others, strict=True)])
    assert consistency_penalty(maps, tuple(others)).item() == pytest.approx(float(expected), rel=1e-9)


@given(seed=seeds)
def test_both_versions_get_a_gradient(seed: int) -> None:
    scores, other = normal(seed, 5, 1).requires_grad_(), normal(seed + 1, 5, 1).requires_grad_()
    consistency_penalty(scores, other).backward()
    assert scores.grad is not None
    assert other.grad is not None
    torch.testing.assert_close(scores.grad, 2 * (scores - other).detach() / 5)
    torch.testing.assert_close(other.grad, -scores.grad)
    assert torch.autograd.gradcheck(consistency_penalty, (scores, other))


def test_half_precision_is_computed_in_float32() -> None:
    scores = torch.full((2,), 300.0, dtype=torch.float16)
    penalty = consistency_penalty(scores, torch.zeros_like(scores))
    assert penalty.dtype == torch.float32
    assert penalty == 90_000


def test_mistakes_are_named() -> None:
    scores = torch.ones(5)
    with pytest.raises(ValueError, match=r"other and scores must have the same shape, got \(5, 1\) and \(5,\)"):
        consistency_penalty(scores, torch.ones(5, 1))
    with pytest.raises(ValueError, match="other and scores must hold equally many maps, got 1 and 2"):
        consistency_penalty([scores, scores], [scores])
    with pytest.raises(ValueError, match="scores must not be empty"):
        consistency_penalty(scores[:0], scores[:0])
    with pytest.raises(ValueError, match="scores must hold at least one tensor"):
        consistency_penalty([], [])
    with pytest.raises(ValueError, match="scores must be a floating-point tensor"):
        consistency_penalty(torch.ones(5, dtype=torch.int64), scores)


lengths = st.sampled_from((0.01, 0.1, 1.0))


@given(shape=sample_shapes, seed=seeds, scale=lengths)
def test_the_penalty_of_a_linear_critic_is_the_squared_product_of_its_slope_and_the_noise(
    shape: tuple[int, ...], seed: int, scale: float
) -> None:
    critic, slope = linear(seed, shape[1:])
    noise = normal(seed + 1, *shape)
    products = noise.numpy().reshape(shape[0], -1) @ slope.numpy().ravel()
    expected = scale**2 * float(np.mean(products**2))
    penalty = finite_difference_penalty(critic, normal(seed + 2, *shape), scale=scale, noise=noise)
    assert penalty.item() == pytest.approx(expected, rel=1e-6)


@given(shape=sample_shapes, seed=seeds, scale=lengths)
def test_the_penalty_of_a_quadratic_critic_is_that_of_slope_and_curvature(
    shape: tuple[int, ...], seed: int, scale: float
) -> None:
    samples, noise = normal(seed, *shape), normal(seed + 1, *shape)
    critic = Quadratic(seed, samples[0].numel())
    matrix, changes = critic.matrix.numpy(), []
    for x, n in zip(samples.numpy().reshape(shape[0], -1), noise.numpy().reshape(shape[0], -1), strict=True):
        changes.append(scale * x @ matrix @ n + scale**2 * n @ matrix @ n / 2)
    penalty = finite_difference_penalty(critic, samples, scale=scale, noise=noise)
    assert penalty.item() == pytest.approx(float(np.mean(np.square(changes))), rel=1e-6)


def test_its_mean_is_the_squared_scale_times_r1_and_its_spread_is_as_documented() -> None:
    critic, slope = linear(3, (5,))
    samples = normal(0, 1, 5).expand(40_000, 5)
    rng = torch.Generator().manual_seed(1)
    penalty = finite_difference_penalty(critic, samples, rng=rng)
    r1 = zero_centered_penalty(critic, samples[:1])
    torch.testing.assert_close(r1, slope.square().sum())
    # One sample's share has a standard deviation of sqrt(2) times the mean: 0.0071 of it over 40,000 samples.
    assert penalty.item() == pytest.approx(0.01**2 * r1.item(), rel=5 * math.sqrt(2 / 40_000))
    noise = torch.randn(40_000, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    shares = torch.stack([finite_difference_penalty(critic, samples[:1], noise=noise[k : k + 1]) for k in range(4000)])
    assert (shares.std() / shares.mean()).item() == pytest.approx(math.sqrt(2), rel=0.1)


@given(shape=sample_shapes, seed=seeds)
def test_noise_is_normal_and_drawn_from_the_generator(shape: tuple[int, ...], seed: int) -> None:
    samples, state = normal(seed, *shape), torch.get_rng_state()
    critic = Quadratic(seed, samples[0].numel())
    drawn = finite_difference_penalty(critic, samples, rng=torch.Generator().manual_seed(seed))
    assert torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(drawn, finite_difference_penalty(critic, samples, noise=normal(seed, *shape)))


@given(seed=seeds)
def test_the_penalty_of_a_map_is_the_mean_of_its_changes(seed: int) -> None:
    samples, noise, critic = normal(seed, 3, 2, 5, 5), normal(seed + 1, 3, 2, 5, 5), Patches(seed)
    expected = np.mean((critic(samples + 0.1 * noise) - critic(samples)).numpy() ** 2)
    penalty = finite_difference_penalty(critic, samples, scale=0.1, noise=noise)
    assert penalty.item() == pytest.approx(float(expected), rel=1e-9)


def test_samples_may_have_parts_and_parts_of_a_batch_add_up() -> None:
    samples = {"image": normal(0, 6, 2, 3), "mask": normal(1, 6, 5)}
    noise = {"mask": normal(3, 6, 5), "image": normal(2, 6, 2, 3)}
    critic = Quadratic(0, 11)

    def of_parts(x: dict[str, torch.Tensor]) -> torch.Tensor:
        return critic(torch.cat([x["image"].flatten(1), x["mask"]], dim=1))

    def joined(parts: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.cat([parts["image"].flatten(1), parts["mask"]], dim=1)

    whole = finite_difference_penalty(of_parts, samples, noise=noise)
    torch.testing.assert_close(whole, finite_difference_penalty(critic, joined(samples), noise=joined(noise)))
    with batch_in_parts():
        halves = [
            finite_difference_penalty(
                of_parts,
                {name: part[rows] for name, part in samples.items()},
                noise={name: part[rows] for name, part in noise.items()},
            )
            for rows in (slice(3), slice(3, None))
        ]
    torch.testing.assert_close((halves[0] + halves[1]) / 2, whole)


@pytest.mark.parametrize("seed", range(3))
def test_parameters_get_the_gradient_of_both_passes(seed: int) -> None:
    samples, noise = normal(seed, 3, 2, 4, 4), normal(seed + 1, 3, 2, 4, 4)
    assert parameters_pass_gradcheck(
        smooth_network(seed), lambda critic: finite_difference_penalty(critic, samples, scale=1.0, noise=noise)
    )


def test_under_autocast_the_critic_runs_in_full_precision() -> None:
    network, samples, noise = smooth_network(0).float(), torch.randn(5, 2, 4, 4), torch.randn(5, 2, 4, 4)
    plain = finite_difference_penalty(network, samples, noise=noise)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = finite_difference_penalty(network, samples, noise=noise)
        from_half = finite_difference_penalty(network, samples.bfloat16(), noise=noise)
        assert torch.is_autocast_enabled("cpu")
        scores = network(samples)
        careless = (scores - network(samples + 0.01 * noise)).float().square().mean()
    assert scores.dtype == torch.bfloat16
    assert torch.equal(lowered, plain)
    assert from_half.dtype == torch.float32
    assert abs(careless - plain) > 0.2 * plain  # what it would be otherwise


def test_noise_of_another_dtype_does_not_change_that_of_the_samples() -> None:
    network, samples, noise = smooth_network(0).float(), torch.randn(5, 2, 4, 4), torch.randn(5, 2, 4, 4)
    penalty = finite_difference_penalty(network, samples, noise=noise.double())
    assert torch.equal(penalty, finite_difference_penalty(network, samples, noise=noise))


def test_a_critic_may_be_compiled_alone_since_nothing_is_differentiated_twice() -> None:
    torch.compiler.reset()
    network, samples, noise = smooth_network(1), normal(0, 3, 2, 4, 4), normal(1, 3, 2, 4, 4)
    parameters = list(network.parameters())
    results = []
    for critic in (network, torch.compile(network, backend="aot_eager")):
        penalty = finite_difference_penalty(critic, samples, noise=noise)
        results.append((penalty.detach(), *torch.autograd.grad(penalty, parameters, allow_unused=True)))
    assert results[0][1] is not None
    torch.testing.assert_close(results[1], results[0])


def test_samples_and_noise_get_no_gradient() -> None:
    samples, noise = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 1))
    finite_difference_penalty(critic, samples, noise=noise).backward()
    assert samples.grad is None
    with torch.autocast("cpu", dtype=torch.bfloat16):
        finite_difference_penalty(critic, samples, noise=noise).backward()
    assert samples.grad is None
    assert noise.grad is None
    assert next(critic.parameters()).grad is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0.0}, "scale must be above 0"),
        ({"scale": math.nan}, "scale must be a finite number"),
        ({"noise": torch.randn(2, 1)}, r"noise and samples must have the same shape, got \(2, 1\) and \(2, 3\)"),
        ({"noise": torch.randn(2, 3), "rng": torch.Generator()}, "noise and rng must not both be given"),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        finite_difference_penalty(lambda x: x.sum(1), torch.randn(2, 3), **options)  # type: ignore[arg-type]


def test_samples_are_checked() -> None:
    with pytest.raises(ValueError, match="samples must not be empty"):
        finite_difference_penalty(lambda x: x.sum(1), torch.zeros(0, 3))
    with pytest.raises(ValueError, match="samples must be a floating-point tensor"):
        finite_difference_penalty(lambda x: x.sum(1), torch.zeros(2, 3, dtype=torch.int64))


def test_noise_is_drawn_where_the_samples_are() -> None:
    penalty = finite_difference_penalty(lambda x: x.sum(1), torch.zeros(3, 2, device="meta"))
    assert penalty.device.type == "meta"
