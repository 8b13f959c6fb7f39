"""What an objective returns is checked in every loss that calls it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.strategies import normal
from torch import Tensor

from gankit import losses

_SCORES = normal(1, 7, 1).float()
LOSSES: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "critic_loss": lambda objective, x: losses.critic_loss(objective, x, x + 1),
    "critic_loss, labels": lambda objective, x: losses.critic_loss(
        objective, x, x, real_labels=0 * x, fake_labels=0 * x
    ),
    "generator_loss": losses.generator_loss,
    "labeled_loss": lambda objective, x: losses.labeled_loss(objective, x, 0 * x),
    "matching_aware_critic_loss": lambda objective, x: losses.matching_aware_critic_loss(objective, x, x, x),
    "paired_critic_loss": lambda objective, x: losses.paired_critic_loss(objective, x, x + 1),
    "paired_generator_loss": lambda objective, x: losses.paired_generator_loss(objective, x, x + 1),
    "relativistic_average_critic_loss": lambda objective, x: losses.relativistic_average_critic_loss(objective, x, x),
    "relativistic_average_generator_loss": lambda objective, x: losses.relativistic_average_generator_loss(
        objective, x, x
    ),
}
WRONG: dict[str, tuple[Callable[[Tensor], object], str]] = {
    "a mean": (Tensor.mean, r"torch\.float32 of shape \(\)"),
    "twice as many": (lambda scores: torch.cat([scores, scores]), r"torch\.float32 of shape \(14, 1\)"),
    "without an axis": (lambda scores: scores.flatten(), r"torch\.float32 of shape \(7,\)"),
    "half precision": (Tensor.bfloat16, r"torch\.bfloat16 of shape \(7, 1\)"),
    "truth values": (lambda scores: scores > 0, r"torch\.bool of shape \(7, 1\)"),
    "nothing": (lambda scores: None, "None"),
    "a number": (lambda scores: 0.5, "0.5"),
}


class Own:
    """An objective whose methods all are one function."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        self.real: Callable[[Tensor], Any] = function
        self.fake = self.generator = function


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_one_cost_for_each_score_is_refused(loss: Callable[..., Tensor], wrong: str) -> None:
    function, got = WRONG[wrong]
    expected = (
        r"objective must return one cost for each score, here torch\.float32 of shape \(7, 1\), "
        rf"but Own\.(real|fake|generator) returned {got}$"
    )
    with pytest.raises(ValueError, match=expected):
        loss(Own(function), _SCORES)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_an_own_objective_gets_scores_in_float32_or_wider(loss: Callable[..., Tensor]) -> None:
    seen: set[torch.dtype] = set()

    def square(scores: Tensor) -> Tensor:
        seen.add(scores.dtype)
        return scores.square()

    assert loss(Own(square), _SCORES.bfloat16()).dtype == torch.float32
    assert seen == {torch.float32}
    assert loss(Own(square), _SCORES.double()).dtype == torch.float64


def test_costs_may_be_wider_than_the_scores() -> None:
    assert LOSSES["generator_loss"](Own(Tensor.double), _SCORES).dtype == torch.float64


@pytest.mark.parametrize("name", ["Hinge", "LeastSquares", "Logistic", "Wasserstein"])
def test_the_name_of_an_objective_says_how_to_write_it(name: str) -> None:
    with pytest.raises(ValueError, match=rf"got '{name.lower()}': write gankit\.losses\.{name}\(\)$"):
        losses.generator_loss(name.lower(), _SCORES)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["objective", "critic_loss", "adaptive probability"])
def test_other_names_get_no_hint(name: str) -> None:
    with pytest.raises(ValueError, match=f"got '{name}'$"):
        losses.generator_loss(name, _SCORES)  # pyright: ignore[reportArgumentType]
