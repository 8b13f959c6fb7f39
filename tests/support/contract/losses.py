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


def _classes(dtype: torch.dtype) -> Tensors:
    # Labels travel as floats, since the table turns all inputs into one dtype.
    labels = torch.tensor([[0, 1], [2, -1], [-1, 0], [1, 1], [2, 0], [0, -1], [2, 1]], dtype=dtype)
    return {"logits": normal(0, 7, 5, dtype=dtype), "labels": labels}


def _embeddings(dtype: torch.dtype) -> Tensors:
    labels = torch.tensor([0, 1, 2, 0, -1, 1, 1], dtype=dtype)
    return {"embeddings": normal(0, 7, 3, dtype=dtype), "labels": labels}


def _twice(dtype: torch.dtype) -> Tensors:
    return {
        "first": normal(0, 7, 2, 3, dtype=dtype),
        "second": normal(1, 7, 2, 3, dtype=dtype),
        "first_latents": normal(2, 7, 5, dtype=dtype),
        "second_latents": normal(3, 7, 5, dtype=dtype),
    }


def _spread(dtype: torch.dtype) -> Tensors:
    return {"mean": normal(0, 7, 5, dtype=dtype), "log_variance": normal(1, 7, 5, dtype=dtype)}


def _labeled(dtype: torch.dtype) -> Tensors:
    draw = torch.tensor([0.1, 0.7, 0.3, 0.9, 0.5, 0.2, 0.8], dtype=dtype)
    return {"scores": normal(0, 7, 1, dtype=dtype), "labels": draw.flip(0).unsqueeze(1), "draw": draw}


def _three_sided(dtype: torch.dtype) -> Tensors:
    return _scores(dtype) | {
        "mismatched": normal(2, 7, 1, dtype=dtype),
        "second_mismatched": normal(3, 7, 1, dtype=dtype),
    }


def _conditions(dtype: torch.dtype) -> Tensors:
    table = torch.tensor([[0, 1], [2, 0], [0, 1], [1, 1], [2, 0], [0, 0], [1, 1]], dtype=dtype)
    return {"conditions": table, "labels": table, "draw": _labeled(dtype)["draw"]}


LABELS: dict[str, Row] = {
    "AdaptiveProbability": Row(make=lambda: losses.AdaptiveProbability(target=0.5, length=100.0)),
    "labeled_loss": Row(
        make=lambda: losses.labeled_loss,
        call=lambda loss, x: loss(losses.Logistic(), x["scores"], x["labels"]),
        inputs=_labeled,
        batched=("scores", "labels"),
        permutes="same",
    ),
    "constant_labels": Row(
        make=lambda: losses.constant_labels,
        call=lambda constant, x: constant(x["scores"], 0.9),
        inputs=_labeled,
        batched=("scores",),
        permutes="along",
    ),
    "uniform_labels": Row(
        make=lambda: losses.uniform_labels,
        call=lambda uniform, x: uniform(x["scores"], 0.8, 1.2, draw=x["draw"].unsqueeze(1)),
        inputs=_labeled,
        batched=("scores", "draw"),
        permutes="along",
    ),
    "flip_labels": Row(
        make=lambda: losses.flip_labels,
        call=lambda flip, x: flip(x["labels"], 0.5, draw=x["draw"]),
        inputs=_labeled,
        batched=("labels", "draw"),
        permutes="along",
    ),
    "matching_aware_critic_loss": Row(
        make=lambda: losses.matching_aware_critic_loss,
        call=lambda loss, x: loss(
            losses.Logistic(),
            x["real"],
            x["mismatched"],
            x["fake"],
            mismatched_weight=0.2,
            fake_weight=0.5,
            second_mismatched=x["second_mismatched"],
            second_mismatched_weight=0.3,
        ),
        inputs=_three_sided,
        batched=("real", "mismatched", "fake", "second_mismatched"),
        permutes="same",
    ),
    "mismatched_labels": Row(
        make=lambda: losses.mismatched_labels,
        call=lambda other, x: other(x["labels"].long(), (3, 2), draw=(1 + 5 * x["draw"]).long()).to(x["labels"].dtype),
        inputs=_conditions,
        batched=("labels", "draw"),
        permutes="along",
    ),
    "mismatched_indices": Row(
        make=lambda: losses.mismatched_indices,
        call=lambda indices, x: x["conditions"][indices(x["conditions"], draw=x["draw"])],
        inputs=_conditions,
        batched=("conditions", "draw"),
        permutes="along",
    ),
}

LOSSES: dict[str, Row] = {
    **LABELS,
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
    "class_loss": Row(
        make=lambda: losses.class_loss,
        call=lambda loss, x: loss(x["logits"].split((3, 2), dim=1), x["labels"].long(), weights=(0.5, 2.0)),
        inputs=_classes,
        batched=("logits", "labels"),
        permutes="same",
    ),
    "multi_label_loss": Row(
        make=lambda: losses.multi_label_loss,
        call=lambda loss, x: loss(x["logits"][:, :2], x["labels"].clamp(max=1)),
        inputs=_classes,
        batched=("logits",),
        permutes="same",
    ),
    "data_to_data_loss": Row(
        make=lambda: losses.data_to_data_loss,
        call=lambda loss, x: loss(x["embeddings"], x["embeddings"].new_ones(3).diag(), x["labels"].long()),
        inputs=_embeddings,
        batched=("embeddings", "labels"),
        permutes="same",
    ),
    **{
        name: Row(
            make=lambda name=name: getattr(losses, name),
            call=lambda loss, x: loss(x["real"], x["fake"]),
            inputs=_scores,
            batched=("real", "fake"),
            permutes="same",
        )
        for name in ("feature_matching_loss", "mean_feature_loss", "energy_distance_loss")
    },
    "mode_seeking_loss": Row(
        make=lambda: losses.mode_seeking_loss,
        call=lambda loss, x: loss(x["first"], x["second"], x["first_latents"], x["second_latents"]),
        inputs=_twice,
        batched=("first", "second", "first_latents", "second_latents"),
        permutes="same",
    ),
    "conditioning_kl_loss": Row(
        make=lambda: losses.conditioning_kl_loss,
        call=lambda loss, x: loss(x["mean"], x["log_variance"]),
        inputs=_spread,
        batched=("mean", "log_variance"),
        permutes="same",
    ),
}
