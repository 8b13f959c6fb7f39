"""The numbers on the page about blocks are those that are counted here."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from support.flops import forward_units
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gankit import blocks
from gankit.networks import DCGANCritic, ResidualCritic

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "blocks.md"
ROW = re.compile(r"^\| (.+?) \| (.+?) \| (.+?) \|$", flags=re.MULTILINE)


def rows() -> list[tuple[str, str, str]]:
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def dcgan(activation: Callable[[], nn.Module]) -> nn.Module:
    return DCGANCritic(resolution=64, width=32, norm=nn.Identity, activation=activation)


def residual(activation: Callable[[], nn.Module]) -> nn.Module:
    return ResidualCritic(resolution=64, width=16, norm=nn.Identity, activation=activation)


def pooled(activation: Callable[[], nn.Module]) -> nn.Module:
    critic = residual(activation)
    for name, module in list(critic.named_modules()):
        if isinstance(module, blocks.MeanDownsample):
            critic.set_submodule(name, nn.AvgPool2d(2))
    return critic


CRITICS = {"DCGAN": dcgan, "residual, `nn.AvgPool2d`": pooled, "residual, `MeanDownsample`": residual}


@pytest.mark.parametrize("name", CRITICS)
def test_costs_of_a_penalized_step(name: str) -> None:
    counted = [forward_units(partial(CRITICS[name], kind), 16, 3, 64, 64) for kind in (nn.ReLU, blocks.ReLU)]
    (printed,) = [row[1:] for row in rows() if row[0] == name]
    assert printed == tuple(f"{units:.1f}" for units in counted)


# An upsampling makes four numbers of each one; its cost is counted at the new size, as on the page.
RESAMPLING: dict[str, Callable[[int], nn.Module]] = {
    "TransposedUpsample": blocks.TransposedUpsample,
    "SubPixelUpsample": blocks.SubPixelUpsample,
    "StridedDownsample": blocks.StridedDownsample,
}


@pytest.mark.parametrize("name", RESAMPLING)
def test_costs_of_learned_resampling(name: str) -> None:
    channels = 5
    layer, x = RESAMPLING[name](channels), torch.zeros(1, channels, 8, 8)
    with FlopCounterMode(display=False) as counter:
        result = layer(x)
    per_number = counter.get_total_flops() / 2 / result.numel()
    (printed,) = [row[1] for row in rows() if row[0] == f"[`{name}`][gankit.blocks.{name}]"]
    assert printed == f"{per_number / channels:g} C"
