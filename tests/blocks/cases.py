"""Blocks to test: every norm in every direction, filled with numbers that follow from a seed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from blocks.oracles import State
from hypothesis import strategies as st
from support.strategies import PRIMES, normal, seeds
from torch import nn

from gankit.blocks import ConditionalBatchNorm2d, MeanDownsample, NearestUpsample, PreActivationBlock

CONDITION_FEATURES = 3
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": nn.Identity,
    "batch": nn.BatchNorm2d,
    "layer": partial(nn.GroupNorm, 1),
    "conditional": partial(ConditionalBatchNorm2d, condition_features=CONDITION_FEATURES),
}
DIRECTIONS = ("same", "up", "down")


def fill_(module: nn.Module, seed: int) -> None:
    """Give every parameter and statistic a value unlike its initial one, so that a 0 or a 1 does not hide a term."""
    state = {
        name: value if not value.is_floating_point() else 0.5 * normal(seed + index, *value.shape).to(value.dtype)
        for index, (name, value) in enumerate(module.state_dict().items())
    }
    variances = {name: value.abs() + 0.5 for name, value in state.items() if name.endswith("running_var")}
    module.load_state_dict(state | variances)


def make_block(
    in_channels: int,
    out_channels: int,
    norm: str = "none",
    direction: str = "same",
    activation: Callable[[], nn.Module] = nn.ReLU,
    *,
    first: bool = False,
    activated_shortcut: bool = False,
    hidden: int | None = None,
    seed: int = 0,
) -> PreActivationBlock:
    """A float64 block with numbers from the seed."""
    up = NearestUpsample() if direction == "up" else None
    down = MeanDownsample() if direction == "down" else None
    block = PreActivationBlock(
        in_channels,
        out_channels,
        hidden=hidden,
        norm=NORMS[norm],
        activation=activation,
        up=up,
        down=down,
        first=first,
        activated_shortcut=activated_shortcut,
    ).double()
    fill_(block, seed)
    return block


def channels_last(module: nn.Module) -> nn.Module:
    """Bring the module's weights to the channels-last memory format."""
    return module.to(device="cpu", memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def numpy_state(module: nn.Module) -> State:
    """The state dict as numpy arrays."""
    return {name: value.numpy().copy() for name, value in module.state_dict().items()}


@st.composite
def maps(draw: st.DrawFn, *, even: bool = False) -> torch.Tensor:
    """A float64 batch of maps with unequal prime sizes, or twice those."""
    samples, channels = draw(st.integers(2, 4)), draw(st.sampled_from(PRIMES))
    height, width = draw(st.sampled_from(((2, 3), (3, 2), (5, 3), (3, 5))))
    factor = 2 if even else 1
    return normal(draw(seeds), samples, channels, factor * height, factor * width)


@st.composite
def blocks(draw: st.DrawFn) -> tuple[PreActivationBlock, torch.Tensor, torch.Tensor, dict[str, Any]]:
    """A block in train or eval mode, an input that it takes, a condition, and the drawn options."""
    direction = draw(st.sampled_from(DIRECTIONS))
    first = draw(st.booleans()) if direction != "up" else False
    drawn = {
        "norm": draw(st.sampled_from(tuple(NORMS))),
        "direction": direction,
        "first": first,
        "activated_shortcut": draw(st.booleans()) if not first else False,
        "hidden": draw(st.sampled_from((None, *PRIMES))),
        "seed": draw(seeds),
    }
    x = draw(maps(even=direction == "down"))
    out_channels = draw(st.sampled_from((x.shape[1], *PRIMES)))
    block = make_block(x.shape[1], out_channels, **drawn)
    block.train(draw(st.booleans()))
    condition = normal(drawn["seed"] + 1, x.shape[0], CONDITION_FEATURES)
    return block, x, condition, drawn
