"""One small GAN on small faces: trained by a plan, with its curves."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

import gankit as gk
from benchmarks.failures.faces import Faces
from benchmarks.failures.networks import LATENTS
from benchmarks.failures.penalties import Seen
from benchmarks.failures.plan import Plan

EVERY = 10
"""Rounds between two points of a curve."""
BETWEEN = 25
"""Rounds between two of the last sets of samples of the same latents."""
SHOWN = 64


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run left behind.

    Attributes:
        generator: The network that draws the samples.
        critic: The critic.
        curves: Values by name, one each `EVERY` rounds.
        ended: Round at which the run broke off, or None.
        error: What it broke off with.
        warnings: What was warned of.
        moved: Samples of the same latents in the last rounds, one set each 50 rounds.
    """

    generator: nn.Module
    critic: nn.Module
    curves: dict[str, list[float]]
    ended: int | None = None
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    moved: list[torch.Tensor] = field(default_factory=list)


Scalars = dict[str, torch.Tensor]
Watch = Callable[[torch.Tensor], Mapping[str, float]]
"""Returns what samples of fixed latents and labels show, by the name of its curve."""


def train(plan: Plan, faces: Faces, seed: int, watch: Watch) -> Outcome:
    """Train by a plan; the run ends early where a cost or a gradient is not finite."""
    torch.manual_seed(seed)
    generator, critic = plan.networks()
    average = gk.training.WeightAverage(generator, decay=plan.average) if plan.average else None
    drawing = average.network if average else generator
    outcome = Outcome(generator=drawing, critic=critic, curves={})
    shown = torch.randn(SHOWN, LATENTS), faces.labels[:SHOWN]
    play = Play(plan, generator, critic, _batches(plan, faces))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for done in range(plan.rounds):
            try:
                logged = play.round()
            except gk.training.NonFiniteError as error:
                outcome.ended, outcome.error = done, str(error)
                break
            if average:
                average.update()
            if done % EVERY == 0:
                seen = watch(samples_of(drawing, *shown))
                for name, value in (logged | play.gradient() | dict(seen)).items():
                    outcome.curves.setdefault(name, []).append(float(value))
            if done >= plan.rounds - 10 * BETWEEN and done % BETWEEN == 0:
                outcome.moved.append(samples_of(drawing, *shown))
    outcome.warnings = sorted({str(one.message) for one in caught if issubclass(one.category, UserWarning)})
    return outcome


@torch.no_grad()
def samples_of(generator: nn.Module, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the pictures of latents, with the running statistics of batch norms, in -1..1."""
    training = generator.training
    generator.eval()
    parts = [generator(*part) for part in zip(latents.split(128), labels.split(128), strict=True)]
    generator.train(training)
    return torch.cat(parts)


def _batches(plan: Plan, faces: Faces) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    images = plan.data(faces.images[: plan.pictures])
    while True:
        chosen = torch.randint(len(images), (plan.batch_size,))
        yield images[chosen], faces.labels[chosen]


class Play:
    """The updates of a plan.

    Args:
        plan: How to train.
        generator: What is trained.
        critic: Its critic.
        batches: Pictures and labels.
    """

    def __init__(
        self, plan: Plan, generator: nn.Module, critic: nn.Module, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]
    ) -> None:
        self._plan, self._generator, self._critic, self._batches = plan, generator, critic, batches
        self._schedule = gk.schedules.Round(plan.critic_updates)
        self._train_critic = self._update(critic, plan.critic_rate, self._critic_terms, constraint=self._constrain)
        self._train_generator = self._update(generator, plan.generator_rate, self._generator_terms, frozen=[critic])

    @classmethod
    def of(cls, plan: Plan, faces: Faces) -> "Play":
        """Return the updates of new networks."""
        return cls(plan, *plan.networks(), _batches(plan, faces))

    def round(self) -> dict[str, torch.Tensor]:
        """Play one round and return what was logged."""
        return gk.training.play_round(
            self._schedule, self._batches, critic=self._train_critic, generator=self._train_generator
        )

    def gradient(self) -> dict[str, torch.Tensor]:
        """Return the length of the gradient of the generator's last update."""
        gradients = [one.grad for one in self._generator.parameters() if one.grad is not None]
        return {"generator/gradient": torch.linalg.vector_norm(torch.cat([one.flatten() for one in gradients]))}

    def _update(
        self,
        network: nn.Module,
        rate: float,
        terms: gk.training.Terms,
        **parts: Any,
    ) -> gk.training.Update:
        optimizer = torch.optim.Adam(network.parameters(), lr=rate, betas=self._plan.betas)
        stepper = gk.training.ScaledStepper("cpu") if self._plan.scaled else None
        return gk.training.Update(optimizer, terms, stepper=stepper, **parts)

    def _constrain(self) -> None:
        if self._plan.constraint is not None:
            self._plan.constraint(self._critic)

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", dtype=self._plan.dtype, enabled=self._plan.dtype != torch.float32)

    def _critic_terms(
        self, images: torch.Tensor, labels: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        plan = self._plan
        with torch.no_grad():
            fakes = self._generator(torch.randn(len(images), LATENTS), labels)
        images, fakes = plan.augmentation(images), plan.augmentation(fakes)

        def critic(points: torch.Tensor) -> torch.Tensor:
            with self._autocast():
                return self._critic(points, labels)

        real, fake = critic(images), critic(fakes)
        seen = Seen(critic=critic, real=images, fake=fakes, real_scores=real, fake_scores=fake)
        costs = {"loss": plan.critic_loss(plan.objective, real, fake), "penalty": plan.penalty(seen)}
        real, fake = real.detach(), fake.detach()
        recognized = 0.5 * ((real > 0).float().mean() + (fake < 0).float().mean())
        largest = torch.cat([real, fake]).abs().max().float()
        return costs, {"gap": real.mean() - fake.mean(), "recognized": recognized, "largest": largest}

    def _generator_terms(self, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        plan, fakes = self._plan, self._generator(torch.randn(len(images), LATENTS), labels)

        def real() -> torch.Tensor:
            with torch.no_grad(), self._autocast():
                return self._critic(plan.augmentation(images), labels)

        with self._autocast():
            scores = self._critic(plan.augmentation(fakes), labels)
        return {"loss": plan.generator_loss(plan.objective, real, scores)}
