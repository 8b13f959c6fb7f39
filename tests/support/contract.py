"""The table of the contract test: a row for each public name, saying how to make it, call it, and what applies.

Rows are data. `make` builds the component; `call` runs it on inputs; `inputs` makes those from a dtype. A name that is no
tensor code (a schedule, a protocol) has a row with ``call=None``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from gankit import blocks, constraints, embedders, losses, networks, schedules, training
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


def _maps(dtype: torch.dtype) -> Tensors:
    return {"x": normal(0, 5, 3, 4, 4, dtype=dtype), "condition": normal(1, 5, 7, dtype=dtype)}


def _features(dtype: torch.dtype) -> Tensors:
    return {"features": normal(0, 5, 11, dtype=dtype), "condition": normal(1, 5, 7, dtype=dtype)}


def _pictures(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 3, 8, 8, dtype=dtype)}


def _pictures64(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 3, 64, 64, dtype=dtype)}


def _latents(dtype: torch.dtype) -> Tensors:
    return {"latents": normal(0, 5, 7, dtype=dtype)}


def _module(
    make: Callable[[], torch.nn.Module],
    inputs: Inputs,
    *names: str,
    batched: tuple[str, ...] = (),
    permutes: str | None = "along",
    compiles: bool = True,
) -> Row:
    """A module, called with the inputs of these names."""

    def call(module: torch.nn.Module, x: Tensors) -> torch.Tensor:
        result = module(*(x[name] for name in names))
        return torch.cat([part.flatten(1) for part in result], dim=1) if isinstance(result, tuple) else result

    def made() -> torch.nn.Module:
        torch.manual_seed(5)
        return make()

    return Row(make=made, call=call, inputs=inputs, batched=batched, permutes=permutes, compiles=compiles)


BLOCKS: dict[str, Row] = {
    "Conditioned": Row(make=lambda: blocks.Conditioned),
    "ConditionedSequential": _module(
        lambda: blocks.ConditionedSequential(torch.nn.Conv2d(3, 3, 1), blocks.ConditionalBatchNorm2d(3, 7)),
        _maps,
        "x",
        "condition",
    ),
    "ConditionalBatchNorm2d": _module(
        lambda: blocks.ConditionalBatchNorm2d(3, 7), _maps, "x", "condition", batched=("x",)
    ),
    "PreActivationBlock": _module(
        lambda: blocks.PreActivationBlock(3, 5, down=blocks.MeanDownsample()), _maps, "x", batched=("x",)
    ),
    "NearestUpsample": _module(blocks.NearestUpsample, _maps, "x", batched=("x",)),
    "BilinearUpsample": _module(blocks.BilinearUpsample, _maps, "x", batched=("x",)),
    "MeanDownsample": _module(blocks.MeanDownsample, _maps, "x", batched=("x",)),
    "ClassHead": _module(lambda: blocks.ClassHead(11, (2, 3)), _features, "features", batched=("features",)),
    "ProjectionHead": _module(
        lambda: blocks.ProjectionHead(11, 7), _features, "features", "condition", batched=("features",)
    ),
}

# Embedders take whole numbers and give floats: their tests say what holds for labels, so no row calls them with floats.
EMBEDDERS: dict[str, Row] = {
    "Embedder": Row(make=lambda: embedders.Embedder),
    "OneHotEmbedder": Row(make=lambda: embedders.OneHotEmbedder((12, 11))),
    "MultiHotEmbedder": Row(make=lambda: embedders.MultiHotEmbedder(23)),
    "LabelEmbedder": Row(make=lambda: embedders.LabelEmbedder((12, 11), 8)),
}

NETWORKS: dict[str, Row] = {
    "CriticOutput": Row(make=lambda: networks.CriticOutput),
    "DCGANGenerator": _module(
        lambda: networks.DCGANGenerator(resolution=8, width=3, latent_features=7),
        _latents,
        "latents",
        batched=("latents",),
    ),
    "DCGANCritic": _module(
        lambda: networks.DCGANCritic(resolution=8, width=3), _pictures, "images", batched=("images",)
    ),
    "ResidualGenerator": _module(
        lambda: networks.ResidualGenerator(width=2, latent_features=7), _latents, "latents", batched=("latents",)
    ),
    "ResidualCritic": _module(lambda: networks.ResidualCritic(width=2), _pictures64, "images", batched=("images",)),
}


# Parts that own an optimizer, a file or a weight average are no functions of a tensor; their tests hold their contracts.
TRAINING: dict[str, Row] = {
    "Accumulated": Row(make=lambda: training.Accumulated(4)),
    "BatchesExhaustedError": Row(make=lambda: training.BatchesExhaustedError),
    "CheckpointError": Row(make=lambda: training.CheckpointError),
    "Checkpoints": Row(make=lambda: training.Checkpoints),
    "Eager": Row(make=training.Eager),
    "Gradients": Row(make=lambda: training.Gradients),
    "NonFiniteError": Row(make=lambda: training.NonFiniteError),
    "Terms": Row(make=lambda: training.Terms),
    "Update": Row(make=lambda: training.Update),
    "WeightAverage": Row(make=lambda: training.WeightAverage),
    "load_checkpoint": Row(make=lambda: training.load_checkpoint),
    "load_network_state": Row(make=lambda: training.load_network_state),
    "network_state": Row(make=lambda: training.network_state),
    "play_round": Row(make=lambda: training.play_round),
    "save_checkpoint": Row(make=lambda: training.save_checkpoint),
}

TABLE: dict[str, dict[str, Row]] = {
    "blocks": BLOCKS,
    "constraints": CONSTRAINTS,
    "embedders": EMBEDDERS,
    "losses": LOSSES,
    "networks": NETWORKS,
    "schedules": SCHEDULES,
    "training": TRAINING,
}
