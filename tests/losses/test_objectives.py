"""Every objective, elementwise: costs, slopes, extremes, mistakes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from support import oracles
from support.strategies import normal, real_and_fake, seeds

from gankit.losses import (
    Hinge,
    LeastSquares,
    Logistic,
    Objective,
    Wasserstein,
    critic_loss,
    generator_loss,
    labeled_loss,
    matching_aware_critic_loss,
    paired_critic_loss,
    paired_generator_loss,
    relativistic_average_critic_loss,
    relativistic_average_generator_loss,
)

OBJECTIVES: dict[str, Objective] = {
    "Wasserstein": Wasserstein(),
    "Logistic": Logistic(),
    "Saturating": Logistic(saturating=True),
    "Hinge": Hinge(),
    "LeastSquares": LeastSquares(),
}
SIDES = ("real", "fake", "generator")
all_objectives = pytest.mark.parametrize("name", OBJECTIVES)


@all_objectives
@pytest.mark.parametrize("side", SIDES)
@given(pair=real_and_fake())
def test_cost_equals_the_oracle(name: str, side: str, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    scores, _ = pair
    cost = getattr(OBJECTIVES[name], side)(scores)
    expected = oracles.costs(name, side, scores.numpy())
    np.testing.assert_allclose(cost.numpy(), expected, rtol=1e-9, atol=1e-12)


@all_objectives
@given(pair=real_and_fake())
def test_losses_equal_the_oracle(name: str, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    real, fake = pair
    objective = OBJECTIVES[name]
    assert critic_loss(objective, real, fake).item() == pytest.approx(
        oracles.critic_loss(name, real.numpy(), fake.numpy()), rel=1e-9, abs=1e-12
    )
    assert generator_loss(objective, fake).item() == pytest.approx(
        oracles.generator_loss(name, fake.numpy()), rel=1e-9, abs=1e-12
    )


@all_objectives
@given(seed=seeds)
def test_critic_costs_push_real_up_and_fake_down(name: str, seed: int) -> None:
    scores = normal(seed, 13, scale=3.0).requires_grad_()
    objective = OBJECTIVES[name]
    (up,) = torch.autograd.grad(objective.real(scores).sum(), scores)
    (down,) = torch.autograd.grad(objective.fake(scores).sum(), scores)
    if name == "LeastSquares":  # pulls to its targets from both sides
        torch.testing.assert_close(up, scores.detach() - 1)
        torch.testing.assert_close(down, scores.detach())
    else:
        assert (up <= 0).all()
        assert (down >= 0).all()
        assert (up < 0).any() or (scores > 1).all()


@all_objectives
@pytest.mark.parametrize("side", SIDES)
def test_slopes_by_gradcheck(name: str, side: str) -> None:
    scores = torch.tensor([-2.3, -0.4, 0.3, 1.7], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(getattr(OBJECTIVES[name], side), (scores,))
    if name not in {"Hinge", "Wasserstein"}:  # piecewise linear: no second derivative to check
        assert torch.autograd.gradgradcheck(getattr(OBJECTIVES[name], side), (scores,))


@all_objectives
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("dtype", "extreme"), [(torch.float32, 1e4), (torch.float16, 6e4), (torch.bfloat16, 1e9), (torch.float64, 1e9)]
)
def test_extreme_scores_give_finite_costs_and_slopes(name: str, side: str, dtype: torch.dtype, extreme: float) -> None:
    scores = torch.tensor([-extreme, 0.0, extreme], dtype=dtype, requires_grad=True)
    cost = getattr(OBJECTIVES[name], side)(scores)
    assert cost.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    (slope,) = torch.autograd.grad(cost.sum(), scores)
    assert cost.isfinite().all()
    assert slope.isfinite().all()


@all_objectives
@pytest.mark.parametrize("side", SIDES)
def test_nan_and_infinity_are_not_hidden(name: str, side: str) -> None:
    costs = getattr(OBJECTIVES[name], side)(torch.tensor([math.nan, 0.0]))
    assert costs[0].isnan()
    assert costs[1].isfinite()


def test_all_logits_zero_cost_two_log_two() -> None:
    zeros = torch.zeros(5, dtype=torch.float64)
    assert critic_loss(Logistic(), zeros, zeros).item() == pytest.approx(2 * math.log(2), abs=1e-12)
    assert generator_loss(Logistic(), zeros).item() == pytest.approx(math.log(2), abs=1e-12)


def test_the_saturating_generator_starves_where_the_critic_is_sure_and_the_other_does_not() -> None:
    scores = torch.full((3,), -1e3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(generator_loss(Logistic(), scores), scores)
    torch.testing.assert_close(slope, torch.full_like(slope, -1 / 3))
    (starved,) = torch.autograd.grad(generator_loss(Logistic(saturating=True), scores), scores)
    torch.testing.assert_close(starved, torch.zeros_like(starved))


def test_hinge_is_zero_exactly_beyond_its_margins() -> None:
    beyond, inside = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 0.9])
    assert critic_loss(Hinge(), beyond, -beyond) == 0
    assert critic_loss(Hinge(), inside, -beyond) > 0


def test_least_squares_targets_default_to_the_papers() -> None:
    objective = LeastSquares()
    assert (objective.real_target, objective.fake_target, objective.generator_target) == (1.0, 0.0, 1.0)


@given(seed=seeds)
def test_least_squares_targets_are_free(seed: int) -> None:
    scores = normal(seed, 7)
    objective = LeastSquares(real_target=2.0, fake_target=-3.0, generator_target=0.5)
    torch.testing.assert_close(objective.real(scores), (scores - 2.0) ** 2 / 2)
    torch.testing.assert_close(objective.fake(scores), (scores + 3.0) ** 2 / 2)
    torch.testing.assert_close(objective.generator(scores), (scores - 0.5) ** 2 / 2)


@pytest.mark.parametrize("target", ["real_target", "fake_target", "generator_target"])
@pytest.mark.parametrize("value", [math.nan, math.inf, "1", True])
def test_least_squares_refuses_what_is_no_number(target: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{target} must be a finite number"):
        LeastSquares(**{target: value})  # type: ignore[arg-type]


def test_equal_least_squares_targets_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must differ, got 0\.5"):
        LeastSquares(real_target=0.5, fake_target=0.5)


def test_saturating_must_be_a_bool() -> None:
    with pytest.raises(ValueError, match="saturating must be True or False, got 'yes'"):
        Logistic(saturating="yes")  # type: ignore[arg-type]


@all_objectives
def test_objectives_are_objectives_compare_and_hash(name: str) -> None:
    objective = OBJECTIVES[name]
    assert isinstance(objective, Objective)
    assert objective == type(objective)(**{f: getattr(objective, f) for f in objective.__dataclass_fields__})  # type: ignore[attr-defined]
    assert len({objective, objective}) == 1


@all_objectives
def test_whole_numbers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"scores must be a floating-point tensor, got dtype torch\.int64"):
        OBJECTIVES[name].real(torch.tensor([1, 2]))


SCORES = torch.tensor([0.25, 0.5])
LOSSES: list[Callable[[Any], torch.Tensor]] = [
    lambda objective: critic_loss(objective, SCORES, SCORES),
    lambda objective: generator_loss(objective, SCORES),
    lambda objective: labeled_loss(objective, SCORES, SCORES),
    lambda objective: matching_aware_critic_loss(objective, SCORES, SCORES, SCORES),
    lambda objective: paired_critic_loss(objective, SCORES, SCORES),
    lambda objective: paired_generator_loss(objective, SCORES, SCORES),
    lambda objective: relativistic_average_critic_loss(objective, SCORES, SCORES),
    lambda objective: relativistic_average_generator_loss(objective, SCORES, SCORES),
]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (Hinge, r"must be an object, got a class: write Hinge\(\)$"),
        ("hinge", r"got 'hinge': write gankit.losses.Hinge\(\)$"),
        ("least_squares", r"got 'least_squares': write gankit.losses.LeastSquares\(\)$"),
        ("bce", "must be an object with the methods of gankit.losses.Objective, got 'bce'$"),
        (torch.nn.BCEWithLogitsLoss(), "real, fake and generator of .+, got an object of type BCEWithLogitsLoss$"),
        (None, "got an object of type NoneType$"),
    ],
)
def test_what_is_no_objective_is_refused(loss: Callable[[Any], torch.Tensor], objective: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"objective {'' if message.startswith('must') else '.+'}{message}"):
        loss(objective)


def test_any_object_with_the_three_methods_is_an_objective() -> None:
    class Plain:
        real = fake = generator = staticmethod(lambda scores: scores.square())

    for loss in LOSSES:
        assert loss(Plain()).isfinite()


@pytest.mark.parametrize("missing", ["real", "fake", "generator"])
def test_an_object_without_one_of_the_methods_is_none(missing: str) -> None:
    methods = {name: staticmethod(torch.square) for name in ("real", "fake", "generator") if name != missing}
    with pytest.raises(
        ValueError, match=r"must have the methods real, fake and generator of .+, got an object of type Half"
    ):
        LOSSES[0](type("Half", (), methods)())
