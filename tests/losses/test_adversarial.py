"""The plain losses: signs, symmetries, labels, maps, mistakes."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support import oracles
from support.strategies import normal, real_and_fake, score_shapes, seeds
from torch.nn import functional

from gankit.losses import (
    Hinge,
    LeastSquares,
    Logistic,
    Objective,
    Wasserstein,
    critic_loss,
    generator_loss,
    labeled_loss,
)

Pair = tuple[torch.Tensor, torch.Tensor]
EVERY = pytest.mark.parametrize("objective", [Wasserstein(), Logistic(), Hinge(), LeastSquares()], ids=repr)


@given(pair=real_and_fake())
def test_wasserstein_is_fake_minus_real_and_changes_sign_with_its_arguments(pair: Pair) -> None:
    real, fake = pair
    loss = critic_loss(Wasserstein(), real, fake)
    torch.testing.assert_close(loss, fake.mean() - real.mean())
    torch.testing.assert_close(loss, -critic_loss(Wasserstein(), fake, real))


@given(pair=real_and_fake(), shift=st.floats(-1e3, 1e3), factor=st.floats(-10, 10))
def test_wasserstein_ignores_a_shift_and_scales(pair: Pair, shift: float, factor: float) -> None:
    real, fake = pair
    loss = critic_loss(Wasserstein(), real, fake)
    shifted = critic_loss(Wasserstein(), real + shift, fake + shift)
    torch.testing.assert_close(shifted, loss, rtol=1e-9, atol=1e-9 * (1 + abs(shift)))
    torch.testing.assert_close(critic_loss(Wasserstein(), factor * real, factor * fake), factor * loss)


@given(seed=seeds, n=st.integers(1, 11))
def test_wasserstein_slopes_are_one_over_n(seed: int, n: int) -> None:
    real, fake = normal(seed, n).requires_grad_(), normal(seed + 1, n).requires_grad_()
    critic_loss(Wasserstein(), real, fake).backward()
    torch.testing.assert_close(real.grad, torch.full((n,), -1 / n, dtype=torch.float64))
    torch.testing.assert_close(fake.grad, torch.full((n,), 1 / n, dtype=torch.float64))


@EVERY
@given(seed=seeds)
def test_the_order_within_a_batch_does_not_matter(objective: Objective, seed: int) -> None:
    real, fake = normal(seed, 7, 3), normal(seed + 1, 7, 3)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        critic_loss(objective, real[order], fake), critic_loss(objective, real, fake.flip(0)), rtol=1e-12, atol=1e-12
    )


@EVERY
@given(seed=seeds, cut=st.integers(1, 10))
def test_a_batch_costs_the_weighted_mean_of_its_parts(objective: Objective, seed: int, cut: int) -> None:
    real, fake = normal(seed, 11), normal(seed + 1, 11)
    parts = cut * critic_loss(objective, real[:cut], fake[:cut]) + (11 - cut) * critic_loss(
        objective, real[cut:], fake[cut:]
    )
    torch.testing.assert_close(critic_loss(objective, real, fake), parts / 11)


@EVERY
@given(seed=seeds)
def test_shapes_of_one_score_a_sample_agree(objective: Objective, seed: int) -> None:
    real, fake = normal(seed, 5), normal(seed + 1, 5)
    flat = critic_loss(objective, real, fake)
    for shape in ((5, 1), (5, 1, 1, 1)):
        assert critic_loss(objective, real.view(shape), fake.view(shape)) == flat


@given(pair=real_and_fake(), label=st.floats(0, 1), other=st.floats(0, 1))
def test_soft_labels_on_logits_are_cross_entropy_with_soft_targets(pair: Pair, label: float, other: float) -> None:
    real, fake = pair
    loss = critic_loss(
        Logistic(), real, fake, real_labels=torch.full_like(real, label), fake_labels=torch.full_like(fake, other)
    )
    expected = functional.binary_cross_entropy_with_logits(
        real, torch.full_like(real, label)
    ) + functional.binary_cross_entropy_with_logits(fake, torch.full_like(fake, other))
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=1e-9)


@EVERY
@given(seed=seeds)
def test_labels_one_and_zero_change_nothing_and_flipped_labels_swap_the_costs(objective: Objective, seed: int) -> None:
    real, fake = normal(seed, 7), normal(seed + 1, 7)
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    plain = critic_loss(objective, real, fake)
    assert critic_loss(objective, real, fake, real_labels=ones, fake_labels=zeros) == plain
    flipped = critic_loss(objective, real, fake, real_labels=zeros, fake_labels=ones)
    torch.testing.assert_close(flipped, objective.fake(real).mean() + objective.real(fake).mean())


@given(seed=seeds)
def test_labels_act_on_their_own_sample(seed: int) -> None:
    real, fake = normal(seed, 5), normal(seed + 1, 5)
    labels = torch.tensor([0.0, 1.0, 0.25, 0.5, 1.0], dtype=torch.float64)
    expected = np.mean(
        [
            t * np.log1p(np.exp(-r)) + (1 - t) * np.log1p(np.exp(r))
            for t, r in zip(labels.tolist(), real.tolist(), strict=True)
        ]
    ) + np.mean(np.log1p(np.exp(fake.numpy())))
    assert critic_loss(Logistic(), real, fake, real_labels=labels).item() == pytest.approx(expected, rel=1e-9)


def test_several_maps_count_equally_whatever_their_size() -> None:
    small, large = torch.full((2, 1, 2, 2), 3.0), torch.full((2, 1, 7, 7), 1.0)
    loss = critic_loss(Wasserstein(), [small, large], [torch.zeros_like(small), torch.zeros_like(large)])
    assert loss.item() == -2.0


def test_labels_of_several_maps_go_with_their_map() -> None:
    real, fake = [torch.ones(2), torch.ones(2, 3)], [torch.zeros(2), torch.zeros(2, 3)]
    labels = [torch.zeros(2), torch.ones(2, 3)]
    assert critic_loss(Wasserstein(), real, fake, real_labels=labels).item() == 0.0


@EVERY
def test_inputs_stay_as_they_are(objective: Objective) -> None:
    real, fake = torch.randn(5, requires_grad=True), torch.randn(5)
    before, versions = (real.detach().clone(), fake.clone()), (real._version, fake._version)
    critic_loss(objective, real, fake).backward()
    assert torch.equal(real, before[0])
    assert torch.equal(fake, before[1])
    assert (real._version, fake._version) == versions
    assert fake.grad is None


def test_half_precision_gives_a_loss_in_float32() -> None:
    loss = critic_loss(Logistic(), torch.ones(3, dtype=torch.bfloat16), torch.ones(3, dtype=torch.bfloat16))
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("side", ["real_labels", "fake_labels"])
@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_labels_outside_the_unit_range_warn_by_name(side: str, wrong: float) -> None:
    real, fake = torch.zeros(3), torch.zeros(3)
    with pytest.warns(UserWarning, match=rf"{side} must lie in 0\.\.1, got some outside"):
        critic_loss(Logistic(), real, fake, **{side: torch.tensor([0.0, wrong, 1.0])})


def test_the_warning_comes_once_a_line_though_labels_are_drawn_anew() -> None:
    real, fake = torch.zeros(3), torch.zeros(3)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for top in (1.1, 1.15, 1.2):
            critic_loss(Logistic(), real, fake, real_labels=torch.tensor([0.8, 1.0, top]))
    assert [Path(warning.filename) for warning in seen] == [Path(__file__)]


@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        (torch.zeros(3), torch.zeros(3, 1), r"fake and real must have the same shape, got \(3, 1\) and \(3,\)"),
        (torch.zeros(0), torch.zeros(0), r"real must not be empty, got shape \(0,\)"),
        (torch.zeros(3), torch.zeros(0), "fake must not be empty"),
        (torch.zeros(3, dtype=torch.int64), torch.zeros(3), "real must be a floating-point tensor"),
        (torch.tensor(1.0), torch.tensor(1.0), "real must have a batch axis"),
        ([], [], "real must hold at least one tensor"),
        ([torch.zeros(2)], [torch.zeros(2), torch.zeros(2)], "fake and real must hold equally many maps, got 2 and 1"),
        (1.0, torch.zeros(2), "real must be a tensor or a sequence of tensors, got float"),
        ([torch.zeros(2), 3], torch.zeros(2), r"real\[1\] must be a tensor, got int"),
    ],
)
def test_mistakes_are_named(real: Any, fake: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        critic_loss(Hinge(), real, fake)


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"real_labels and real must have the same shape, got \(3,\) and \(3, 1\)"):
        critic_loss(Hinge(), torch.zeros(3, 1), torch.zeros(3, 1), real_labels=torch.ones(3))


EVERY_GENERATOR = pytest.mark.parametrize(
    "objective",
    [Wasserstein(), Logistic(), Logistic(saturating=True), Hinge(), LeastSquares(generator_target=5.0)],
    ids=repr,
)


@EVERY_GENERATOR
@given(seed=seeds)
def test_a_step_against_its_slope_raises_the_scores(objective: Objective, seed: int) -> None:
    fake = normal(seed, 7).requires_grad_()
    generator_loss(objective, fake).backward()
    assert fake.grad is not None
    if not isinstance(objective, LeastSquares):
        assert (fake.grad < 0).all()
    assert (fake.grad.abs() <= 1).all() or isinstance(objective, LeastSquares)


@EVERY_GENERATOR
@given(seed=seeds)
def test_shapes_of_one_score_per_sample_agree_for_the_generator(objective: Objective, seed: int) -> None:
    fake = normal(seed, 5)
    assert generator_loss(objective, fake) == generator_loss(objective, fake.view(5, 1))


def test_maps_count_equally() -> None:
    assert generator_loss(Wasserstein(), (torch.ones(2, 9), torch.full((3, 1), 3.0))).item() == -2.0


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fake must not be empty, got shape \(0, 1\)"):
        generator_loss(Hinge(), torch.zeros(0, 1))


OBJECTIVES: dict[str, Objective] = {
    "Wasserstein": Wasserstein(),
    "Logistic": Logistic(),
    "Hinge": Hinge(),
    "LeastSquares": LeastSquares(),
}
EVERY_LABELED = pytest.mark.parametrize("name", OBJECTIVES)


def _labels(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@EVERY_LABELED
@given(seed=seeds, shape=score_shapes, scale=st.sampled_from((1e-3, 1.0, 1e3)))
def test_loss_equals_the_oracle(name: str, seed: int, shape: tuple[int, ...], scale: float) -> None:
    scores, labels = normal(seed, *shape, scale=scale), _labels(seed + 1, *shape)
    expected = oracles.labeled_loss(name, scores.numpy(), labels.numpy())
    assert labeled_loss(OBJECTIVES[name], scores, labels).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@EVERY_LABELED
@given(seed=seeds)
def test_it_is_one_side_of_the_critics_loss(name: str, seed: int) -> None:
    objective = OBJECTIVES[name]
    real, fake, labels = normal(seed, 7), normal(seed + 1, 7), _labels(seed + 2, 7)
    one_side = labeled_loss(objective, real, labels)
    torch.testing.assert_close(
        critic_loss(objective, real, fake, real_labels=labels), one_side + objective.fake(fake).mean()
    )
    torch.testing.assert_close(
        critic_loss(objective, fake, real, fake_labels=labels), one_side + objective.real(fake).mean()
    )


@given(seed=seeds, shape=score_shapes)
def test_on_logits_it_is_cross_entropy_with_soft_targets(seed: int, shape: tuple[int, ...]) -> None:
    scores, labels = normal(seed, *shape, scale=5.0), _labels(seed + 1, *shape)
    expected = functional.binary_cross_entropy_with_logits(scores, labels)
    torch.testing.assert_close(labeled_loss(Logistic(), scores, labels), expected, rtol=1e-9, atol=1e-12)


@given(seed=seeds, label=st.floats(0.001, 0.999))
def test_the_best_logit_of_a_soft_target_is_its_own(seed: int, label: float) -> None:
    # The cost is never below the entropy of the target, which it reaches at log(t / (1 - t)) and nowhere else.
    scores = normal(seed, 5, scale=10.0)
    entropy = -(label * np.log(label) + (1 - label) * np.log1p(-label))
    assert labeled_loss(Logistic(), scores, torch.full_like(scores, label)).item() >= entropy - 1e-12
    best = torch.full((5,), float(np.log(label / (1 - label))), dtype=torch.float64, requires_grad=True)
    loss = labeled_loss(Logistic(), best, torch.full_like(best, label))
    loss.backward()
    assert loss.item() == pytest.approx(entropy, rel=1e-6)
    torch.testing.assert_close(best.grad, torch.zeros_like(best), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("logit", "loss"), [(5.0, -0.4933), (20.0, -2.0), (60.0, -6.0)])
def test_a_target_above_one_rewards_every_larger_logit(logit: float, loss: float) -> None:
    scores = torch.full((3,), logit, dtype=torch.float64)
    with pytest.warns(UserWarning, match="labels must lie in"):
        assert labeled_loss(Logistic(), scores, torch.full_like(scores, 1.1)).item() == pytest.approx(loss, abs=1e-4)


def test_maps_count_equally_and_go_with_their_labels() -> None:
    scores = [torch.ones(2), torch.full((2, 3), 5.0)]
    labels = [torch.ones(2), torch.zeros(2, 3)]
    assert labeled_loss(Wasserstein(), scores, labels).item() == (-1 + 5) / 2


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_labels_outside_the_unit_range_warn_once_at_the_callers_line(wrong: float) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for label in (wrong, 2 * wrong):
            labeled_loss(Hinge(), [torch.zeros(3), torch.zeros(2)], [torch.ones(3), torch.tensor([0.5, label])])
    assert [Path(warning.filename) for warning in seen] == [Path(__file__)]
    assert "labels must lie in 0..1, got some outside" in str(seen[0].message)


def test_labels_at_the_ends_do_not_warn() -> None:
    labeled_loss(Hinge(), torch.zeros(2), torch.tensor([0.0, 1.0]))


@EVERY_LABELED
def test_numerical_derivatives_agree(name: str) -> None:
    scores = normal(3, 5).requires_grad_()
    labels = _labels(4, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda s, t: labeled_loss(OBJECTIVES[name], s, t), (scores, labels))
    assert torch.autograd.gradgradcheck(lambda s: labeled_loss(OBJECTIVES[name], s, labels.detach()), (scores,))


def test_labeled_losses_of_half_precision_are_in_float32() -> None:
    scores = torch.ones(3, dtype=torch.bfloat16)
    loss = labeled_loss(Logistic(), scores, torch.full((3,), 0.9))
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(0.9 * np.log1p(np.exp(-1)) + 0.1 * np.log1p(np.exp(1)), rel=1e-6)


@pytest.mark.parametrize(
    ("scores", "labels", "match"),
    [
        (torch.zeros(3, 1), torch.zeros(3), r"labels and scores must have the same shape, got \(3,\) and \(3, 1\)"),
        (torch.zeros(0), torch.zeros(0), "scores must not be empty"),
        (torch.zeros(3), torch.zeros(3, dtype=torch.int64), "labels must be a floating-point tensor"),
        (torch.zeros(3), None, "labels must be a tensor or a sequence of tensors, got NoneType"),
        (torch.zeros(3), 0.9, "labels must be a tensor or a sequence of tensors, got float"),
        ([torch.zeros(2)], [torch.zeros(2)] * 2, "labels and scores must hold equally many maps, got 2 and 1"),
    ],
)
def test_mistakes_with_labels_are_named(scores: Any, labels: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        labeled_loss(Hinge(), scores, labels)
