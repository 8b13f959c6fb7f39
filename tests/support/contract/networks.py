"""Rows of `gankit.networks`."""

import torch

from gankit import networks
from support.contract.row import Row, Tensors, module_row
from support.strategies import normal


def _pictures(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 3, 8, 8, dtype=dtype)}


def _pictures64(dtype: torch.dtype) -> Tensors:
    return {"images": normal(0, 5, 3, 64, 64, dtype=dtype)}


def _latents(dtype: torch.dtype) -> Tensors:
    return {"latents": normal(0, 5, 7, dtype=dtype)}


NETWORKS: dict[str, Row] = {
    "CriticOutput": Row(make=lambda: networks.CriticOutput),
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
}
