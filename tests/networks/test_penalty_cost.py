"""Critics without norms pay for no second-order work that comes to nothing."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from support.flops import forward_units
from torch import nn

from gankit.networks import CriticOutput, MakeGirlsMoeCritic, R3GANCritic, StarGANCritic

CRITICS: dict[str, Callable[[], nn.Module]] = {
    "make girls moe": partial(MakeGirlsMoeCritic, resolution=64, halvings=5, width=16),
    "stargan": partial(StarGANCritic, resolution=64, halvings=5, width=16),
    "r3gan": partial(
        R3GANCritic, widths=(16, 16, 16), group_channels=32, base=16
    ),  # groups of all: the count knows no others
}


class Scores(nn.Module):
    """What a critic says of samples, without the classes."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result = self.critic(images)
        return result.scores if isinstance(result, CriticOutput) else result


def with_torchs_rectifiers(critic: nn.Module) -> nn.Module:
    for name, layer in list(critic.named_modules()):
        if type(layer).__name__ == "LeakyReLU":
            critic.set_submodule(name, nn.LeakyReLU(layer.negative_slope))  # type: ignore[arg-type]
    return critic


@pytest.mark.parametrize("name", CRITICS)
def test_a_wgan_gp_step_costs_ten_forward_passes_not_twelve(name: str) -> None:
    ours = forward_units(lambda: Scores(CRITICS[name]()), 16, 3, 64, 64)
    torchs = forward_units(lambda: Scores(with_torchs_rectifiers(CRITICS[name]())), 16, 3, 64, 64)
    assert 9.5 < ours < 10.05
    assert 11.5 < torchs < 12.05
