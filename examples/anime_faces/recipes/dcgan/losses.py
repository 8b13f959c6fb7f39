"""Report B's losses: those that it writes, and the terms of both updates for any objective."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.dcgan.networks import LATENTS
from examples.anime_faces.systems import Costs, Networks, Scalars, costs_of, score_readings, warning_expected

Labels = Callable[[torch.Tensor], torch.Tensor]
CriticTerms = Callable[[torch.Tensor, None], tuple[Scalars, Scalars]]
GeneratorTerms = Callable[[torch.Tensor, None], Scalars]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearProbability:
    """The losses of report B as it writes them, without logarithms: D(x) is the sigmoid of the score.

    The report's critic maximizes E[D(x)] + E[1 - D(G(z))]; its costs here are 1 - D for real pictures and D for generated
    ones. The gradient of D vanishes where the critic is sure, also where it is surely wrong, so that it does not learn from
    its worst mistakes: at a score of 6 for a generated picture the slope is 0.0025, and that of cross-entropy is 0.9975.

    Args:
        reversed_sign: Give the generator the cost D(G(z)) to lower, as the report writes. It then learns to be recognized.
            Default: 1 - D(G(z)).
    """

    reversed_sign: bool = False

    def real(self, scores: torch.Tensor) -> torch.Tensor:
        """Return 1 - D."""
        return torch.sigmoid(-scores.float())

    def fake(self, scores: torch.Tensor) -> torch.Tensor:
        """Return D."""
        return torch.sigmoid(scores.float())

    def generator(self, scores: torch.Tensor) -> torch.Tensor:
        """Return 1 - D, or D with the report's sign."""
        return self.fake(scores) if self.reversed_sign else self.real(scores)


def critic_terms(
    networks: Networks,
    objective: gk.losses.Objective,
    *,
    real_labels: Labels | None = None,
    fake_labels: Labels | None = None,
    relative: bool = False,
) -> CriticTerms:
    """Return the terms of the critic: real pictures and generated ones, each as a batch of its own.

    Args:
        networks: The generator and the critic.
        objective: The cost of one score.
        real_labels: Makes the labels of real scores. None: 1.
        fake_labels: Makes the labels of scores of generated pictures. None: 0.
        relative: Whether the objective only compares scores; see `score_readings`.
    """
    generator, critic = networks["generator"], networks["critic"]

    def terms(images: torch.Tensor, condition: None) -> tuple[Scalars, Scalars]:
        del condition
        with torch.no_grad():
            fakes = drawn(generator, images)
        real, fake = critic(images), critic(fakes)
        with warning_expected(".* must lie in 0..1, got some outside"):  # the recipe's note speaks of it
            loss = gk.losses.critic_loss(
                objective,
                real,
                fake,
                real_labels=None if real_labels is None else real_labels(real),
                fake_labels=None if fake_labels is None else fake_labels(fake),
            )
        return {"score": loss}, score_readings({"real": real, "fake": fake}, relative=relative)

    return terms


def generator_terms(networks: Networks, objective: gk.losses.Objective) -> GeneratorTerms:
    """Return the terms of the generator."""
    generator, critic = networks["generator"], networks["critic"]

    def terms(images: torch.Tensor, condition: None) -> Scalars:
        del condition
        return {"score": gk.losses.generator_loss(objective, critic(drawn(generator, images)))}

    return terms


def drawn(generator: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Draw as many pictures as there are real ones."""
    return generator(gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype))


def costs_in_words(objective: gk.losses.Objective) -> Costs:
    """Return the costs of a score as formulas."""
    if not isinstance(objective, LinearProbability):
        return costs_of(objective)
    real, fake = "1 - sigmoid({})", "sigmoid({})"
    return Costs(real, fake, fake if objective.reversed_sign else real)
