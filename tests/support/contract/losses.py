"""Rows of `gankit.losses`."""

from collections.abc import Callable

import torch

from gankit import losses
from support.contract.row import Row, Tensors
from support.strategies import normal


def _scores(dtype: torch.dtype) -> Tensors:
    return {"real": normal(0, 7, 1, dtype=dtype), "fake": normal(1, 7, 1, dtype=dtype)}


def _one_score(dtype: torch.dtype) -> Tensors:
    return {"fake": normal(1, 7, 1, dtype=dtype)}


def _objective(make: Callable[[], losses.Objective]) -> Row:
    return Row(
        make=make,
        call=lambda objective, x: (
            losses.critic_loss(objective, x["real"], x["fake"]) + losses.generator_loss(objective, x["fake"])
        ),
        inputs=_scores,
        batched=("real", "fake"),
        permutes="same",
    )


def _two_sided(loss: Callable[..., torch.Tensor]) -> Row:
    return Row(
        make=lambda: loss,
        call=lambda loss, x: loss(losses.LeastSquares(), x["real"], x["fake"]),
        inputs=_scores,
        batched=("real", "fake"),
        permutes="same",
    )


LOSSES: dict[str, Row] = {
    "Objective": Row(make=lambda: losses.Objective),
    "Wasserstein": _objective(losses.Wasserstein),
    "Logistic": _objective(lambda: losses.Logistic(saturating=True)),
    "Hinge": _objective(losses.Hinge),
    "LeastSquares": _objective(lambda: losses.LeastSquares(generator_target=0.5)),
    "critic_loss": Row(
        make=lambda: losses.critic_loss,
        call=lambda loss, x: loss(losses.Logistic(), x["real"], x["fake"], real_labels=torch.full_like(x["real"], 0.9)),
        inputs=_scores,
        batched=("real", "fake"),
        permutes="same",
    ),
    "generator_loss": Row(
        make=lambda: losses.generator_loss,
        call=lambda loss, x: loss(losses.Hinge(), x["fake"]),
        inputs=_one_score,
        batched=("fake",),
        permutes="same",
    ),
    **{
        name: _two_sided(getattr(losses, name))
        for name in (
            "paired_critic_loss",
            "relativistic_average_critic_loss",
            "relativistic_average_generator_loss",
            "paired_generator_loss",
        )
    },
}
