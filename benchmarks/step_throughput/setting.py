"""What every loop is given: device and number format, a pair of networks, and batches."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import torch
from torch import nn


class Batch(NamedTuple):
    """What one turn of a loop uses: real images, latents, and labels where the networks take some."""

    real: torch.Tensor
    latents: torch.Tensor
    labels: torch.Tensor | None


Iteration: TypeAlias = Callable[[Sequence[Batch]], None]
"""Does all critic updates, one for each batch, and one generator update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Device, sizes, number format and memory layout of an iteration.

    Args:
        device: Where it runs.
        width: Channels of the narrowest layer of the networks.
        batch: Images in a batch.
        dtype: Of weights and images.
        bfloat16: Run forward passes under autocast.
        channels_last: Store images and weights with the channels innermost.
        saving: Use the rectifiers of gankit, which save work under a gradient penalty, and not those of torch.
    """

    device: torch.device
    width: int
    batch: int
    dtype: torch.dtype = torch.float32
    bfloat16: bool = False
    channels_last: bool = False
    saving: bool = False

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout as torch spells it."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context that forward passes run in."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16) if self.bfloat16 else nullcontext()

    def place(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, in this number format and layout."""
        return network.to(device=self.device, dtype=self.dtype, memory_format=self.memory_format)  # pyright: ignore[reportCallIssue]


@dataclass(frozen=True, slots=True)
class Networks:
    """A generator and a critic."""

    generator: nn.Module
    critic: nn.Module

    def draw(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Return the generator's images."""
        return self.generator(latents) if labels is None else self.generator(latents, labels)

    def weights(self) -> torch.Tensor:
        """Return all parameters as one float64 vector, copied."""
        parameters = (*self.generator.parameters(), *self.critic.parameters())
        return torch.cat([parameter.detach().double().flatten() for parameter in parameters])


def make_batches(setting: Setting, count: int, *, latents: int, tags: int, size: int = 64) -> list[Batch]:
    """Draw batches of random images, latents and tags, always the same ones, and move them to the device."""
    rng = torch.Generator().manual_seed(1)
    place = {"device": setting.device, "dtype": setting.dtype}
    batches = []
    for _ in range(count):
        real = torch.rand(setting.batch, 3, size, size, generator=rng, dtype=torch.float64) * 2 - 1
        drawn = torch.randn(setting.batch, latents, generator=rng, dtype=torch.float64)
        labels = (torch.rand(setting.batch, tags, generator=rng) < 0.2).to(**place) if tags else None
        real = real.to(**place).contiguous(memory_format=setting.memory_format)
        batches.append(Batch(real, drawn.to(**place), labels))
    return batches
