"""The table of the contract test: a row for each public name, saying how to make it, call it, and what applies.

Rows are data. `make` builds the component; `call` runs it on inputs; `inputs` makes those from a dtype. A name that is no
tensor code (a schedule, a protocol) has a row with ``call=None``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from gankit import constraints, losses, schedules
from support.critics import smooth_network
from support.strategies import normal

Tensors = dict[str, torch.Tensor]
Inputs = Callable[[torch.dtype], Tensors]


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the contract test may ask of one public name."""

    make: Callable[[], Any]
    call: Callable[[Any, Tensors], torch.Tensor] | None = None
    penalty: Callable[[Any, torch.nn.Module, Tensors], torch.Tensor] | None = None  # `call`, of a critic that is given
    inputs: Inputs | None = None
    batched: tuple[str, ...] = ()  # inputs with a batch axis, in which an empty batch must be refused
    permutes: str | None = None  # "same": the value ignores the order of samples; "along": the output follows it
    compiles: bool = True


def _scores(dtype: torch.dtype) -> Tensors:
    return {"real": normal(0, 7, 1, dtype=dtype), "fake": normal(1, 7, 1, dtype=dtype)}


def _one_score(dtype: torch.dtype) -> Tensors:
    return {"fake": normal(1, 7, 1, dtype=dtype)}


def _samples(dtype: torch.dtype) -> Tensors:
    return {
        "real": normal(0, 5, 2, 4, 4, dtype=dtype),
        "fake": normal(1, 5, 2, 4, 4, dtype=dtype),
        "mix": torch.full((5, 1, 1, 1), 0.3, dtype=dtype),
    }


def _points(dtype: torch.dtype) -> Tensors:
    return {"points": normal(0, 5, 2, 4, 4, dtype=dtype)}


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


def _penalty(
    function: Callable[..., torch.Tensor],
    run: Callable[[Any, torch.nn.Module, Tensors], torch.Tensor],
    inputs: Inputs,
    batched: tuple[str, ...],
    permutes: str,
) -> Row:
    return Row(
        make=lambda: function,
        call=lambda penalty, x: run(penalty, smooth_network(3).to(next(iter(x.values())).dtype), x),
        penalty=run,
        inputs=inputs,
        batched=batched,
        permutes=permutes,
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
}

CONSTRAINTS: dict[str, Row] = {
    "gradient_penalty": _penalty(
        constraints.gradient_penalty,
        lambda penalty, critic, x: penalty(critic, x["real"], x["fake"], mix=x["mix"]),
        _samples,
        ("real", "fake"),
        "same",
    ),
    "gradient_norm": _penalty(
        constraints.gradient_norm, lambda norm, critic, x: norm(critic, x["points"]), _points, ("points",), "along"
    ),
    "zero_centered_penalty": _penalty(
        constraints.zero_centered_penalty,
        lambda penalty, critic, x: penalty(critic, x["points"]),
        _points,
        ("points",),
        "same",
    ),
    # The lowest primitive asks for inputs that require gradients before the critic sees them, so the caller's graph holds it.
    "score_gradient": Row(make=lambda: constraints.score_gradient),
    # It changes parameters in place, which is its purpose; its own tests say what stays.
    "clip_weights_": Row(make=lambda: constraints.clip_weights_),
}

SCHEDULES: dict[str, Row] = {
    "Round": Row(make=lambda: schedules.Round(5, generator=2)),
    "Schedule": Row(make=lambda: schedules.Schedule),
    "Constant": Row(make=lambda: schedules.Constant(round=schedules.Round(5))),
    "Boosted": Row(make=lambda: schedules.Boosted(base=schedules.Round(5), boost=schedules.Round(25), every=500)),
}

TABLE: dict[str, dict[str, Row]] = {"losses": LOSSES, "constraints": CONSTRAINTS, "schedules": SCHEDULES}
