"""Whether a run has diverged: numbers that no run that learns has, by fixed rules that hold for every objective."""

import math
from collections.abc import Mapping, Sequence
from statistics import median_low

import torch
from torch import nn

LARGEST_VALUE = 2000.0
"""Of a loss, or of the gap between the mean scores of real and of generated pictures."""
LARGEST_WEIGHT = 5.0
"""Root of the mean square of all weights of a network."""
FEWEST = 20
"""Steps that must be known: the first ones of a run may jump."""


def signs_of(recent: Mapping[str, Sequence[float]]) -> list[str]:
    """Return which values are too large in more than half of the last steps, in words.

    A loss, or a gap of scores, above 2,000 in most steps leaves nothing to learn from: a logistic critic is then sure of
    pictures to one in exp(2000), and Wasserstein's is far steeper than a penalty allows, since no two pictures of 128 pixels
    are farther from each other than 444. A few jumps do not count: the middle value is compared.

    Args:
        recent: The last values of each loss and score, by name.
    """
    values = {
        f"the loss of the {name.removeprefix('losses/')}": numbers
        for name, numbers in recent.items()
        if name.startswith("losses/")
    }
    for real in [name for name in recent if name.startswith("scores/real")]:
        which = real.removeprefix("scores/real")
        pairs = zip(recent[real], recent.get(f"scores/fake{which}", ()), strict=False)
        values[f"the critic's gap{which}"] = [high - low for high, low in pairs]
    found: list[str] = []
    for name, numbers in values.items():
        if len(numbers) < FEWEST:
            continue
        size = median_low(map(abs, numbers))
        if size > LARGEST_VALUE:
            found.append(f"{name} was {size:.2g} or more in half of the last {len(numbers)} steps")
    return found


def heavy_networks(networks: Mapping[str, nn.Module]) -> list[str]:
    """Return which networks have weights of a size that no training gives them, in words; it waits for the device.

    A critic whose weights are clipped, or a loss that saturates, keeps its values small while the weights of the generator run
    away: then only they show it.
    """
    found: list[str] = []
    for name, network in networks.items():
        weights = [one.detach() for one in network.parameters() if one.is_floating_point()]
        squares = math.fsum(torch.linalg.vector_norm(one.float()) ** 2 for one in weights)
        size = math.sqrt(squares / max(1, sum(one.numel() for one in weights)))
        if size > LARGEST_WEIGHT:
            found.append(f"the weights of the {name} are {size:.2g} on average")
    return found
