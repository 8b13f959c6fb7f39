"""Rows of `gankit.constraints`."""

import torch

from gankit import constraints
from support.contract.row import Row, Tensors, penalty_row
from support.strategies import normal


def _samples(dtype: torch.dtype) -> Tensors:
    return {
        "real": normal(0, 5, 2, 4, 4, dtype=dtype),
        "fake": normal(1, 5, 2, 4, 4, dtype=dtype),
        "mix": torch.full((5, 1, 1, 1), 0.3, dtype=dtype),
    }


def _points(dtype: torch.dtype) -> Tensors:
    return {"points": normal(0, 5, 2, 4, 4, dtype=dtype)}


def _one_batch(dtype: torch.dtype) -> Tensors:
    return {"samples": normal(0, 5, 2, 4, 4, dtype=dtype)}


CONSTRAINTS: dict[str, Row] = {
    "gradient_penalty": penalty_row(
        constraints.gradient_penalty,
        lambda penalty, critic, x: penalty(critic, x["real"], x["fake"], mix=x["mix"]),
        _samples,
        ("real", "fake"),
        "same",
    ),
    "gradient_norm": penalty_row(
        constraints.gradient_norm, lambda norm, critic, x: norm(critic, x["points"]), _points, ("points",), "along"
    ),
    "zero_centered_penalty": penalty_row(
        constraints.zero_centered_penalty,
        lambda penalty, critic, x: penalty(critic, x["samples"]),
        _one_batch,
        ("samples",),
        "same",
    ),
    # The lowest primitive asks for inputs that require gradients before the critic sees them, so the caller's graph holds it.
    "score_gradient": Row(make=lambda: constraints.score_gradient),
    # It changes parameters in place, which is its purpose; its own tests say what stays.
    "clip_weights_": Row(make=lambda: constraints.clip_weights_),
}
