"""The gradient penalty and the zero-centered penalty."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Patches, Quadratic, linear, smooth_network
from support.oracles import row_norms
from support.strategies import normal, sample_pairs, sample_shapes, seeds
from torch import nn

from gankit.constraints import gradient_norm, gradient_penalty, score_gradient, zero_centered_penalty

Pair = tuple[torch.Tensor, torch.Tensor]
targets = st.floats(0, 3)


@given(pair=sample_pairs(), seed=seeds, scale=st.sampled_from((1e-3, 1.0, 1e3)), target=targets)
def test_the_penalty_of_a_linear_critic_is_the_squared_excess_of_its_slope(
    pair: Pair, seed: int, scale: float, target: float
) -> None:
    real, fake = pair
    critic, slope = linear(seed, real.shape[1:], scale)
    expected = (slope.norm() - target) ** 2
    torch.testing.assert_close(gradient_penalty(critic, real, fake, target=target), expected, rtol=1e-9, atol=1e-12)


@given(pair=sample_pairs(), seed=seeds, target=targets)
def test_the_one_sided_form_is_the_other_above_the_target_and_zero_below(pair: Pair, seed: int, target: float) -> None:
    real, fake = pair
    critic, slope = linear(seed, real.shape[1:])
    both = gradient_penalty(critic, real, fake, target=target)
    one = gradient_penalty(critic, real, fake, target=target, one_sided=True)
    assert one == (both if slope.norm() > target else 0)


@given(pair=sample_pairs(), seed=seeds)
def test_a_quadratic_critic_sees_where_the_slope_is_taken(pair: Pair, seed: int) -> None:
    real, fake = pair
    mix = torch.rand(real.shape[0], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    column = mix.view(-1, *[1] * (real.ndim - 1))
    critic = Quadratic(seed, real[0].numel())
    points = np.stack([m * r + (1 - m) * f for m, r, f in zip(mix.numpy(), real.numpy(), fake.numpy(), strict=True)])
    slopes = points.reshape(len(points), -1) @ critic.matrix.numpy()
    expected = float(np.mean((row_norms(slopes) - 1) ** 2))
    assert gradient_penalty(critic, real, fake, mix=column).item() == pytest.approx(expected, rel=1e-9)


@given(pair=sample_pairs(), seed=seeds)
def test_the_share_is_drawn_once_a_sample_from_the_given_generator(pair: Pair, seed: int) -> None:
    real, fake = pair
    seen = []

    def critic(points: torch.Tensor) -> torch.Tensor:
        seen.append(points.detach())
        return points.flatten(1).sum(1)

    gradient_penalty(critic, real, fake, rng=torch.Generator().manual_seed(seed))
    shape = (real.shape[0], *[1] * (real.ndim - 1))
    mix = torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    torch.testing.assert_close(seen[0], mix * real + (1 - mix) * fake)
    assert len(set(mix.flatten().tolist())) == real.shape[0]


@given(pair=sample_pairs(), seed=seeds)
def test_swapping_real_and_fake_is_swapping_the_shares(pair: Pair, seed: int) -> None:
    real, fake = pair
    critic = Quadratic(seed, real[0].numel())
    mix = torch.rand(real.shape[0], *[1] * (real.ndim - 1), dtype=torch.float64)
    torch.testing.assert_close(
        gradient_penalty(critic, real, fake, mix=mix), gradient_penalty(critic, fake, real, mix=1 - mix)
    )


@given(seed=seeds, cut=st.integers(1, 6))
def test_the_penalty_of_a_batch_is_the_weighted_mean_of_its_parts(seed: int, cut: int) -> None:
    real, fake, mix = normal(seed, 7, 3, 5), normal(seed + 1, 7, 3, 5), torch.rand(7, 1, 1, dtype=torch.float64)
    critic = Quadratic(seed, 15)

    def part(rows: slice) -> torch.Tensor:
        return gradient_penalty(critic, real[rows], fake[rows], mix=mix[rows])

    parts = cut * part(slice(None, cut)) + (7 - cut) * part(slice(cut, None))
    torch.testing.assert_close(gradient_penalty(critic, real, fake, mix=mix), parts / 7)


@given(seed=seeds)
def test_patch_scores_are_summed(seed: int) -> None:
    real, fake = normal(seed, 3, 2, 5, 5), normal(seed + 1, 3, 2, 5, 5)
    mix = torch.rand(3, 1, 1, 1, dtype=torch.float64)
    critic = Patches(seed)
    summed = gradient_penalty(lambda x: critic(x).flatten(1).sum(1), real, fake, mix=mix)
    torch.testing.assert_close(gradient_penalty(critic, real, fake, mix=mix), summed)


def test_the_slope_of_a_linear_critics_penalty() -> None:
    slope = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    gradient_penalty(lambda x: x @ slope, normal(0, 5, 2), normal(1, 5, 2), target=2.0).backward()
    torch.testing.assert_close(slope.grad, 2 * (5 - 2) * slope.detach() / 5)


def test_at_a_zero_gradient_the_penalty_is_the_squared_target_and_its_slope_is_finite() -> None:
    slope = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    penalty = gradient_penalty(lambda x: x @ slope, normal(0, 5, 3), normal(1, 5, 3), target=2.0)
    penalty.backward()
    assert penalty.item() == 4.0
    assert slope.grad is not None
    assert torch.equal(slope.grad, torch.zeros_like(slope))


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_parameters_get_the_second_order_gradient(seed: int, *, one_sided: bool) -> None:
    real, fake, mix = (
        normal(seed, 3, 2, 4, 4),
        normal(seed + 1, 3, 2, 4, 4),
        torch.rand(3, 1, 1, 1, dtype=torch.float64),
    )
    network = smooth_network(seed)
    names, values = zip(*((n, p.detach().requires_grad_()) for n, p in network.named_parameters()), strict=True)

    def penalty(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))
        return gradient_penalty(
            lambda x: torch.func.functional_call(network, state, (x,)),
            real,
            fake,
            target=0.1,
            one_sided=one_sided,
            mix=mix,
        )

    assert torch.autograd.gradcheck(penalty, values)


def test_the_generator_gets_no_gradient_and_inputs_stay_as_they_are() -> None:
    weight = torch.randn(3, 3, requires_grad=True)
    real, fake = torch.randn(5, 3, requires_grad=True), torch.randn(5, 3) @ weight
    before = real.detach().clone(), fake.detach().clone()
    critic = torch.nn.Linear(3, 1)
    gradient_penalty(critic, real, fake).backward()
    assert weight.grad is None
    assert real.grad is None
    assert critic.weight.grad is not None
    assert torch.equal(real, before[0])
    assert torch.equal(fake, before[1])


@pytest.mark.parametrize("given_rng", [True, False])
def test_the_global_random_state_moves_only_without_a_generator(*, given_rng: bool) -> None:
    before = torch.get_rng_state()
    rng = torch.Generator().manual_seed(3) if given_rng else None
    gradient_penalty(lambda x: x.sum(1), torch.randn(2, 3, generator=torch.Generator()), torch.zeros(2, 3), rng=rng)
    assert torch.equal(before, torch.get_rng_state()) == given_rng


def test_under_no_grad_the_value_is_the_same_and_the_mode_stays() -> None:
    critic, real, fake, mix = (
        smooth_network(0),
        normal(0, 2, 2, 4, 4),
        normal(1, 2, 2, 4, 4),
        torch.full((2, 1, 1, 1), 0.3),
    )
    penalty = gradient_penalty(critic, real, fake, mix=mix)
    with torch.no_grad():
        logged = gradient_penalty(critic, real, fake, mix=mix)
        assert not torch.is_grad_enabled()
    assert torch.equal(penalty, logged)
    assert penalty.requires_grad
    assert not logged.requires_grad


def test_the_condition_reaches_the_critic_and_only_samples_are_differentiated() -> None:
    labels = torch.tensor([0.5, 2.0], dtype=torch.float64)
    norm = gradient_norm(lambda x: (x * labels[:, None]).sum(1), torch.zeros(2, 3, dtype=torch.float64))
    torch.testing.assert_close(norm, labels * 3**0.5)


@pytest.mark.parametrize("slope", [1e-4, 1.0, 10.0])
def test_half_precision_norms_neither_vanish_nor_overflow(slope: float) -> None:
    size = 3 * 96 * 96
    weight = torch.full((size,), slope, dtype=torch.float16)
    real = torch.zeros(2, size, dtype=torch.float16)
    norm = gradient_norm(lambda x: (x * weight).sum(1), real)
    assert norm.dtype == torch.float32
    torch.testing.assert_close(norm, torch.full((2,), slope * size**0.5), rtol=1e-2, atol=0)


def test_under_autocast_the_penalty_is_float32_and_close_to_the_full_one() -> None:
    network = smooth_network(3).float()
    real, fake, mix = torch.randn(5, 2, 4, 4), torch.randn(5, 2, 4, 4), torch.rand(5, 1, 1, 1)
    full = gradient_penalty(network, real, fake, mix=mix)
    with torch.autocast("cpu", torch.bfloat16):
        half = gradient_penalty(network, real, fake.bfloat16(), mix=mix)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, rtol=0.05, atol=0)


@pytest.mark.parametrize(
    ("real", "fake", "options", "match"),
    [
        (
            torch.zeros(2, 3),
            torch.zeros(3, 3),
            {},
            r"fake and real must have the same shape, got \(3, 3\) and \(2, 3\)",
        ),
        (torch.zeros(0, 3), torch.zeros(0, 3), {}, r"real must not be empty, got shape \(0, 3\)"),
        (torch.zeros(2, 3, dtype=torch.uint8), torch.zeros(2, 3), {}, "real must be a floating-point tensor"),
        (torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.uint8), {}, "fake must be a floating-point tensor"),
        (torch.zeros(2, 3), torch.zeros(2, 3), {"target": -1.0}, "target must be 0 or more, got -1.0"),
        (torch.zeros(2, 3), torch.zeros(2, 3), {"target": float("nan")}, "target must be a finite number"),
        (
            torch.zeros(2, 3),
            torch.zeros(2, 3),
            {"mix": torch.zeros(1, 1)},
            r"mix must have shape \(2, 1\).*got \(1, 1\)",
        ),
        (torch.zeros(2, 3), torch.zeros(2, 3), {"mix": torch.zeros(2)}, r"mix must have shape \(2, 1\)"),
        (
            torch.zeros(2, 3),
            torch.zeros(2, 3),
            {"mix": torch.zeros(2, 1), "rng": torch.Generator()},
            "mix and rng must not both be given",
        ),
    ],
)
def test_mistakes_are_named(real: torch.Tensor, fake: torch.Tensor, options: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        gradient_penalty(lambda x: x.sum(1), real, fake, **options)  # type: ignore[arg-type]


def test_a_critic_that_ignores_its_input_is_refused() -> None:
    weight = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="a critic that ignores its input"):
        gradient_penalty(lambda x: weight * 1, torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="scores must have a graph"):
        gradient_penalty(lambda x: torch.ones(2), torch.zeros(2, 3), torch.zeros(2, 3))


def test_inference_mode_is_refused_with_advice() -> None:
    with torch.inference_mode(), pytest.raises(ValueError, match=r"use torch\.no_grad\(\)"):
        gradient_penalty(lambda x: x.sum(1), torch.zeros(2, 3), torch.zeros(2, 3))


@given(shape=sample_shapes, seed=seeds)
def test_the_default_draw_is_in_the_wider_dtype(shape: tuple[int, ...], seed: int) -> None:
    penalty = gradient_penalty(
        lambda x: x.flatten(1).sum(1), normal(seed, *shape, dtype=torch.float32), normal(seed, *shape)
    )
    assert penalty.dtype == torch.float64


@given(pair=sample_pairs(), seed=seeds, scale=st.floats(-5, 5))
def test_the_sign_of_the_critic_plays_no_part_and_its_scale_does(pair: Pair, seed: int, scale: float) -> None:
    real, fake = pair
    critic = Quadratic(seed, real[0].numel())
    mix = torch.rand(real.shape[0], *[1] * (real.ndim - 1), dtype=torch.float64)
    norms = gradient_norm(critic, mix * real + (1 - mix) * fake)
    scaled = gradient_penalty(lambda x: scale * critic(x), real, fake, mix=mix)
    torch.testing.assert_close(scaled, (abs(scale) * norms - 1).square().mean())
    torch.testing.assert_close(gradient_penalty(lambda x: -scale * critic(x), real, fake, mix=mix), scaled)


@given(pair=sample_pairs(), seed=seeds, target=st.floats(0.1, 3))
def test_the_penalty_is_zero_only_where_every_norm_is_the_target(pair: Pair, seed: int, target: float) -> None:
    real, fake = pair
    critic, slope = linear(seed, real.shape[1:])
    assert gradient_penalty(lambda x: critic(x) * (target / slope.norm()), real, fake, target=target) < 1e-20
    tilt = torch.where(torch.arange(len(real)) == 1, 1.5, 1.0).to(real)
    one_off = gradient_penalty(lambda x: critic(x) * tilt * (target / slope.norm()), real, fake, target=target)
    torch.testing.assert_close(one_off, torch.tensor((0.5 * target) ** 2 / len(real)).to(real))


NORMS = {
    "none": nn.Identity,
    "group": lambda: nn.GroupNorm(1, 3),
    "instance": lambda: nn.InstanceNorm2d(3, affine=True),
    "layer": lambda: nn.LayerNorm([3, 5, 5]),
    "batch": lambda: nn.BatchNorm2d(3),
}


@pytest.mark.filterwarnings("ignore:batch normalization")
@pytest.mark.parametrize("norm", NORMS)
def test_only_batch_normalization_couples_the_samples(norm: str) -> None:
    torch.manual_seed(3)
    critic = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), NORMS[norm](), nn.SiLU(), nn.Flatten(), nn.Linear(75, 1))
    critic = critic.double()
    real, fake, mix = normal(0, 7, 2, 5, 5), normal(1, 7, 2, 5, 5), torch.rand(7, 1, 1, 1, dtype=torch.float64)
    whole = gradient_penalty(critic, real, fake, mix=mix)
    halves = [gradient_penalty(critic, real[p], fake[p], mix=mix[p]) for p in (slice(None, 3), slice(3, None))]
    together = (3 * halves[0] + 4 * halves[1]) / 7
    if norm == "batch":
        assert (whole - together).abs() > 1e-4
    else:
        torch.testing.assert_close(together, whole, rtol=1e-12, atol=1e-14)


@given(exponent=st.integers(0, 16))
def test_a_gradient_scaler_changes_nothing(exponent: int) -> None:
    """Scaling is of the loss; the penalty's own gradient is taken from scores that are not scaled."""
    network, real, fake = smooth_network(0).float(), normal(0, 3, 2, 4, 4).float(), normal(1, 3, 2, 4, 4).float()
    mix = torch.full((3, 1, 1, 1), 0.3)
    penalty = gradient_penalty(network, real, fake, mix=mix)
    plain = torch.autograd.grad(penalty, list(network.parameters()), retain_graph=True, materialize_grads=True)
    scaled = torch.autograd.grad(penalty * 2**exponent, list(network.parameters()), materialize_grads=True)
    torch.testing.assert_close([part / 2**exponent for part in scaled], list(plain))


@pytest.mark.parametrize("fails", [False, True])
def test_modes_flags_and_gradients_stay_as_they_were_found(*, fails: bool) -> None:
    network, real, fake = smooth_network(0), normal(0, 3, 2, 4, 4), normal(1, 3, 2, 4, 4)
    network[0].eval()  # type: ignore[index]
    network[2].requires_grad_(False)  # type: ignore[index]
    modes = [module.training for module in network.modules()]
    flags = [parameter.requires_grad for parameter in network.parameters()]

    def critic(x: torch.Tensor) -> torch.Tensor:
        scores = network(x)
        if fails:
            raise KeyError
        return scores

    with torch.no_grad(), pytest.raises(KeyError) if fails else nullcontext():
        gradient_penalty(critic, real, fake)
    assert torch.is_grad_enabled()
    assert [module.training for module in network.modules()] == modes
    assert [parameter.requires_grad for parameter in network.parameters()] == flags
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not real.requires_grad
    assert not fake.requires_grad


def test_the_gradient_of_the_penalty_is_differentiable_again() -> None:
    real, fake, mix = normal(0, 3, 5), normal(1, 3, 5), torch.rand(3, 1, dtype=torch.float64)
    first, last = normal(2, 5, 3).requires_grad_(), normal(3, 3).requires_grad_()

    def penalty(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        return gradient_penalty(lambda x: torch.tanh(x @ one) @ two, real, fake, mix=mix)

    assert torch.autograd.gradcheck(penalty, (first, last))
    assert torch.autograd.gradgradcheck(penalty, (first, last))


def test_a_penalty_calls_the_critic_once() -> None:
    """So that a spectral norm in training mode takes one step of its power iteration for each penalty."""
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2))
    again = copy.deepcopy(layer)
    real = torch.randn(5, 3)
    gradient_penalty(layer, real, real + 1)
    again(real)
    for vector, other in zip(layer.buffers(), again.buffers(), strict=True):
        assert torch.equal(vector, other)


@given(seed=seeds, shape=sample_shapes, scale=st.sampled_from((0.0, 1e-3, 1.0, 1e3)))
def test_the_penalty_of_a_linear_critic_is_its_squared_slope_zero_centered(
    seed: int, shape: tuple[int, ...], scale: float
) -> None:
    critic, slope = linear(seed, shape[1:], scale)
    torch.testing.assert_close(zero_centered_penalty(critic, normal(seed, *shape)), slope.square().sum())


@given(seed=seeds, shape=sample_shapes)
def test_a_quadratic_critic_is_measured_where_the_samples_are(seed: int, shape: tuple[int, ...]) -> None:
    samples = normal(seed, *shape)
    critic = Quadratic(seed, samples[0].numel())
    expected = np.mean(np.sum((samples.flatten(1).numpy() @ critic.matrix.numpy()) ** 2, axis=1))
    assert zero_centered_penalty(critic, samples).item() == pytest.approx(expected, rel=1e-9)


@given(seed=seeds)
def test_the_shared_forward_form_is_the_same_zero_centered(seed: int) -> None:
    network, images = smooth_network(seed), normal(seed, 3, 2, 4, 4)
    shared = images.clone().requires_grad_()
    gradient = score_gradient(network(shared), shared)
    torch.testing.assert_close(zero_centered_penalty(network, images), gradient.flatten(1).square().sum(1).mean())


def test_parameters_get_the_second_order_gradient_zero_centered() -> None:
    network, images = smooth_network(2), normal(0, 3, 2, 4, 4)
    names, values = zip(*((n, p.detach().requires_grad_()) for n, p in network.named_parameters()), strict=True)

    def penalty(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))
        return zero_centered_penalty(lambda x: torch.func.functional_call(network, state, (x,)), images)

    assert torch.autograd.gradcheck(penalty, values)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"samples must not be empty, got shape \(0, 2\)"):
        zero_centered_penalty(lambda x: x.sum(1), torch.zeros(0, 2))


def test_the_gradient_of_the_penalty_is_differentiable_again_in_every_part() -> None:
    image, text = normal(0, 3, 2, 2), normal(1, 3, 1)
    first, last = normal(2, 5, 3).requires_grad_(), normal(3, 3).requires_grad_()

    def penalty(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        def critic(x: dict[str, torch.Tensor]) -> torch.Tensor:
            return torch.tanh(torch.cat([x["image"].flatten(1), x["text"]], dim=1) @ one) @ two

        return zero_centered_penalty(critic, {"image": image, "text": text})

    assert torch.autograd.gradcheck(penalty, (first, last))
    assert torch.autograd.gradgradcheck(penalty, (first, last))


@given(seed=seeds)
def test_a_penalty_on_real_samples_sees_no_fake_ones(seed: int) -> None:
    network, real, fake = smooth_network(seed), normal(seed, 3, 2, 4, 4), normal(seed + 1, 5, 2, 4, 4)
    alone = zero_centered_penalty(network, real)
    together = zero_centered_penalty(network, torch.cat([real, fake]))
    torch.testing.assert_close((together * 8 - 5 * zero_centered_penalty(network, fake)) / 3, alone)
