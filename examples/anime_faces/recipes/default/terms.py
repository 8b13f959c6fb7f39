"""The losses and penalties of the default recipe."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from examples.anime_faces.recipes.default.critics import DetailCritic
from examples.anime_faces.recipes.default.layers import widened, without_autocast
from examples.anime_faces.recipes.default.options import Options
from examples.anime_faces.systems import (
    Scalars,
    critic_formula,
    generator_formula,
    number,
    of_all_ranks,
    score_readings,
    weighted,
)

PENALTY_EVERY = 8

OBJECTIVE = gk.losses.Logistic()

CELLS = 8
OPPONENT_COLORS = (
    (3**-0.5, 3**-0.5, 3**-0.5),
    (2**-0.5, 0.0, -(2**-0.5)),
    (6**-0.5, -2 * 6**-0.5, 6**-0.5),
)
"""Brightness, red against blue, and green against both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of the updates, pure functions of a batch ``(images, labels, fakes)``.

    Args:
        critic: The critic, on its device.
        options: The weights.
    """

    critic: nn.Module
    options: Options

    @property
    def details(self) -> DetailCritic | None:
        """The critic of details, a part of the critic."""
        return cast("DetailCritic | None", self.critic.details)

    def plain(self, images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Return the costs of the critic without penalties, and the mean scores."""
        costs, readings, _ = self._of_critic(images, labels, fakes)
        if self.details is not None:
            costs["details"], _ = _of_details(self.details, self.details.waves(images), labels, fakes)
        return costs, readings

    def penalized(
        self, images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor
    ) -> tuple[Scalars, Scalars]:
        """Return the same, and R1: of whole pictures with respect to their pixels, of details with respect to their waves."""
        images = images.detach().requires_grad_()
        costs, readings, scores = self._of_critic(images, labels, fakes)
        costs["penalty"] = self._penalty(scores, images)
        if self.details is not None:
            waves = self.details.waves(images.detach()).requires_grad_()
            costs["details"], scores = _of_details(self.details, waves, labels, fakes)
            costs["detail_penalty"] = self._penalty(scores, waves)
        return costs, readings

    def of_generator(self, images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor) -> Scalars:
        """Return the costs of the generator."""
        output = self.critic(fakes, labels)
        costs = {"score": gk.losses.generator_loss(OBJECTIVE, output.scores)}
        if labels is not None:
            costs["classes"] = self.options.class_weight * gk.losses.class_loss(output.classes, labels)
        if self.details is not None:
            scores = self.details(self.details.waves(fakes), labels)
            costs["details"] = self.options.detail_weight * gk.losses.generator_loss(OBJECTIVE, scores)
        if self.options.color_weight:
            distance = gk.losses.energy_distance_loss(*map(of_all_ranks, (_colors(images), _colors(fakes))))
            costs["colors"] = self.options.color_weight * distance
        return costs

    def formulas_of_critic(self, *, labeled: bool) -> dict[str, str]:
        """Return the formula of each cost of the critic."""
        penalty = f"0.5 * {number(self.options.penalty_weight)} * {PENALTY_EVERY} * mean"
        rarely = f", at every {PENALTY_EVERY}th update"
        formulas = {"score": critic_formula(OBJECTIVE), "penalty": f"{penalty}(|grad D(real)|^2){rarely}"}
        if labeled:
            formulas["classes"] = "CE(classes of real, labels)"
        if self.details is not None:
            formulas["details"] = critic_formula(OBJECTIVE, "E(real)", "E(fake)")
            formulas["detail_penalty"] = f"{penalty}(|grad E(real)|^2){rarely}"
        return formulas

    def formulas_of_generator(self, *, labeled: bool) -> dict[str, str]:
        """Return the formula of each cost of the generator."""
        formulas = {"score": generator_formula(OBJECTIVE)}
        if labeled:
            formulas["classes"] = weighted(self.options.class_weight, "CE(classes of fake, labels)")
        if self.details is not None:
            formulas["details"] = weighted(self.options.detail_weight, generator_formula(OBJECTIVE, "E(fake)"))
        if self.options.color_weight:
            formulas["colors"] = weighted(self.options.color_weight, "distance(colors of real, colors of fake)")
        return formulas

    def _of_critic(
        self, images: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor
    ) -> tuple[dict[str, torch.Tensor], Scalars, torch.Tensor]:
        real, fake = self.critic(images, labels), self.critic(fakes.detach(), labels)
        costs = {"score": _critic_loss(real.scores, fake.scores)}
        if labels is not None:
            costs["classes"] = gk.losses.class_loss(real.classes, labels)
        return costs, score_readings({"real": real.scores, "fake": fake.scores}), real.scores

    def _penalty(self, scores: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        slope = gk.constraints.score_gradient(scores, points)  # of the same forward pass as the loss
        return 0.5 * self.options.penalty_weight * PENALTY_EVERY * slope.flatten(1).square().sum(1).mean()


def _critic_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return gk.losses.critic_loss(OBJECTIVE, real, fake)


def _of_details(
    details: DetailCritic, waves: torch.Tensor, labels: torch.Tensor | None, fakes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the cost of the critic of details, given the waves of real pictures, and their scores."""
    scores = details(waves, labels)
    return _critic_loss(scores, details(details.waves(fakes.detach()), labels)), scores


def _colors(images: torch.Tensor) -> torch.Tensor:
    """Return brightness and two differences of color (orthonormal) of about 8 x 8 cells, in float32."""
    cells = functional.avg_pool2d(widened(images), max(1, images.shape[-1] // CELLS))
    with without_autocast(images):
        return torch.einsum("oc,nchw->nohw", cells.new_tensor(OPPONENT_COLORS), cells)
