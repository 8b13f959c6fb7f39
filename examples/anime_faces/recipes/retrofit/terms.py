"""What the two networks of `retrofit` are trained for."""

from dataclasses import dataclass

import torch

import gankit as gk
from examples.anime_faces.recipes._cost_names import cost_names
from examples.anime_faces.recipes.acgan.networks import LATENTS
from examples.anime_faces.recipes.retrofit.augmentation import AdaptiveAugmentation
from examples.anime_faces.recipes.retrofit.options import Options
from examples.anime_faces.systems import Description, Networks, Scalars, score_readings, warning_expected

OBJECTIVE = gk.losses.Logistic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of all updates, pure functions of a batch of pictures and labels.

    Generated pictures get the labels of the real ones, so that both have the same distribution.

    Args:
        networks: The generator and the critic, on their device.
        description: Which attributes there are, and the size of pictures.
        options: The weights.
        augmented: Changes pictures before the critic sees them.
    """

    networks: Networks
    description: Description
    options: Options
    augmented: AdaptiveAugmentation

    def main(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Classify pictures as real or generated, and predict classes."""
        options = self.options
        with torch.no_grad():
            fakes = self._drawn(images, labels)
        real, fake = self._output(images), self._output(fakes)
        score = options.score_weight * gk.losses.critic_loss(OBJECTIVE, real.scores, fake.scores)
        costs = {"score": score} | self._class_costs(real, labels, options.class_weight)
        if options.fake_class_weight:
            of_fakes = self._class_costs(fake, labels, options.fake_class_weight)
            costs |= {f"fake {name}": cost for name, cost in of_fakes.items()}
        means = score_readings({"real": real.scores, "fake": fake.scores})
        return costs, {**means, **self.augmented.readings(real.scores.detach())}

    def penalty(self, images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        """Return R1, with respect to pictures before they are changed, for a step of its own."""
        del labels
        weight = 0.5 * self.options.penalty_weight_for(self.description.size) * self.options.penalty_every
        with warning_expected("batch normalization .* couples the samples"):  # --critic-norm speaks of it
            penalty = gk.constraints.zero_centered_penalty(lambda points: self._output(points).scores, images)
        return {"R1": weight * penalty}

    def of_generator(self, images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        """Draw pictures that are taken for real, with their classes."""
        output = self._output(self._drawn(images, labels))
        costs = {"score": gk.losses.generator_loss(OBJECTIVE, output.scores)}
        return costs | self._class_costs(output, labels, self.options.generator_class_weight)

    def _output(self, images: torch.Tensor) -> gk.networks.CriticOutput:
        return self.networks["critic"](self.augmented(images))

    def _drawn(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        latents = gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return self.networks["generator"](latents, labels)

    def _class_costs(
        self, output: gk.networks.CriticOutput, labels: torch.Tensor, weight: float
    ) -> dict[str, torch.Tensor]:
        return {
            name: weight * gk.losses.class_loss(output.classes[index], labels[:, index])
            for index, name in enumerate(cost_names(self.description.attributes))
        }
