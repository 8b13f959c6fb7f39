"""Rows of `gankit.latents`."""

from collections.abc import Callable

import torch

from gankit import latents
from support.contract.row import Row
from support.strategies import normal


def _walk(function: Callable[..., torch.Tensor]) -> Row:
    return Row(
        make=lambda: function,
        call=lambda walk, x: walk(x["first"], x["second"], 0.3),
        inputs=lambda dtype: {"first": normal(0, 5, 7, dtype=dtype), "second": normal(1, 5, 7, dtype=dtype)},
        batched=("first",),
        permutes="along",
    )


# Draws take no tensor: their tests say what holds of the generator, the device and the dtype.
LATENTS: dict[str, Row] = {
    "across_conditions": Row(
        make=lambda: latents.across_conditions,
        call=lambda pair, x: torch.cat(pair(x["latents"], x["conditions"]), dim=1),
        inputs=lambda dtype: {"latents": normal(0, 5, 7, dtype=dtype), "conditions": normal(1, 5, 2, dtype=dtype)},
        batched=("latents", "conditions"),
    ),
    "fixed_latents": Row(make=lambda: latents.fixed_latents),
    "linear_interpolation": _walk(latents.linear_interpolation),
    "normal_latents": Row(make=lambda: latents.normal_latents),
    "spherical_interpolation": _walk(latents.spherical_interpolation),
    "truncated_normal_latents": Row(make=lambda: latents.truncated_normal_latents),
    "uniform_latents": Row(make=lambda: latents.uniform_latents),
}
