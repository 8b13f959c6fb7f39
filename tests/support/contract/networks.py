"""Rows of `gankit.networks`."""

from collections.abc import Callable
from dataclasses import replace

import torch

from gankit import networks
from gankit.embedders import MultiHotEmbedder
from support.contract.row import Inputs, Row, Tensors, module_row
from support.strategies import normal


def _pictures(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 3, 8, 8, dtype=dtype)}


def _pictures64(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 3, 64, 64, dtype=dtype)}


def _latents(dtype: torch.dtype) -> Tensors:
    return {"latents": normal(0, 5, 7, dtype=dtype)}


def _two_headed_row(make: Callable[[], torch.nn.Module], inputs: Inputs) -> Row:
    """A critic with class heads: its scores and logits side by side."""

    def call(critic: torch.nn.Module, x: Tensors) -> torch.Tensor:
        result = critic(x["images"])
        return torch.cat([result.scores.reshape(len(x["images"]), -1), *result.classes], dim=1)

    return replace(module_row(make, inputs, "images", batched=("images",)), call=call)


NETWORKS: dict[str, Row] = {
    "CriticOutput": Row(make=lambda: networks.CriticOutput),
    "LayerRow": Row(make=lambda: networks.LayerRow("body.0", "Conv2d", (5, 2), 7)),
    "LayerTable": Row(make=lambda: networks.LayerTable(rows=(networks.LayerRow("body.0", "Conv2d", (5, 2), 7),))),
    "layer_table": Row(make=lambda: networks.layer_table),
    "DCGANGenerator": module_row(
        lambda: networks.DCGANGenerator(resolution=8, width=3, latent_features=7),
        _latents,
        "latents",
        batched=("latents",),
    ),
    "DCGANCritic": module_row(
        lambda: networks.DCGANCritic(resolution=8, width=3), _pictures, "images", batched=("images",)
    ),
    "ResidualGenerator": module_row(
        lambda: networks.ResidualGenerator(width=2, latent_features=7), _latents, "latents", batched=("latents",)
    ),
    "ResidualCritic": module_row(lambda: networks.ResidualCritic(width=2), _pictures64, "images", batched=("images",)),
    "StarGANGenerator": module_row(
        lambda: networks.StarGANGenerator(embedder=MultiHotEmbedder(5), width=2, blocks=1),
        lambda dtype: _pictures(dtype) | {"labels": torch.eye(5, dtype=dtype)},
        "images",
        "labels",
        batched=("images", "labels"),
    ),
    "StarGANCritic": _two_headed_row(lambda: networks.StarGANCritic(resolution=8, width=2, halvings=2), _pictures),
    "PatchGANCritic": module_row(
        lambda: networks.PatchGANCritic(width=2, halvings=1), _pictures, "images", batched=("images",)
    ),
    "JoinedCritic": module_row(
        lambda: networks.JoinedCritic(embedder=MultiHotEmbedder(5), resolution=8, width=2, mixing=3),
        lambda dtype: _pictures(dtype) | {"labels": torch.eye(5, dtype=dtype)},
        "images",
        "labels",
        batched=("images", "labels"),
    ),
    "UNetColorizer": module_row(
        lambda: networks.UNetColorizer(in_channels=3, halvings=2, width=2), _pictures, "images", batched=("images",)
    ),
    "MakeGirlsMoeGenerator": module_row(
        lambda: networks.MakeGirlsMoeGenerator(resolution=8, base=4, width=2, blocks=2, latent_features=7),
        _latents,
        "latents",
        batched=("latents",),
    ),
    "MakeGirlsMoeCritic": _two_headed_row(
        lambda: networks.MakeGirlsMoeCritic(resolution=8, halvings=2, width=2, num_classes=(3, 2)), _pictures
    ),
    "R3GANGenerator": module_row(
        lambda: networks.R3GANGenerator(widths=(4, 6), latent_features=7, group_channels=4),
        _latents,
        "latents",
        batched=("latents",),
    ),
    "R3GANCritic": module_row(
        lambda: networks.R3GANCritic(widths=(6, 4), group_channels=4), _pictures, "images", batched=("images",)
    ),
}
