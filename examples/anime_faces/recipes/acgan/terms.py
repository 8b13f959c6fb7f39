"""What the two networks of report E are trained for."""

from dataclasses import dataclass

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes._cost_names import cost_names
from examples.anime_faces.recipes.acgan.networks import LATENTS, in_evaluation_mode
from examples.anime_faces.recipes.acgan.options import Options
from examples.anime_faces.systems import Condition, Description, Networks, Scalars, score_readings

SOFTNESS = 0.2

OBJECTIVE = gk.losses.Logistic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of all updates, pure functions of a batch ``(images, labels)``.

    Args:
        generator: The generator.
        drawing: What draws the critic's fakes: the generator, or its form in evaluation mode.
        critic: The critic.
        condition: The labels.
        names: Names of the class losses.
        options: The weights, and how fakes are drawn.
    """

    generator: nn.Module
    drawing: nn.Module
    critic: nn.Module
    condition: Condition
    names: list[str]
    options: Options

    @classmethod
    def of(cls, networks: Networks, description: Description, options: Options) -> "Terms":
        """Return the terms of networks that are built."""
        generator = networks["generator"]
        return cls(
            generator=generator,
            drawing=in_evaluation_mode(generator) if options.fakes == "predict" else generator,
            critic=networks["critic"],
            condition=description.condition,
            names=cost_names(description.attributes),
            options=options,
        )

    def real(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Recognize real pictures and their classes: the critic's first step."""
        output = self.critic(images)
        return self._of_real(output, images, labels), score_readings({"real": output.scores})

    def fake(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Recognize generated pictures and their classes: the critic's second step."""
        fakes, labels = self._fakes(images, labels)
        output = self.critic(fakes)
        return self._of_fakes(output, images, labels), score_readings({"fake": output.scores})

    def mixed(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Do both in one step, on one batch, so that batch norms see real and generated pictures together."""
        fakes, fake_labels = self._fakes(images, labels)
        both, count = self.critic(torch.cat([images, fakes])), len(images)
        real = gk.networks.CriticOutput(both.scores[:count], tuple(logits[:count] for logits in both.classes))
        fake = gk.networks.CriticOutput(both.scores[count:], tuple(logits[count:] for logits in both.classes))
        costs = {f"real {name}": cost for name, cost in self._of_real(real, images, labels).items()}
        costs |= {f"fake {name}": cost for name, cost in self._of_fakes(fake, images, fake_labels).items()}
        return costs, score_readings({"real": real.scores, "fake": fake.scores})

    def of_generator(self, images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        """Draw a whole batch that is taken for real, with its classes."""
        options = self.options
        labels = self._labels_of_fakes(images, labels, repeat=1 if options.critic_batches == "full" else 2)
        output = self.critic(self._drawn(self.generator, images, labels))
        soft = 1 - _softness(images, len(labels))
        return self._weighed(
            output, soft, labels, score=options.generator_score_weight, classes=options.generator_class_weight or None
        )

    def _of_real(self, output: gk.networks.CriticOutput, images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        options, soft = self.options, 1 - _softness(images, len(images))
        return self._weighed(output, soft, labels, score=options.score_weight, classes=options.class_weight)

    def _of_fakes(self, output: gk.networks.CriticOutput, images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        options, soft = self.options, _softness(images, len(images))
        classes = options.class_weight if options.fake_class_weight == "auto" else options.fake_class_weight or None
        return self._weighed(output, soft, labels, score=options.score_weight, classes=classes)

    def _weighed(
        self,
        output: gk.networks.CriticOutput,
        soft: torch.Tensor,
        labels: torch.Tensor,
        *,
        score: float,
        classes: float | None,
    ) -> Scalars:
        """Return the loss of the scores, and those of the classes; with None there are none."""
        costs = {"score": score * gk.losses.labeled_loss(OBJECTIVE, output.scores, soft)}
        if classes is None:
            return costs
        for index, name in enumerate(self.names):
            costs[name] = classes * gk.losses.class_loss(output.classes[index], labels[:, index])
        return costs

    def _fakes(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        labels = self._labels_of_fakes(images, labels, repeat=1)
        with torch.no_grad():
            return self._drawn(self.drawing, images, labels), labels

    def _labels_of_fakes(self, images: torch.Tensor, labels: torch.Tensor, *, repeat: int) -> torch.Tensor:
        if self.options.fake_labels == "data":
            return labels.repeat(repeat, 1)
        return self.condition.draw(repeat * len(images), device=images.device)

    @staticmethod
    def _drawn(generator: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        latents = gk.latents.normal_latents(len(labels), LATENTS, device=images.device, dtype=images.dtype)
        return generator(latents, labels)


def _softness(images: torch.Tensor, count: int) -> torch.Tensor:
    return SOFTNESS * torch.rand(count, device=images.device, dtype=images.dtype)
