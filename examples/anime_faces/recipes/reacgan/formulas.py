"""The losses of `reacgan` as formulas, and the weights by which labels enter the generator."""

import torch
from torch import nn
from torch.nn.utils import parametrize

import gankit as gk
from examples.anime_faces.recipes.reacgan.networks import CHUNK
from examples.anime_faces.recipes.reacgan.options import Options
from examples.anime_faces.systems import columns_after, number, weighted


def class_formulas(options: Options, names: list[str], pictures: str) -> dict[str, str]:
    """Return the formula of each class loss, of ``"real"`` pictures for the critic and of ``"fake"`` ones for the generator."""
    return {name: weighted(options.class_weight, f"D2D(embeddings of {pictures}, {name})") for name in names}


def notation_of(options: Options) -> dict[str, str]:
    """Return what the names in the formulas mean."""
    margins = f"margins {number(options.margin)} and {number(1 - options.margin)}"
    return {"D2D": f"data-to-data cross-entropy, temperature {number(options.temperature)}, {margins}"}


def condition_weights(generator: nn.Module) -> dict[str, list[torch.Tensor]]:
    """Return the columns of the norms' linear maps that multiply class vectors; those before multiply latents."""
    norms = [one for one in generator.modules() if isinstance(one, gk.blocks.ConditionalBatchNorm2d)]
    layers = [layer for norm in norms for layer in (norm.gain, norm.shift)]
    return {"generator": [columns_after(_trained(layer), CHUNK) for layer in layers]}


def _trained(layer: nn.Module) -> torch.Tensor:
    """Return the parameter behind a weight, which is another one under spectral norm."""
    name = "parametrizations.weight.original" if parametrize.is_parametrized(layer) else "weight"
    return layer.get_parameter(name)
