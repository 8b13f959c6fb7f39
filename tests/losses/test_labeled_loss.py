"""One side of scores under labels: prices, slopes, soft targets, mistakes."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support import oracles
from support.strategies import normal, score_shapes, seeds
from torch.nn import functional

from gankit.losses import Hinge, LeastSquares, Logistic, Objective, Wasserstein, critic_loss, labeled_loss

OBJECTIVES: dict[str, Objective] = {
    "Wasserstein": Wasserstein(),
    "Logistic": Logistic(),
    "Hinge": Hinge(),
    "LeastSquares": LeastSquares(),
}
EVERY = pytest.mark.parametrize("name", OBJECTIVES)


def _labels(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@EVERY
@given(seed=seeds, shape=score_shapes, scale=st.sampled_from((1e-3, 1.0, 1e3)))
def test_loss_equals_the_oracle(name: str, seed: int, shape: tuple[int, ...], scale: float) -> None:
    scores, labels = normal(seed, *shape, scale=scale), _labels(seed + 1, *shape)
    expected = oracles.labeled_loss(name, scores.numpy(), labels.numpy())
    assert labeled_loss(OBJECTIVES[name], scores, labels).item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@EVERY
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
    # The price is never below the entropy of the target, which it reaches at log(t / (1 - t)) and nowhere else.
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


@EVERY
def test_numerical_derivatives_agree(name: str) -> None:
    scores = normal(3, 5).requires_grad_()
    labels = _labels(4, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda s, t: labeled_loss(OBJECTIVES[name], s, t), (scores, labels))
    assert torch.autograd.gradgradcheck(lambda s: labeled_loss(OBJECTIVES[name], s, labels.detach()), (scores,))


def test_half_precision_is_priced_in_float32() -> None:
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
def test_mistakes_are_named(scores: Any, labels: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        labeled_loss(Hinge(), scores, labels)
