"""The generator's loss."""

import pytest
import torch
from hypothesis import given
from support.strategies import normal, seeds

from gankit.losses import Hinge, LeastSquares, Logistic, Objective, Wasserstein, generator_loss

EVERY = pytest.mark.parametrize(
    "objective",
    [Wasserstein(), Logistic(), Logistic(saturating=True), Hinge(), LeastSquares(generator_target=5.0)],
    ids=repr,
)


@EVERY
@given(seed=seeds)
def test_a_step_against_its_slope_raises_the_scores(objective: Objective, seed: int) -> None:
    fake = normal(seed, 7).requires_grad_()
    generator_loss(objective, fake).backward()
    assert fake.grad is not None
    if not isinstance(objective, LeastSquares):
        assert (fake.grad < 0).all()
    assert (fake.grad.abs() <= 1).all() or isinstance(objective, LeastSquares)


@EVERY
@given(seed=seeds)
def test_shapes_of_one_score_a_sample_agree(objective: Objective, seed: int) -> None:
    fake = normal(seed, 5)
    assert generator_loss(objective, fake) == generator_loss(objective, fake.view(5, 1))


def test_maps_count_equally() -> None:
    assert generator_loss(Wasserstein(), (torch.ones(2, 9), torch.full((3, 1), 3.0))).item() == -2.0


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"fake must not be empty, got shape \(0, 1\)"):
        generator_loss(Hinge(), torch.zeros(0, 1))
