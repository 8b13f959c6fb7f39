"""Terms of a batch that is accumulated in parts, without an optimizer."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from gankit.training import Accumulated, Loss, Terms


def in_parts(
    parts: int,
    terms: Terms,
    inputs: tuple[Any, ...],
    *,
    parameters: Sequence[nn.Parameter] = (),
    network: nn.Module | None = None,
) -> dict[str, torch.Tensor]:
    """Return the costs and readings of `Accumulated`; leaves other than `parameters` keep and add to their gradients."""
    return Accumulated(parts)(Loss(terms, parameters, network), inputs).together()
