"""Relativistic losses: oracles, symmetries, shifts, both gradients, maps, mistakes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.oracles import Array, costs
from support.strategies import normal, real_and_fake, seeds

from gankit.losses import (
    Hinge,
    LeastSquares,
    Logistic,
    Objective,
    Wasserstein,
    critic_loss,
    paired_critic_loss,
    paired_generator_loss,
    relativistic_average_critic_loss,
    relativistic_average_generator_loss,
)

Pair = tuple[torch.Tensor, torch.Tensor]
OBJECTIVES: dict[str, Objective] = {
    "Wasserstein": Wasserstein(),
    "Logistic": Logistic(),
    "Hinge": Hinge(),
    "LeastSquares": LeastSquares(),
}
EVERY = pytest.mark.parametrize("name", OBJECTIVES)
BOTH = pytest.mark.parametrize("loss", [paired_critic_loss, paired_generator_loss])


@EVERY
@given(pair=real_and_fake())
def test_they_equal_the_oracle(name: str, pair: Pair) -> None:
    real, fake = (scores.numpy() for scores in pair)
    for loss, difference in ((paired_critic_loss, real - fake), (paired_generator_loss, fake - real)):
        expected = np.sum(costs(name, "real", difference)) / real.size
        assert loss(OBJECTIVES[name], *pair).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert loss(OBJECTIVES[name], *pair).shape == ()


@EVERY
@given(pair=real_and_fake())
def test_the_generators_side_is_the_critics_with_the_roles_swapped(name: str, pair: Pair) -> None:
    real, fake = pair
    objective = OBJECTIVES[name]
    assert paired_generator_loss(objective, real, fake) == paired_critic_loss(objective, fake, real)


@BOTH
@EVERY
@given(seed=seeds, shift=st.floats(-1e3, 1e3))
def test_a_shift_of_all_scores_changes_nothing(name: str, loss: Any, seed: int, shift: float) -> None:
    real, fake = normal(seed, 7), normal(seed + 1, 7)
    objective = OBJECTIVES[name]
    shifted = loss(objective, real + shift, fake + shift)
    torch.testing.assert_close(shifted, loss(objective, real, fake), rtol=1e-9, atol=1e-9)


@given(pair=real_and_fake())
def test_on_wasserstein_it_is_the_plain_critics_loss(pair: Pair) -> None:
    torch.testing.assert_close(
        paired_critic_loss(Wasserstein(), *pair), critic_loss(Wasserstein(), *pair), rtol=1e-9, atol=1e-12
    )


@BOTH
@given(seed=seeds)
def test_pairs_keep_together_and_their_order_does_not_matter(loss: Any, seed: int) -> None:
    real, fake = normal(seed, 7), normal(seed + 1, 7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(seed))
    plain = loss(Logistic(), real, fake)
    torch.testing.assert_close(loss(Logistic(), real[order], fake[order]), plain, rtol=1e-12, atol=1e-12)
    assert (loss(Logistic(), real, fake.roll(1)) - plain).abs() > 1e-9


@BOTH
@given(seed=seeds, cut=st.integers(1, 10))
def test_a_batch_costs_the_weighted_mean_of_its_parts(loss: Any, seed: int, cut: int) -> None:
    real, fake = normal(seed, 11), normal(seed + 1, 11)
    first, rest = loss(Hinge(), real[:cut], fake[:cut]), loss(Hinge(), real[cut:], fake[cut:])
    torch.testing.assert_close(loss(Hinge(), real, fake), (cut * first + (11 - cut) * rest) / 11)


@given(seed=seeds, n=st.integers(1, 11))
def test_the_gradients_of_both_sides_are_equal_and_opposite(seed: int, n: int) -> None:
    real, fake = normal(seed, n).requires_grad_(), normal(seed + 1, n).requires_grad_()
    up, down = torch.autograd.grad(paired_critic_loss(Logistic(), real, fake), [real, fake])
    slope = -torch.sigmoid(fake.detach() - real.detach()) / n
    torch.testing.assert_close(up, slope, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(down, -slope, rtol=1e-9, atol=1e-12)
    up, down = torch.autograd.grad(paired_generator_loss(Logistic(), real, fake), [real, fake])
    slope = torch.sigmoid(real.detach() - fake.detach()) / n
    torch.testing.assert_close(up, slope, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(down, -slope, rtol=1e-9, atol=1e-12)


@BOTH
@EVERY
def test_gradients_are_those_of_finite_differences(name: str, loss: Any) -> None:
    pair = normal(0, 5).requires_grad_(), normal(1, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda *pair: loss(OBJECTIVES[name], *pair), pair)


@BOTH
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_before_it_is_subtracted(loss: Any, dtype: torch.dtype) -> None:
    real, fake = torch.tensor([2048.0, 1.0]).to(dtype), torch.tensor([0.25, 0.0]).to(dtype)
    computed = loss(Wasserstein(), real, fake)  # neither dtype holds 2047.75
    assert computed.dtype == torch.float32
    assert abs(computed.item()) == (2047.75 + 1) / 2


@BOTH
def test_shapes_of_one_score_a_sample_agree(loss: Any) -> None:
    real, fake = normal(0, 5), normal(1, 5)
    for shape in ((5, 1), (5, 1, 1, 1)):
        assert loss(Logistic(), real.view(shape), fake.view(shape)) == loss(Logistic(), real, fake)


@BOTH
def test_several_maps_count_equally_whatever_their_size(loss: Any) -> None:
    real, fake = [normal(0, 2, 3), normal(1, 2, 5, 5)], [normal(2, 2, 3), normal(3, 2, 5, 5)]
    alone = [loss(Logistic(), *pair) for pair in zip(real, fake, strict=True)]
    torch.testing.assert_close(loss(Logistic(), real, fake), torch.stack(alone).mean())


@BOTH
@given(seed=seeds, side=st.booleans(), value=st.sampled_from((torch.nan, torch.inf, -torch.inf)))
def test_what_is_not_finite_never_becomes_finite(loss: Any, seed: int, *, side: bool, value: float) -> None:
    pair = normal(seed, 5), normal(seed + 1, 5)
    pair[side][2] = value
    assert not loss(Wasserstein(), *pair).isfinite()
    if math.isnan(value):
        assert all(loss(objective, *pair).isnan() for objective in OBJECTIVES.values())


@BOTH
def test_inputs_stay_as_they_are(loss: Any) -> None:
    real, fake = normal(0, 5).requires_grad_(), normal(1, 5)
    before = real.detach().clone(), fake.clone()
    loss(Logistic(), real, fake).backward()
    assert torch.equal(real, before[0])
    assert torch.equal(fake, before[1])
    assert real._version == fake._version == 0
    assert fake.grad is None


@BOTH
@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        (torch.zeros(3), torch.zeros(3, 1), r"(fake and real|real and fake) must have the same shape"),
        (torch.zeros(0), torch.zeros(0), "must not be empty"),
        (torch.zeros(3, dtype=torch.int64), torch.zeros(3), "real must be a floating-point tensor"),
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), "fake must be a floating-point tensor"),
        ([torch.zeros(2)], [torch.zeros(2), torch.zeros(2)], "must hold equally many maps"),
        (torch.tensor(1.0), torch.tensor(1.0), "must have a batch axis"),
        (None, torch.zeros(2), "real must be a tensor or a sequence of tensors, got NoneType"),
    ],
)
def test_mistakes_are_named(loss: Any, real: Any, fake: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        loss(Hinge(), real, fake)


BOTH_AVERAGE = pytest.mark.parametrize("loss", [relativistic_average_critic_loss, relativistic_average_generator_loss])


def _oracle(name: str, above: Array, below: Array) -> float:
    """The cost of `above` against the mean of `below`, plus that of `below` against the mean of `above`."""
    mean_above, mean_below = np.sum(above) / above.size, np.sum(below) / below.size
    rise, fall = costs(name, "real", above - mean_below), costs(name, "fake", below - mean_above)
    return float(np.sum(rise) / above.size + np.sum(fall) / below.size)


@EVERY
@given(pair=real_and_fake())
def test_averages_equal_the_oracle(name: str, pair: Pair) -> None:
    real, fake = (scores.numpy() for scores in pair)
    critic = relativistic_average_critic_loss(OBJECTIVES[name], *pair)
    generator = relativistic_average_generator_loss(OBJECTIVES[name], *pair)
    assert critic.item() == pytest.approx(_oracle(name, real, fake), rel=1e-9, abs=1e-9)
    assert generator.item() == pytest.approx(_oracle(name, fake, real), rel=1e-9, abs=1e-9)
    assert critic.shape == generator.shape == ()


@EVERY
@given(pair=real_and_fake())
def test_the_generators_average_is_the_critics_with_the_roles_swapped(name: str, pair: Pair) -> None:
    real, fake = pair
    objective = OBJECTIVES[name]
    assert relativistic_average_generator_loss(objective, real, fake) == relativistic_average_critic_loss(
        objective, fake, real
    )


@BOTH_AVERAGE
@EVERY
@given(seed=seeds, shift=st.floats(-1e3, 1e3))
def test_a_shift_of_all_scores_changes_nothing_average(name: str, loss: Any, seed: int, shift: float) -> None:
    real, fake = normal(seed, 7), normal(seed + 1, 7)
    objective = OBJECTIVES[name]
    shifted = loss(objective, real + shift, fake + shift)
    torch.testing.assert_close(shifted, loss(objective, real, fake), rtol=1e-9, atol=1e-9)


@BOTH_AVERAGE
@given(seed=seeds)
def test_the_order_of_either_side_does_not_matter(loss: Any, seed: int) -> None:
    real, fake = normal(seed, 7), normal(seed + 1, 7)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        loss(Logistic(), real[order], fake.flip(0)), loss(Logistic(), real, fake), rtol=1e-12, atol=1e-12
    )


def test_on_one_sample_a_side_it_is_the_cost_of_the_pair_on_both_sides() -> None:
    real, fake = normal(0, 1), normal(1, 1)
    expected = Logistic().real(real - fake) + Logistic().fake(fake - real)
    torch.testing.assert_close(relativistic_average_critic_loss(Logistic(), real, fake), expected.squeeze())


@BOTH_AVERAGE
@given(seed=seeds, n=st.integers(1, 11))
def test_both_sides_get_gradients_also_through_the_means(loss: Any, seed: int, n: int) -> None:
    real, fake = normal(seed, n).requires_grad_(), normal(seed + 1, n).requires_grad_()
    to_real, to_fake = torch.autograd.grad(loss(LeastSquares(), real, fake), [real, fake])
    real_target, fake_target = (1, 0) if loss is relativistic_average_critic_loss else (0, 1)
    r, f = real.detach(), fake.detach()
    through_real_mean = f.mean() - r.mean() - fake_target
    through_fake_mean = r.mean() - f.mean() - real_target
    torch.testing.assert_close(to_real, (r - f.mean() - real_target - through_real_mean) / n, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(to_fake, (f - r.mean() - fake_target - through_fake_mean) / n, rtol=1e-9, atol=1e-12)


@BOTH_AVERAGE
@EVERY
def test_gradients_are_those_of_finite_differences_average(name: str, loss: Any) -> None:
    pair = normal(0, 5).requires_grad_(), normal(1, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda *pair: loss(OBJECTIVES[name], *pair), pair)


@BOTH_AVERAGE
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_before_it_is_averaged_and_subtracted(loss: Any, dtype: torch.dtype) -> None:
    real, fake = torch.tensor([2048.0, 1.0]).to(dtype), torch.tensor([0.25, 0.0]).to(dtype)
    computed = loss(Logistic(), real, fake)
    assert computed.dtype == torch.float32
    torch.testing.assert_close(computed, loss(Logistic(), real.float(), fake.float()), rtol=0, atol=0)
    exact = loss(Wasserstein(), real, fake)
    assert abs(exact.item()) == 2 * (1024.5 - 0.125)


@BOTH_AVERAGE
def test_shapes_of_one_score_a_sample_agree_average(loss: Any) -> None:
    real, fake = normal(0, 5), normal(1, 5)
    for shape in ((5, 1), (5, 1, 1, 1)):
        assert loss(Logistic(), real.view(shape), fake.view(shape)) == loss(Logistic(), real, fake)


@BOTH_AVERAGE
def test_means_are_taken_in_each_map_and_maps_count_equally(loss: Any) -> None:
    real, fake = [normal(0, 2, 3), normal(1, 2, 5, 5)], [normal(2, 2, 3), normal(3, 2, 5, 5)]
    alone = [loss(Logistic(), *pair) for pair in zip(real, fake, strict=True)]
    torch.testing.assert_close(loss(Logistic(), real, fake), torch.stack(alone).mean())


@BOTH_AVERAGE
@given(seed=seeds, side=st.booleans(), value=st.sampled_from((torch.nan, torch.inf, -torch.inf)))
def test_averages_of_what_is_not_finite_are_not_finite(loss: Any, seed: int, *, side: bool, value: float) -> None:
    pair = normal(seed, 5), normal(seed + 1, 5)
    pair[side][2] = value
    assert all(not loss(objective, *pair).isfinite() for objective in (Wasserstein(), LeastSquares()))
    if math.isnan(value):
        assert all(loss(objective, *pair).isnan() for objective in OBJECTIVES.values())


@BOTH_AVERAGE
def test_inputs_stay_as_they_are_average(loss: Any) -> None:
    real, fake = normal(0, 5).requires_grad_(), normal(1, 5)
    before = real.detach().clone(), fake.clone()
    loss(Logistic(), real, fake).backward()
    assert torch.equal(real, before[0])
    assert torch.equal(fake, before[1])
    assert real._version == fake._version == 0
    assert fake.grad is None


@BOTH_AVERAGE
@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        (torch.zeros(3), torch.zeros(3, 1), r"fake and real must have the same shape, got \(3, 1\) and \(3,\)"),
        (torch.zeros(0), torch.zeros(0), "real must not be empty"),
        (torch.zeros(3, dtype=torch.int64), torch.zeros(3), "real must be a floating-point tensor"),
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), "fake must be a floating-point tensor"),
        ([torch.zeros(2)], [torch.zeros(2), torch.zeros(2)], "fake and real must hold equally many maps, got 2 and 1"),
        (torch.tensor(1.0), torch.tensor(1.0), "real must have a batch axis"),
        (None, torch.zeros(2), "real must be a tensor or a sequence of tensors, got NoneType"),
    ],
)
def test_mistakes_with_averages_are_named(loss: Any, real: Any, fake: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        loss(Hinge(), real, fake)
