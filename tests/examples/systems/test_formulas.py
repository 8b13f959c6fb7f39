"""Formulas of losses: what they say is what is computed."""

from typing import Any

import pytest
import torch
from torch.nn import functional

import gankit as gk
from examples.anime_faces.systems import (
    NOTATION,
    costs_of,
    critic_formula,
    generator_formula,
    labeled_formula,
    matching_formula,
    mean_formula,
    number,
    weighted,
)

OBJECTIVES = [gk.losses.Wasserstein(), gk.losses.Logistic(), gk.losses.Hinge()]
SCORES = {
    kind: torch.randn(7, generator=torch.Generator().manual_seed(place)).double()
    for place, kind in enumerate(("real", "fake", "mismatched"))
}


def computed(formula: str, **more: torch.Tensor) -> torch.Tensor:
    """What a formula says, read as Python."""
    names: dict[str, Any] = {"mean": torch.mean, "softplus": functional.softplus, "relu": torch.relu, "D": lambda s: s}
    return eval(formula, {**names, **SCORES, **more})


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_formulas_say_what_the_losses_compute(objective: gk.losses.Objective) -> None:
    real, fake, mismatched = SCORES["real"], SCORES["fake"], SCORES["mismatched"]
    torch.testing.assert_close(computed(critic_formula(objective)), gk.losses.critic_loss(objective, real, fake))
    torch.testing.assert_close(computed(generator_formula(objective)), gk.losses.generator_loss(objective, fake))
    loss = gk.losses.matching_aware_critic_loss(
        objective, real, mismatched, fake, mismatched_weight=0.25, fake_weight=0.75
    )
    formula = matching_formula(objective, mismatched_weight=0.25, fake_weight=0.75)
    torch.testing.assert_close(computed(formula), loss)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_formulas_of_labels(objective: gk.losses.Objective) -> None:
    labels = torch.rand(7, dtype=torch.float64)
    formula = labeled_formula(costs_of(objective), "D(real)", "t")
    expected = gk.losses.labeled_loss(objective, SCORES["real"], labels)
    torch.testing.assert_close(computed(formula, t=labels), expected)
    some = matching_formula(objective, mismatched_weight=0.5, fake_weight=0.5, fake_label="t")
    loss = gk.losses.matching_aware_critic_loss(
        objective, SCORES["real"], SCORES["mismatched"], SCORES["fake"], fake_labels=labels
    )
    torch.testing.assert_close(computed(some, t=labels), loss)


@pytest.mark.parametrize("formula", ["-mean(D(real))", "mean(D(real)) + mean(D(fake))", "mean(D(real) - D(fake))"])
def test_a_weight_multiplies_the_whole_formula(formula: str) -> None:
    torch.testing.assert_close(computed(weighted(2.5, formula)), 2.5 * computed(formula))
    assert weighted(1, formula) == formula
    assert "2.5" in weighted(2.5, formula)


def test_an_unknown_objective_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the formula of objective LeastSquares\(.*\) is not known here"):
        critic_formula(gk.losses.LeastSquares())
    with pytest.raises(ValueError, match="saturating=True"):
        generator_formula(gk.losses.Logistic(saturating=True))


def test_the_names_that_formulas_of_objectives_use_are_explained() -> None:
    used = {name.split("(")[0] for name in NOTATION}
    assert {"D", "mean", "softplus", "relu"} <= used
    assert mean_formula("softplus(-{})", "D(real)") == "mean(softplus(-D(real)))"
    assert [number(one) for one in (0.3217, 10.0, 1e-5, 1 / 3)] == ["0.3217", "10", "1e-05", "0.333333"]
