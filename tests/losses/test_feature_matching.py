"""Losses of a critic's features: paired, and of their means; oracles, layouts, who gets a gradient, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, sample_pairs, sample_shapes, seeds

from gankit.losses import feature_matching_loss, mean_feature_loss

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
def test_half_precision_is_priced_in_float32(loss: Any, dtype: torch.dtype) -> None:
    real, fake = normal(0, 7, 5).to(dtype), normal(1, 7, 5).to(dtype)
    priced = loss(real, fake)
    assert priced.dtype == torch.float32
    torch.testing.assert_close(priced, loss(real.float(), fake.float()), rtol=0, atol=0)


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

    monkeypatch.setattr("gankit.losses._feature_matching.ranks_of_whole_batch", lambda name: 2)
    monkeypatch.setattr("gankit.losses._feature_matching.sum_over_ranks", sum_with_the_other)
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
