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


def _noisy(dtype: torch.dtype) -> Tensors:
    return _one_batch(dtype) | {"noise": normal(1, 5, 2, 4, 4, dtype=dtype)}


def _perturbed(dtype: torch.dtype) -> Tensors:
    drawn = torch.rand(5, 2, 4, 4, generator=torch.Generator().manual_seed(2), dtype=dtype)
    return {name: value for name, value in _samples(dtype).items() if name != "fake"} | {"noise": drawn}


def _pairs(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 2, 4, 4, dtype=dtype), "conditions": normal(1, 5, 3, dtype=dtype)}


def _scores(dtype: torch.dtype) -> Tensors:
    return {"real": normal(0, 7, 1, dtype=dtype), "fake": normal(1, 7, 1, dtype=dtype)}


def _versions(dtype: torch.dtype) -> Tensors:
    return {"scores": normal(0, 7, 1, dtype=dtype), "other": normal(1, 7, 1, dtype=dtype)}


def _weights(dtype: torch.dtype) -> Tensors:
    return {"weights": normal(0, 5, 3, 2, dtype=dtype)}


def _averages() -> constraints.ScoreAverages:
    averages = constraints.ScoreAverages()
    averages.update(torch.full((2,), 0.25, dtype=torch.float64), torch.full((2,), -0.5, dtype=torch.float64))
    return averages


AVERAGES = _averages()


CONSTRAINTS: dict[str, Row] = {
    "consistency_penalty": Row(
        make=lambda: constraints.consistency_penalty,
        call=lambda penalty, x: penalty(x["scores"], x["other"]),
        inputs=_versions,
        batched=("scores", "other"),
        permutes="same",
    ),
    "dragan_penalty": penalty_row(
        constraints.dragan_penalty,
        lambda penalty, critic, x: penalty(critic, x["real"], noise=x["noise"], mix=x["mix"]),
        _perturbed,
        ("real",),
        "same",
    ),
    "finite_difference_penalty": penalty_row(
        constraints.finite_difference_penalty,
        lambda penalty, critic, x: penalty(critic, x["samples"], scale=0.5, noise=x["noise"]),
        _noisy,
        ("samples",),
        "same",
    ),
    "Lazy": Row(make=lambda: constraints.Lazy(every=16)),
    "lecam_penalty": Row(
        make=lambda: constraints.lecam_penalty,
        call=lambda penalty, x: penalty(AVERAGES, x["real"], x["fake"]),
        inputs=_scores,
        batched=("real", "fake"),
        permutes="same",
    ),
    "matching_aware_gradient_penalty": penalty_row(
        constraints.matching_aware_gradient_penalty,
        lambda penalty, critic, x: penalty(
            lambda images, conditions: critic(images) * conditions.square().sum(1, keepdim=True),
            x["images"],
            x["conditions"],
            power=3.0,
        ),
        _pairs,
        ("images", "conditions"),
        "same",
    ),
    "max_gradient_penalty": penalty_row(
        constraints.max_gradient_penalty,
        lambda penalty, critic, x: penalty(critic, x["real"], x["fake"], mix=x["mix"]),
        _samples,
        ("real", "fake"),
        "same",
    ),
    "orthogonal_penalty": Row(
        make=lambda: constraints.orthogonal_penalty,
        call=lambda penalty, x: penalty(x["weights"]),
        inputs=_weights,
        batched=("weights",),
        permutes="same",
    ),
    # It keeps state; its tests say how.
    "ScoreAverages": Row(make=lambda: constraints.ScoreAverages(decay=0.9)),
    # It parametrizes a network in place, which is its purpose.
    "spectral_norm_": Row(make=lambda: constraints.spectral_norm_),
    "weight_penalty": Row(
        make=lambda: constraints.weight_penalty,
        call=lambda penalty, x: penalty(x["weights"]),
        inputs=_weights,
        batched=("weights",),
        permutes="same",
    ),
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
