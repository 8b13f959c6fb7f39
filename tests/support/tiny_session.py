"""A training session of two linear networks on pictures of 2x2, with real files: a step takes about a millisecond."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.run import Feed, RunFolder
from examples.anime_faces.run._console import StopSignals
from examples.anime_faces.run._pace import keep_the_plan
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._session import Session
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.run._stores import ResidentStore
from examples.anime_faces.systems import (
    Blueprint,
    Description,
    Hardware,
    Networks,
    Recipe,
    Selection,
    Side,
    System,
    Training,
    WhateverIsKnown,
    always,
    assemble,
)

BATCH = 3
PICTURES = np.arange(7, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2).repeat(3, 3)
DESCRIPTION = Description(size=2, kind="unlabeled")
OPTIMIZER = partial(torch.optim.SGD, lr=0.125, momentum=0.5)


def _networks(description: Description, options: object) -> Blueprint:
    del description, options
    return Blueprint(
        makers={"generator": partial(nn.Linear, 2, 12), "critic": partial(nn.Linear, 12, 1)},
        latents=partial(gk.latents.normal_latents, features=2),
    )


def _system(networks: Networks, description: Description, options: object, steps: int) -> System:
    del description, options
    critic, generator = networks["critic"], networks["generator"]

    def prepared(batch: tuple[Any, ...]) -> tuple[Any, ...]:
        return batch[0].flatten(1), torch.randn(BATCH, 2)

    def critic_terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        return {"score": critic(generator(noise).detach()).mean() - critic(real).mean()}, {}

    def generator_terms(real: torch.Tensor, noise: torch.Tensor) -> Any:
        del real
        return {"score": -critic(generator(noise)).mean()}, {}

    def falling(step: int) -> float:
        return 0.125 * (1 - step / steps)

    return System(
        critic=Side(network=critic, optimizer=OPTIMIZER, terms=critic_terms, learning_rate=falling),
        generator=Side(network=generator, optimizer=OPTIMIZER, terms=generator_terms, learning_rate=falling),
        batch_size=BATCH,
        prepare=prepared,
    )


def tiny_parts(steps: int) -> tuple[Training, Feed]:
    """What is trained, and its batches: the same each time. The learning rates fall over `steps` steps."""
    recipe = Recipe(
        description="A test's.", steps=3, conditioning=always(WhateverIsKnown()), networks=_networks, system=_system
    )
    torch.manual_seed(5)
    hardware = Hardware(channels_last=False)
    training = assemble(recipe, DESCRIPTION, None, steps=steps, hardware=hardware)
    selection = Selection(rows=np.arange(len(PICTURES)), conditions=None, description=DESCRIPTION)
    return training, Feed(ResidentStore(PICTURES, "cpu"), selection, batch_size=BATCH, seed=0, hardware=hardware)


def tiny_settings(**changes: Any) -> Settings:
    """The settings of a run of 5 steps."""
    usual: dict[str, Any] = {
        "recipe": "acgan",
        "options": {"width": 4},
        "seed": 5,
        "steps": 5,
        "minutes": None,
        "data": "pictures",
        "fingerprint": "1234",
        "description": DESCRIPTION,
        "pictures": len(PICTURES),
        "start": None,
        "grid_every": 100,
        "hardware": Hardware(channels_last=False),
        "versions": {},
    }
    return Settings(**{**usual, **changes})


@dataclass
class TinyPreview:
    """Writes an empty file for each grid."""

    drawn: list[str] = field(default_factory=list)

    def draw(self, path: Path) -> dict[str, float]:
        """Note the name, and say how much the pictures differ."""
        self.drawn.append(path.name)
        path.touch()
        return {"average/variety": 0.25}


def tiny_session(path: Path, *, every: int = 100, build: Callable[..., Any] | None = None, **changes: Any) -> Session:
    """A session in a folder, with open files; changes of settings are settings, all others are parts of the session."""
    folder = RunFolder(path)
    folder.prepare()
    of_settings = {name: changes.pop(name) for name in ("steps", "keep", "grid_every") if name in changes}
    settings = tiny_settings(**of_settings)
    training, feed = tiny_parts(settings.steps)

    def rebuilt(settings: Settings) -> tuple[Training, Feed, TinyPreview]:
        return *tiny_parts(settings.steps), TinyPreview()

    record = Record(folder.log, every=every, losses=folder.raw_losses)
    record.open(0)
    usual: dict[str, Any] = {
        "folder": folder,
        "settings": settings,
        "training": training,
        "feed": feed,
        "preview": TinyPreview(),
        "record": record,
        "signals": StopSignals(),
        "pacer": keep_the_plan,
        "build": rebuilt if build is None else build,
    }
    return Session(**{**usual, **changes})
