"""Everything that a run depends on."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import nn

import gankit as gk
from benchmarks.failures.networks import dcgan
from benchmarks.failures.penalties import NoPenalty, Seen

CriticLoss = Callable[[gk.losses.Objective, torch.Tensor, torch.Tensor], torch.Tensor]
GeneratorLoss = Callable[[gk.losses.Objective, Callable[[], torch.Tensor], torch.Tensor], torch.Tensor]


def alone(objective: gk.losses.Objective, real: Callable[[], torch.Tensor], fake: torch.Tensor) -> torch.Tensor:
    """Return the loss of a generator whose samples are not compared with real ones."""
    del real
    return gk.losses.generator_loss(objective, fake)


def unchanged(images: torch.Tensor) -> torch.Tensor:
    """Return the pictures as they are."""
    return images


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run.

    Args:
        rounds: Length of the run.
        networks: Builds the generator and the critic.
        objective: Loss of one score.
        critic_loss: The loss of the critic, of an objective, real and fake scores.
        generator_loss: That of the generator, of the same; real scores are computed where they are asked for.
        penalty: What is added to the critic's loss.
        constraint: Is done to the critic after each of its updates.
        critic_rate: Learning rate of the critic, by Adam.
        generator_rate: Learning rate of the generator.
        betas: Adam's decays.
        critic_updates: Updates of the critic in a round.
        batch_size: Pictures in a batch.
        pictures: How many pictures of the data set there are.
        data: What is done to pictures in -1..1 before the run sees them.
        augmentation: Changes the pictures that the critic sees.
        average: Decay of the average of weights that draws the samples; 0: the trained weights draw them.
        dtype: Precision of autocast in the losses of both networks; float32: none.
        scaled: Whether the loss is scaled, as float16 needs.
    """

    rounds: int = 1_500
    networks: Callable[[], tuple[nn.Module, nn.Module]] = dcgan
    objective: gk.losses.Objective = field(default_factory=gk.losses.Logistic)
    critic_loss: CriticLoss = gk.losses.critic_loss
    generator_loss: GeneratorLoss = alone
    penalty: Callable[[Seen], torch.Tensor] = field(default_factory=NoPenalty)
    constraint: Callable[[nn.Module], None] | None = None
    critic_rate: float = 5e-4
    generator_rate: float = 5e-4
    betas: tuple[float, float] = (0.0, 0.99)
    critic_updates: int = 1
    batch_size: int = 32
    pictures: int | None = None
    data: Callable[[torch.Tensor], torch.Tensor] = unchanged
    augmentation: Callable[[torch.Tensor], torch.Tensor] = unchanged
    average: float = 0.0
    dtype: torch.dtype = torch.float32
    scaled: bool = False

    def changed(self, settings: Mapping[str, object]) -> "Plan":
        """Return the same plan with other settings."""
        return dataclasses.replace(self, **settings)

    def protocol(self) -> dict[str, object]:
        """Return all settings as plain values."""
        return {one.name: _plain(getattr(self, one.name)) for one in dataclasses.fields(self)}


def _plain(value: object) -> object:
    if isinstance(value, partial):
        return {"name": _plain(value.func), **{name: _plain(one) for name, one in value.keywords.items()}}
    if isinstance(value, int | float | str | tuple | None):
        return value
    name = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else repr(value)
