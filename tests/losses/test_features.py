"""Terms beside the score: oracles, gradients, invariances, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, sample_pairs, sample_shapes, seeds

from gankit.losses import conditioning_kl_loss, feature_matching_loss, mean_feature_loss, mode_seeking_loss

Pair = tuple[torch.Tensor, torch.Tensor]
BOTH = pytest.mark.parametrize("loss", [feature_matching_loss, mean_feature_loss])


@given(pair=sample_pairs())
def test_the_paired_loss_equals_the_oracle(pair: Pair) -> None:
    real, fake = pair
    loss = feature_matching_loss(real, fake)
    assert loss.item() == pytest.approx(float(np.sum(np.abs(real.numpy() - fake.numpy())) / real.numel()), rel=1e-9)
    assert loss.shape == ()


@given(pair=sample_pairs(), more=st.integers(1, 5))
def test_the_mean_loss_equals_the_oracle_for_any_two_numbers_of_samples(pair: Pair, more: int) -> None:
    real, fake = pair
    real = torch.cat([real, normal(more, more, *real.shape[1:])])
    means = [sum(one.numpy()[i] for i in range(len(one))) / len(one) for one in (real, fake)]
    loss = mean_feature_loss(real, fake)
    assert loss.item() == pytest.approx(float(np.sum((means[0] - means[1]) ** 2)), rel=1e-9, abs=1e-12)
    assert loss.shape == ()


@given(seed=seeds, shapes=st.lists(st.lists(sample_shapes, min_size=1, max_size=3), min_size=1, max_size=3))
def test_layers_count_equally_within_a_critic_and_critics_among_each_other(
    seed: int, shapes: list[list[tuple[int, ...]]]
) -> None:
    real = [[normal(seed, *shape) for shape in critic] for critic in shapes]
    fake = [[normal(seed + 1, *shape) for shape in critic] for critic in shapes]
    of_critics = [
        sum(feature_matching_loss(*pair).item() for pair in zip(*critic, strict=True)) / len(critic[0])
        for critic in zip(real, fake, strict=True)
    ]
    loss = feature_matching_loss(real, fake)
    assert loss.item() == pytest.approx(sum(of_critics) / len(of_critics), rel=1e-9)
    layers = feature_matching_loss(tuple(real[0]), fake[0])
    assert layers.item() == pytest.approx(of_critics[0], rel=1e-9)


def test_critics_with_unequal_numbers_of_layers_weigh_the_same() -> None:
    zero, one, three = torch.zeros(2, 3), torch.ones(2, 3), torch.full((2, 3), 3.0)
    assert feature_matching_loss([[zero, zero, zero], [zero]], [[one, one, one], [three]]).item() == 2.0


@BOTH
@given(pair=sample_pairs())
def test_alike_costs_nothing_and_sides_can_be_swapped(loss: Any, pair: Pair) -> None:
    real, fake = pair
    assert loss(real, real.clone()).item() == 0.0
    assert loss(real, fake) == loss(fake, real) > 0


@BOTH
def test_only_the_generated_side_gets_a_gradient(loss: Any) -> None:
    real, fake = normal(0, 5, 3).requires_grad_(), normal(1, 5, 3).requires_grad_()
    loss(real, fake).backward()
    assert real.grad is None
    assert fake.grad is not None
    assert fake.grad.abs().max() > 0


def test_gradients_are_signs_and_twice_the_distance() -> None:
    real, fake = normal(0, 5, 3), normal(1, 5, 3).requires_grad_()
    (gradient,) = torch.autograd.grad(feature_matching_loss(real, fake), fake)
    torch.testing.assert_close(gradient, (fake - real).sign() / 15)
    (gradient,) = torch.autograd.grad(mean_feature_loss(real, fake), fake)
    expected = 2 * (fake - real).mean(dim=0) / 5
    torch.testing.assert_close(gradient, expected.expand(5, 3))
    for loss in (feature_matching_loss, mean_feature_loss):
        assert torch.autograd.gradcheck(lambda fake, loss=loss: loss(real, fake), fake)


@given(seed=seeds)
def test_the_mean_loss_ignores_the_order_and_the_paired_one_does_not(seed: int) -> None:
    real, fake = normal(seed, 7, 3), normal(seed + 1, 7, 3)
    torch.testing.assert_close(mean_feature_loss(real, fake.roll(1, 0)), mean_feature_loss(real, fake))
    assert (feature_matching_loss(real, fake.roll(1, 0)) - feature_matching_loss(real, fake)).abs() > 1e-9


@BOTH
@given(seed=seeds, side=st.booleans(), value=st.sampled_from((torch.nan, torch.inf, -torch.inf)))
def test_what_is_not_finite_never_becomes_finite(loss: Any, seed: int, *, side: bool, value: float) -> None:
    pair = normal(seed, 5, 3), normal(seed + 1, 5, 3)
    pair[side][2, 1] = value
    assert not loss(*pair).isfinite()


@BOTH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_loss_in_float32(loss: Any, dtype: torch.dtype) -> None:
    real, fake = normal(0, 7, 5).to(dtype), normal(1, 7, 5).to(dtype)
    computed = loss(real, fake)
    assert computed.dtype == torch.float32
    torch.testing.assert_close(computed, loss(real.float(), fake.float()), rtol=0, atol=0)


@BOTH
def test_inputs_stay_as_they_are(loss: Any) -> None:
    real, fake = normal(0, 5, 3), normal(1, 5, 3)
    before = real.clone(), fake.clone()
    loss(real, fake)
    assert torch.equal(real, before[0])
    assert torch.equal(fake, before[1])
    assert real._version == fake._version == 0


def test_one_feature_a_sample_may_come_without_an_axis() -> None:
    real, fake = normal(0, 5), normal(1, 5)
    assert mean_feature_loss(real, fake) == mean_feature_loss(real.unsqueeze(1), fake.unsqueeze(1))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3, 5)])
def test_means_of_ranks_with_unequal_numbers_of_samples_are_those_of_all_samples(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    real, fake = normal(0, 7, *shape), normal(1, 7, *shape)
    elsewhere = iter([fake[5:], real[5:]])  # what the other rank would add, in the order of the sums

    def sum_with_the_other(own: torch.Tensor) -> torch.Tensor:
        other = next(elsewhere)
        return own + torch.cat([other.sum(dim=0).flatten(), torch.tensor([float(len(other))])])

    monkeypatch.setattr("gankit.losses._features.ranks_of_whole_batch", lambda name: 2)
    monkeypatch.setattr("gankit.losses._features.sum_over_ranks", sum_with_the_other)
    by_ranks = mean_feature_loss(real[:5], fake[:5])
    monkeypatch.undo()
    torch.testing.assert_close(by_ranks, mean_feature_loss(real, fake), rtol=1e-12, atol=1e-12)


ONES = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        (ONES, ONES[:1], r"fake and real must have the same shape, got \(1, 3\) and \(2, 3\)"),
        ([ONES], [ONES.T], r"fake\[0\] and real\[0\] must have the same shape"),
        ([[ONES], [ONES]], [[ONES], [ONES[0]]], r"fake\[1\]\[0\] and real\[1\]\[0\] must have the same shape"),
        ([ONES, ONES], [ONES], "fake and real must hold equally many layers, got 1 and 2"),
        ([[ONES]], [[ONES, ONES]], r"fake\[0\] and real\[0\] must hold equally many layers, got 2 and 1"),
        ([], [], "real must hold at least one layer, got an empty sequence"),
        ([ONES], [], "fake must hold at least one layer"),
        (ONES, [ONES], "real must be a tensor or a sequence of layers, as the other side is, got Tensor"),
        ([ONES], ONES, "fake must be a tensor or a sequence of layers, as the other side is, got Tensor"),
        (3.0, [ONES], "real must be a tensor or a sequence of layers, as the other side is, got float"),
        ("ab", "ab", "real must be a tensor or a sequence of layers, as the other side is, got str"),
        (ONES[:0], ONES[:0], "real must not be empty"),
        (ONES.long(), ONES, "real must be a floating-point tensor"),
        (ONES, ONES.long(), "fake must be a floating-point tensor"),
    ],
)
def test_mistakes_in_pairs_are_named(real: Any, fake: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        feature_matching_loss(real, fake)


@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        (ONES, ONES[:, :2], r"real and fake must have features of the same shape, got \(2, 3\) and \(2, 2\)"),
        (ONES, ONES[0], r"real and fake must have features of the same shape, got \(2, 3\) and \(3,\)"),
        (ONES[:0], ONES, "real must not be empty"),
        (ONES, ONES[:0], "fake must not be empty"),
        (ONES, torch.tensor(1.0), "fake must have a batch axis"),
        (ONES.long(), ONES, "real must be a floating-point tensor"),
        ([ONES], ONES, "real must be a tensor, got list"),
    ],
)
def test_mistakes_in_means_are_named(real: Any, fake: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        mean_feature_loss(real, fake)


def test_layers_of_several_critics_are_constants_on_the_real_side() -> None:
    real = [[torch.zeros(2, 3, requires_grad=True), torch.zeros(2, 5, requires_grad=True)]]
    fake = [[torch.ones(2, 3, requires_grad=True), torch.ones(2, 5, requires_grad=True)]]
    feature_matching_loss(real, fake).backward()
    assert all(layer.grad is None for layer in real[0])
    assert all(layer.grad is not None for layer in fake[0])


def _case(seed: int, shape: tuple[int, ...] = (5, 2, 3)) -> list[torch.Tensor]:
    """Two samples and their two latents, 7 numbers long."""
    return [
        normal(seed, *shape),
        normal(seed + 1, *shape),
        normal(seed + 2, shape[0], 7),
        normal(seed + 3, shape[0], 7),
    ]


def _oracle(case: list[torch.Tensor], epsilon: float) -> float:
    first, second, first_latents, second_latents = (tensor.detach().numpy() for tensor in case)
    apart = np.sum(np.abs(first - second)) / first.size
    latents_apart = np.sum(np.abs(first_latents - second_latents)) / first_latents.size
    return float(1 / (apart / latents_apart + epsilon))


@given(seed=seeds, shape=sample_shapes, epsilon=st.sampled_from((1e-5, 0.1, 2.0)))
def test_it_equals_the_oracle(seed: int, shape: tuple[int, ...], epsilon: float) -> None:
    case = _case(seed, shape)
    loss = mode_seeking_loss(*case, epsilon=epsilon)
    assert loss.item() == pytest.approx(_oracle(case, epsilon), rel=1e-9)
    assert loss.shape == ()


@given(seed=seeds)
def test_epsilon_defaults_to_the_published_one(seed: int) -> None:
    case = _case(seed)
    assert mode_seeking_loss(*case).item() == pytest.approx(_oracle(case, 1e-5), rel=1e-12)


@given(seed=seeds, factor=st.sampled_from((1e-2, 3.0, 1e2)))
def test_the_ratio_follows_the_samples_and_undoes_the_latents(seed: int, factor: float) -> None:
    first, second, one, other = _case(seed)
    ratio = 1 / mode_seeking_loss(first, second, one, other) - 1e-5
    wider = 1 / mode_seeking_loss(factor * first, factor * second, one, other) - 1e-5
    torch.testing.assert_close(wider, factor * ratio, rtol=1e-6, atol=1e-9)
    both = mode_seeking_loss(factor * first, factor * second, factor * one, factor * other)
    torch.testing.assert_close(both, mode_seeking_loss(first, second, one, other), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_two_draws_are_alike(seed: int) -> None:
    first, second, one, other = _case(seed)
    torch.testing.assert_close(
        mode_seeking_loss(second, first, other, one), mode_seeking_loss(first, second, one, other), rtol=0, atol=0
    )


def test_a_generator_that_ignores_its_noise_costs_the_most_and_gets_no_gradient() -> None:
    first, _, one, other = _case(0)
    first.requires_grad_()
    loss = mode_seeking_loss(first, first.detach(), one, other)
    assert loss.item() == pytest.approx(1e5)
    (gradient,) = torch.autograd.grad(loss, first)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_a_step_down_the_gradient_moves_the_samples_apart() -> None:
    first, second, one, other = (tensor.requires_grad_() for tensor in _case(1))
    step = torch.autograd.grad(mode_seeking_loss(first, second, one, other), [first, second])
    apart = (first - second).abs().mean()
    assert (first - step[0] - second + step[1]).abs().mean() > apart


def test_gradients_are_those_of_finite_differences() -> None:
    case = [tensor.requires_grad_() for tensor in _case(2)]
    assert torch.autograd.gradcheck(mode_seeking_loss, case)


@given(seed=seeds, which=st.integers(0, 3), value=st.sampled_from((torch.nan, torch.inf, -torch.inf)))
def test_mode_seeking_of_what_is_not_finite_is_not_finite(seed: int, which: int, value: float) -> None:
    case = _case(seed)
    case[which][1, 1] = value
    assert not mode_seeking_loss(*case).isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_before_subtraction(dtype: torch.dtype) -> None:
    case = [tensor.to(dtype) for tensor in _case(3)]
    loss = mode_seeking_loss(*case)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, mode_seeking_loss(*(tensor.float() for tensor in case)), rtol=0, atol=0)


def test_mode_seeking_leaves_its_inputs_as_they_are() -> None:
    case = _case(0)
    before = [tensor.clone() for tensor in case]
    mode_seeking_loss(*case)
    assert all(torch.equal(one, other) for one, other in zip(case, before, strict=True))
    assert all(tensor._version == 0 for tensor in case)


X, Z = torch.ones(2, 3), torch.eye(2)


@pytest.mark.parametrize(
    ("case", "options", "match"),
    [
        ((X, X[:, :2], Z, -Z), {}, r"second and first must have the same shape, got \(2, 2\) and \(2, 3\)"),
        ((X, X, Z, -Z[:1]), {}, "second_latents and first_latents must have the same shape"),
        ((X, X, torch.eye(3), -torch.eye(3)), {}, "first_latents must hold one row per sample, 2, got 3"),
        ((X, X, Z, Z.clone()), {}, "first_latents and second_latents must differ, got the same latents twice"),
        ((X[:0], X[:0], Z, -Z), {}, "first must not be empty"),
        ((X, X, Z[:0], Z[:0]), {}, "first_latents must not be empty"),
        ((X.long(), X, Z, -Z), {}, "first must be a floating-point tensor"),
        ((X, X, Z, None), {}, "second_latents must be a tensor, got NoneType"),
        ((X, X, Z, -Z), {"epsilon": 0}, "epsilon must be above 0, got 0"),
    ],
)
def test_mistakes_are_named(case: tuple[Any, ...], options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        mode_seeking_loss(*case, **options)


@given(pair=sample_pairs())
def test_the_divergence_equals_the_oracle(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    mean, log_variance = pair
    m, v = mean.numpy(), log_variance.numpy()
    expected = sum(0.5 * np.sum(m[i] ** 2 + np.exp(v[i]) - 1 - v[i]) for i in range(len(m))) / len(m)
    loss = conditioning_kl_loss(mean, log_variance)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert loss.shape == ()


@pytest.mark.parametrize(("mean", "log_variance"), [(0.7, 0.0), (-1.3, -0.8), (0.2, 1.1)])
def test_it_is_the_integral_that_defines_the_divergence(mean: float, log_variance: float) -> None:
    x, step = np.linspace(-30, 30, 200_001, retstep=True)
    variance = np.exp(log_variance)
    log_density = -0.5 * ((x - mean) ** 2 / variance + np.log(2 * np.pi * variance))
    log_standard = -0.5 * (x**2 + np.log(2 * np.pi))
    integral = np.sum(np.exp(log_density) * (log_density - log_standard)) * step
    one = torch.full((2, 3), mean, dtype=torch.float64), torch.full((2, 3), log_variance, dtype=torch.float64)
    assert conditioning_kl_loss(*one).item() == pytest.approx(3 * integral, rel=1e-8)


def test_torch_says_the_same() -> None:
    mean, log_variance = normal(0, 5, 7), normal(1, 5, 7)
    own = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    standard = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(mean))
    expected = torch.distributions.kl_divergence(own, standard).sum(dim=1).mean()
    torch.testing.assert_close(conditioning_kl_loss(mean, log_variance), expected, rtol=1e-12, atol=1e-12)


@given(pair=sample_pairs())
def test_it_is_never_negative_and_zero_at_the_standard_normal_alone(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    mean, log_variance = pair
    zeros = torch.zeros_like(mean)
    assert conditioning_kl_loss(mean, log_variance) > 0
    assert conditioning_kl_loss(zeros, zeros).item() == 0.0


@given(seed=seeds, cut=st.integers(1, 10))
def test_a_batch_costs_the_weighted_mean_of_its_parts(seed: int, cut: int) -> None:
    mean, log_variance = normal(seed, 11, 3), normal(seed + 1, 11, 3)
    first = conditioning_kl_loss(mean[:cut], log_variance[:cut])
    rest = conditioning_kl_loss(mean[cut:], log_variance[cut:])
    torch.testing.assert_close(conditioning_kl_loss(mean, log_variance), (cut * first + (11 - cut) * rest) / 11)


def test_a_variance_near_one_keeps_its_small_cost() -> None:
    log_variance = torch.full((1, 1), 1e-3)
    assert conditioning_kl_loss(torch.zeros(1, 1), log_variance).item() == pytest.approx(2.5e-7, rel=1e-3)


def test_gradients_are_the_mean_and_half_of_what_the_variance_is_above_one() -> None:
    mean, log_variance = normal(0, 5, 3).requires_grad_(), normal(1, 5, 3).requires_grad_()
    conditioning_kl_loss(mean, log_variance).backward()
    torch.testing.assert_close(mean.grad, mean.detach() / 5)
    torch.testing.assert_close(log_variance.grad, (log_variance.detach().exp() - 1) / 10)
    assert torch.autograd.gradcheck(conditioning_kl_loss, (mean, log_variance))


@given(
    seed=seeds,
    side=st.booleans(),
    row=st.integers(0, 4),
    value=st.sampled_from((torch.nan, torch.inf, -torch.inf)),
)
def test_the_divergence_of_what_is_not_finite_is_not_finite(seed: int, *, side: bool, row: int, value: float) -> None:
    pair = normal(seed, 5, 3), normal(seed + 1, 5, 3)
    pair[side][row, 1] = value
    assert not conditioning_kl_loss(*pair).isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_divergence_of_half_precision_is_in_float32(dtype: torch.dtype) -> None:
    mean, log_variance = torch.full((2, 3), 300.0, dtype=dtype), torch.zeros(2, 3, dtype=dtype)
    loss = conditioning_kl_loss(mean, log_variance)
    assert loss.dtype == torch.float32
    assert loss.item() == 1.5 * 300.0**2
    pair = normal(0, 5, 3).to(dtype), normal(1, 5, 3).to(dtype)
    torch.testing.assert_close(
        conditioning_kl_loss(*pair), conditioning_kl_loss(*(one.float() for one in pair)), rtol=0, atol=0
    )


def test_the_divergence_leaves_its_inputs_as_they_are() -> None:
    mean, log_variance = normal(0, 5, 3), normal(1, 5, 3)
    before = mean.clone(), log_variance.clone()
    conditioning_kl_loss(mean, log_variance)
    assert torch.equal(mean, before[0])
    assert torch.equal(log_variance, before[1])
    assert mean._version == log_variance._version == 0


@pytest.mark.parametrize(
    ("mean", "log_variance", "match"),
    [
        (torch.ones(2, 3), torch.ones(2), r"log_variance and mean must have the same shape, got \(2,\) and \(2, 3\)"),
        (torch.ones(0, 3), torch.ones(0, 3), "mean must not be empty"),
        (torch.tensor(1.0), torch.tensor(1.0), "mean must have a batch axis"),
        (torch.ones(2, 3).long(), torch.ones(2, 3), "mean must be a floating-point tensor"),
        (torch.ones(2, 3), torch.ones(2, 3).long(), "log_variance must be a floating-point tensor"),
        (None, torch.ones(2, 3), "mean must be a tensor, got NoneType"),
    ],
)
def test_mistakes_with_the_divergence_are_named(mean: Any, log_variance: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        conditioning_kl_loss(mean, log_variance)
