"""The matching-aware critic: weights, balance, labels, a second mismatch, mistakes."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support import oracles
from support.strategies import normal, score_shapes, seeds

from gankit.losses import (
    Hinge,
    LeastSquares,
    Logistic,
    Objective,
    Wasserstein,
    constant_labels,
    critic_loss,
    labeled_loss,
    matching_aware_critic_loss,
)

OBJECTIVES: dict[str, Objective] = {
    "Wasserstein": Wasserstein(),
    "Logistic": Logistic(),
    "Hinge": Hinge(),
    "LeastSquares": LeastSquares(),
}
EVERY = pytest.mark.parametrize("name", OBJECTIVES)
Sides = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
weights = st.floats(0, 5)


@st.composite
def three_sides(draw: st.DrawFn) -> Sides:
    seed, shape = draw(seeds), draw(score_shapes)
    return normal(seed, *shape), normal(seed + 1, *shape), normal(seed + 2, *shape)


@EVERY
@given(sides=three_sides(), share=st.floats(0, 1))
def test_balanced_loss_equals_the_oracle(name: str, sides: Sides, share: float) -> None:
    real, mismatched, fake = sides
    loss = matching_aware_critic_loss(
        OBJECTIVES[name], real, mismatched, fake, mismatched_weight=share, fake_weight=1 - share
    )
    negatives = [(share, mismatched.numpy()), (1 - share, fake.numpy())]
    expected = oracles.matching_aware_critic_loss(name, real.numpy(), negatives)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@EVERY
@given(sides=three_sides(), seed=seeds, three=st.tuples(weights, weights, weights))
def test_three_weights_equal_the_oracle(name: str, sides: Sides, seed: int, three: tuple[float, float, float]) -> None:
    real, mismatched, fake = sides
    first, fakes, second = three
    other = normal(seed, *real.shape)
    loss = matching_aware_critic_loss(
        OBJECTIVES[name],
        real,
        mismatched,
        fake,
        mismatched_weight=first,
        fake_weight=fakes,
        second_mismatched=other,
        second_mismatched_weight=second,
        balanced=False,
    )
    negatives = [(first, mismatched.numpy()), (fakes, fake.numpy()), (second, other.numpy())]
    expected = oracles.matching_aware_critic_loss(name, real.numpy(), negatives)
    assert loss.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(seed=seeds, n=st.integers(1, 11))
def test_the_default_is_the_papers_loss(seed: int, n: int) -> None:
    real, mismatched, fake = (normal(seed + k, n).clamp(-15, 15) for k in range(3))
    # What the paper maximizes, by its definition: log s_r + (log(1 - s_w) + log(1 - s_f)) / 2.
    s_r, s_w, s_f = (1 / (1 + np.exp(-scores.numpy())) for scores in (real, mismatched, fake))
    gain = np.log(s_r) + (np.log(1 - s_w) + np.log(1 - s_f)) / 2
    loss = matching_aware_critic_loss(Logistic(), real, mismatched, fake)
    assert loss.item() == pytest.approx(-gain.mean(), rel=1e-9)


@given(sides=three_sides(), shift=st.floats(-100, 100), first=weights, fakes=weights)
def test_a_common_shift_costs_wasserstein_what_the_weights_exceed_one(
    sides: Sides, shift: float, first: float, fakes: float
) -> None:
    def loss(by: float) -> torch.Tensor:
        real, mismatched, fake = (scores + by for scores in sides)
        return matching_aware_critic_loss(
            Wasserstein(), real, mismatched, fake, mismatched_weight=first, fake_weight=fakes, balanced=False
        )

    drift = torch.tensor((first + fakes - 1) * shift, dtype=torch.float64)
    torch.testing.assert_close(loss(shift) - loss(0.0), drift, rtol=1e-9, atol=1e-9)


@given(sides=three_sides())
def test_weights_one_and_one_are_unweighed_means_that_drift(sides: Sides) -> None:
    real, mismatched, fake = sides
    loss = matching_aware_critic_loss(
        Wasserstein(), real, mismatched, fake, mismatched_weight=1, fake_weight=1, balanced=False
    )
    torch.testing.assert_close(loss, mismatched.mean() + fake.mean() - real.mean())


@EVERY
@given(sides=three_sides())
def test_without_mismatched_pairs_it_is_the_critics_loss(name: str, sides: Sides) -> None:
    real, mismatched, fake = sides
    loss = matching_aware_critic_loss(OBJECTIVES[name], real, mismatched, fake, mismatched_weight=0, fake_weight=1)
    torch.testing.assert_close(loss, critic_loss(OBJECTIVES[name], real, fake))


@EVERY
@given(seed=seeds)
def test_each_side_has_its_own_labels(name: str, seed: int) -> None:
    objective = OBJECTIVES[name]
    real, mismatched, fake = (normal(seed + k, 7) for k in range(3))
    real_labels, mismatched_labels, fake_labels = (
        torch.rand(7, generator=torch.Generator().manual_seed(seed + k), dtype=torch.float64) for k in range(3, 6)
    )
    loss = matching_aware_critic_loss(
        objective,
        real,
        mismatched,
        fake,
        mismatched_weight=0.2,
        fake_weight=0.8,
        real_labels=real_labels,
        mismatched_labels=mismatched_labels,
        fake_labels=fake_labels,
    )
    expected = (
        labeled_loss(objective, real, real_labels)
        + 0.2 * labeled_loss(objective, mismatched, mismatched_labels)
        + 0.8 * labeled_loss(objective, fake, fake_labels)
    )
    torch.testing.assert_close(loss, expected)


@given(seed=seeds)
def test_a_fake_with_label_one_costs_as_a_real_one_and_once_only(seed: int) -> None:
    real, mismatched, fake = (normal(seed + k, 7) for k in range(3))
    loss = matching_aware_critic_loss(Logistic(), real, mismatched, fake, fake_labels=constant_labels(fake, 1.0))
    expected = Logistic().real(real).mean() + Logistic().fake(mismatched).mean() / 2 + Logistic().real(fake).mean() / 2
    torch.testing.assert_close(loss, expected)


@given(seed=seeds, n=st.integers(1, 7))
def test_slopes_raise_real_pairs_and_lower_the_others(seed: int, n: int) -> None:
    sides = [normal(seed + k, n).requires_grad_() for k in range(4)]
    matching_aware_critic_loss(
        Logistic(),
        *sides[:3],
        mismatched_weight=0.2,
        fake_weight=0.3,
        second_mismatched=sides[3],
        second_mismatched_weight=0.5,
    ).backward()
    for scores, sign, weight in zip(sides, (-1, 1, 1, 1), (1, 0.2, 0.3, 0.5), strict=True):
        assert scores.grad is not None
        assert (sign * scores.grad > 0).all()
        assert (scores.grad.abs() <= weight / n).all()


def test_maps_count_equally() -> None:
    real, mismatched, fake = (
        [torch.full((2,), a), torch.full((2, 3, 5), b)] for a, b in ((1.0, 3.0), (2.0, 6.0), (4.0, 8.0))
    )
    assert matching_aware_critic_loss(Wasserstein(), real, mismatched, fake).item() == -2 + 4 / 2 + 6 / 2


@EVERY
def test_numerical_derivatives_agree(name: str) -> None:
    sides = [normal(seed, 5).requires_grad_() for seed in range(4)]

    def loss(real: torch.Tensor, mismatched: torch.Tensor, fake: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        return matching_aware_critic_loss(
            OBJECTIVES[name],
            real,
            mismatched,
            fake,
            mismatched_weight=0.2,
            fake_weight=0.3,
            second_mismatched=other,
            second_mismatched_weight=0.5,
        )

    assert torch.autograd.gradcheck(loss, sides)


@pytest.mark.parametrize("side", ["real_labels", "mismatched_labels", "fake_labels"])
def test_labels_outside_the_unit_range_warn_by_name_at_the_callers_line(side: str) -> None:
    scores = torch.zeros(3)
    arguments: dict[str, Any] = {side: torch.tensor([0.0, 1.0, 1.2])}
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        matching_aware_critic_loss(Hinge(), scores, scores, scores, **arguments)
    assert [Path(warning.filename) for warning in seen] == [Path(__file__)]
    assert str(seen[0].message).startswith(f"{side} must lie in 0..1")


@pytest.mark.parametrize("off", [2e-6, -2e-6, 1.0])
def test_weights_that_do_not_add_to_one_say_why_they_are_refused(off: float) -> None:
    scores = torch.zeros(3)
    match = r"must add to 1, the weight of the real side, got mismatched_weight=.*critic's bias could decrease without"
    with pytest.raises(ValueError, match=match):
        matching_aware_critic_loss(Hinge(), scores, scores, scores, fake_weight=0.5 + off)
    matching_aware_critic_loss(Hinge(), scores, scores, scores, fake_weight=0.5 + off, balanced=False)


@pytest.mark.parametrize("off", [5e-7, -5e-7])
def test_rounded_weights_pass(off: float) -> None:
    scores = torch.zeros(3)
    third = 1 / 3
    matching_aware_critic_loss(
        Hinge(),
        scores,
        scores,
        scores,
        mismatched_weight=third,
        fake_weight=third,
        second_mismatched=scores,
        second_mismatched_weight=third + off,
    )


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"mismatched_weight": -0.5, "fake_weight": 1.5}, "mismatched_weight must be 0 or more, got -0.5"),
        ({"mismatched_weight": 1.5, "fake_weight": -0.5}, "fake_weight must be 0 or more, got -0.5"),
        (
            {"second_mismatched": torch.zeros(3), "second_mismatched_weight": -0.5, "fake_weight": 1.0},
            "second_mismatched_weight must be 0 or more",
        ),
        ({"fake_weight": float("nan"), "balanced": False}, "fake_weight must be a finite number, got nan"),
        ({"second_mismatched": torch.zeros(3)}, "must be given together, got only the scores"),
        ({"second_mismatched_weight": 0.0}, "must be given together, got only the weight"),
        (
            {"second_mismatched": torch.zeros(3, 1), "second_mismatched_weight": 0.0},
            "second_mismatched and real must have the same shape",
        ),
        ({"mismatched": torch.zeros(3, 1)}, r"mismatched and real must have the same shape, got \(3, 1\) and \(3,\)"),
        ({"fake": torch.zeros(2)}, r"fake and real must have the same shape, got \(2,\) and \(3,\)"),
        ({"real": torch.zeros(0)}, "real must not be empty"),
        ({"mismatched_labels": torch.zeros(3, 1)}, "mismatched_labels and mismatched must have the same shape"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], match: str) -> None:
    sides: dict[str, Any] = {"real": torch.zeros(3), "mismatched": torch.zeros(3), "fake": torch.zeros(3)}
    with pytest.raises(ValueError, match=match):
        matching_aware_critic_loss(Hinge(), **(sides | arguments))
