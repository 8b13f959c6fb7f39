"""What a recipe is, and what it builds: the only two things that the training loop knows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim import Optimizer

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._selection import Selection

NamedUpdate = Callable[..., dict[str, torch.Tensor]]


def nothing_changes(step: int) -> None:
    """Keep learning rates and weights as they are: the plan of most recipes."""
    del step


class Stateful(Protocol):
    """A part of a system that changes while it trains and is no network: its state is saved beside theirs."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """Everything that one training run moves.

    Args:
        generator: called as ``generator(latents, condition)``, returns pictures in -1..1.
        critic: the network that scores pictures.
        average: the average of the generator's weights; it draws the samples.
        optimizers: all optimizers by name, so that checkpoints hold their state.
        schedule: how many critic and generator updates round ``t`` has.
        critic_updates: one update or several named ones that make one turn; inputs are ``(images, condition)``.
        generator_updates: the same for the generator.
        latents: draws ``n`` latents on the CPU from the given generator.
        batch_size: real pictures in one batch.
        repeat: how often each real batch is handed out before the next one.
        group: how many pictures of each condition are in a batch; it divides the batch size.
        scores: mean scores that the terms leave here under ``"real"`` and ``"fake"``; the critic gap is their difference.
        plan: called with the step before it runs; sets what changes over time, as a pure function of the step.
        parts: whatever else changes over time, by name, so that checkpoints hold its state.
    """

    generator: nn.Module
    critic: nn.Module
    average: gk.training.WeightAverage
    optimizers: Mapping[str, Optimizer]
    schedule: gk.schedules.Schedule
    critic_updates: NamedUpdate | Mapping[str, NamedUpdate]
    generator_updates: NamedUpdate | Mapping[str, NamedUpdate]
    latents: Callable[[int, torch.Generator | None], torch.Tensor]
    batch_size: int
    repeat: int = 1
    group: int = 1
    scores: dict[str, torch.Tensor] = field(default_factory=dict)
    plan: Callable[[int], None] = nothing_changes
    parts: Mapping[str, Stateful] = field(default_factory=dict)

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Both trained networks by name."""
        return {"generator": self.generator, "critic": self.critic}


class Conditioning(Protocol):
    """How a recipe reads labels: which pictures it takes, and what its networks are given."""

    def select(self, dataset: Dataset) -> Selection:
        """Choose the rows to train on and their conditions; raise ``ValueError`` when the data does not fit."""
        ...

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Turn known class ids ``(n, attributes)`` into what the generator is given."""
        ...


def always(conditioning: Conditioning) -> Callable[[Any], Conditioning]:
    """Return a recipe's `conditioning` that is the same whatever its options are."""

    def same(options: object) -> Conditioning:
        del options
        return conditioning

    return same


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A way to train: its name, its options, the data that it accepts, and how to build its system.

    Args:
        name: what ``--recipe`` is given.
        description: one sentence for help and reports.
        options: the dataclass of its options.
        steps: how many rounds it trains when neither steps nor minutes are named.
        conditioning: how it reads labels or texts, with these options.
        build: makes the system for a data set; ``steps`` is the length of the plan for what decays.
    """

    name: str
    description: str
    options: type
    steps: int
    conditioning: Callable[[Any], Conditioning]
    build: Callable[[Description, Any, Hardware, int], System]
