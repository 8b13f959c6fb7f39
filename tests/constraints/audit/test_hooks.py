"""Hooks of the audit: what would be silently wrong warns, and harmless critics stay silent (any warning fails)."""

import pytest
import torch
from support.strategies import normal
from torch import nn

from gankit.blocks import ConditionalBatchNorm2d
from gankit.constraints import gradient_norm, gradient_penalty, zero_centered_penalty
from gankit.networks import DCGANCritic, ResidualCritic

IMAGES = normal(0, 3, 2, 4, 4, dtype=torch.float32)


def _critic(*layers: nn.Module, channels: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), *layers, nn.Flatten(), nn.Linear(channels * 16, 1))


class Shortcut(nn.Module):
    """A residual block whose branch starts with an activation, in place or not."""

    def __init__(self, *, inplace: bool) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.LeakyReLU(0.2, inplace=inplace), nn.Conv2d(3, 3, 3, padding=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.branch(x) + x


class Convolution(nn.Module):
    """A composite whose activation works in place on a tensor of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm, self.activation = (
            nn.Conv2d(3, 3, 3, padding=1),
            nn.GroupNorm(1, 3),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.activation(self.norm(self.inner(x)))


class Conditional(nn.Module):
    """A critic with a conditional batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = ConditionalBatchNorm2d(2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inner(x, torch.ones(len(x), 3)).flatten(1).square().sum(1)


@pytest.mark.parametrize(
    "critic",
    [
        _critic(nn.GroupNorm(1, 3)),
        _critic(nn.LayerNorm([3, 4, 4])),
        _critic(nn.InstanceNorm2d(3, affine=True)),
        _critic(nn.BatchNorm2d(3)).eval(),
        _critic(nn.LeakyReLU(0.2, inplace=True)),
        _critic(nn.Sequential(nn.Dropout(0.5), nn.ReLU(inplace=True))),
        _critic(Shortcut(inplace=False)),
        _critic(Convolution(), Convolution()),
        _critic(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 3, 3, padding=1))),
        DCGANCritic(resolution=8, width=2, image_channels=2, num_classes=()),
        ResidualCritic(resolution=8, width=2, image_channels=2),
    ],
    ids=lambda critic: type(critic).__name__,
)
def test_harmless_critics_are_silent(critic: nn.Module) -> None:
    critic = critic if not isinstance(critic, DCGANCritic) else critic.eval()
    size = 8 if isinstance(critic, DCGANCritic | ResidualCritic) else 4
    images = normal(0, 3, 2, size, size, dtype=torch.float32)
    gradient_penalty(critic, images, images + 1).backward()


@pytest.mark.parametrize(
    ("critic", "name"),
    [
        (_critic(nn.BatchNorm2d(3)), "1"),
        (_critic(nn.Sequential(nn.SiLU(), nn.BatchNorm2d(3))), r"1\.1"),
        (_critic(nn.BatchNorm2d(3, track_running_stats=False)).eval(), "1"),
        (Conditional(), r"inner\.normalize"),
    ],
    ids=["flat", "nested", "without averages", "conditional"],
)
def test_batch_normalization_warns_where_the_user_called(critic: nn.Module, name: str) -> None:
    with pytest.warns(UserWarning, match=f"batch normalization '{name}' couples the samples.*GroupNorm") as caught:
        gradient_penalty(critic, IMAGES, IMAGES + 1)
    assert [warning.filename for warning in caught] == [__file__]
    zero_centered_penalty(critic, IMAGES)  # said once


def test_a_warning_that_is_an_error_is_raised_again() -> None:
    critic = _critic(nn.BatchNorm2d(3))
    for _ in range(2):
        with pytest.raises(UserWarning, match="batch normalization"):
            gradient_norm(critic, IMAGES)
    critic.eval()
    gradient_norm(critic, IMAGES)
    critic.train()
    with pytest.raises(UserWarning, match="batch normalization"):
        gradient_norm(critic, IMAGES)


def test_an_activation_in_place_before_a_shortcut_warns() -> None:
    torch.manual_seed(0)
    in_place, apart = _critic(Shortcut(inplace=True)), _critic(Shortcut(inplace=False))
    apart.load_state_dict(in_place.state_dict())
    with pytest.warns(UserWarning, match="Shortcut '1' changed its own input in place: a shortcut around it reads the"):
        wrong = zero_centered_penalty(in_place, IMAGES)
    assert not torch.isclose(wrong, zero_centered_penalty(apart, IMAGES), rtol=1e-3)


def test_one_warning_for_all_blocks_of_a_kind() -> None:
    with pytest.warns(UserWarning, match="batch normalization|in place") as caught:
        gradient_norm(_critic(Shortcut(inplace=True), Shortcut(inplace=True), nn.BatchNorm2d(3)), IMAGES)
    assert len(caught) == 2


def test_inputs_that_keep_no_versions_are_passed_over() -> None:
    class WithLabels(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return self.inner(x) + labels[:, None]

    with torch.inference_mode():
        labels = torch.ones(3)
    critic = WithLabels()
    gradient_norm(lambda x: critic(x, labels), torch.zeros(3, 2))


def test_the_second_call_registers_nothing(registrations: list[str]) -> None:
    critic = _critic()
    for _ in range(3):
        gradient_penalty(critic, IMAGES, IMAGES + 1)
    assert len(registrations) == len(list(critic.modules()))


def test_hooks_are_taken_away_also_after_an_error() -> None:
    class Failing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise KeyError(self.inner(x).shape)

    critic = Failing()
    with pytest.raises(KeyError):
        gradient_norm(critic, torch.zeros(3, 2))
    assert torch.backends.cuda.flash_sdp_enabled()
    critic.forward = critic.inner.forward  # type: ignore[method-assign]
    gradient_norm(critic, torch.zeros(3, 2))
    for module in critic.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
