"""What the two networks of `reacgan` are trained for."""

from dataclasses import dataclass

import torch

import gankit as gk
from examples.anime_faces.recipes._cost_names import cost_names
from examples.anime_faces.recipes.reacgan.networks import Classes, latents_of
from examples.anime_faces.recipes.reacgan.options import Options
from examples.anime_faces.systems import Description, Networks, Scalars, score_readings

OBJECTIVE = gk.losses.Hinge()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of both updates, pure functions of a batch of pictures and labels.

    Args:
        networks: The generator and the critic, on their device.
        description: Which attributes there are.
        options: The weights.
    """

    networks: Networks
    description: Description
    options: Options

    def critic(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Classify pictures as real or generated, and place real ones on the spheres by their classes."""
        critic = self.networks["critic"]
        with torch.no_grad():
            fakes = self._drawn(images, labels)
        real, fake = critic(images), critic(fakes)
        costs = {"score": gk.losses.critic_loss(OBJECTIVE, real.scores, fake.scores)}
        readings = score_readings({"real": real.scores, "fake": fake.scores})
        return costs | self._class_costs(real.classes, labels), readings

    def generator(self, images: torch.Tensor, labels: torch.Tensor) -> Scalars:
        """Draw pictures that are taken for real, and lie where pictures of their classes do."""
        output = self.networks["critic"](self._drawn(images, labels))
        return {"score": gk.losses.generator_loss(OBJECTIVE, output.scores)} | self._class_costs(output.classes, labels)

    def _drawn(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        features = latents_of(self.description.size)
        latents = gk.latents.normal_latents(len(images), features, device=images.device, dtype=images.dtype)
        return self.networks["generator"](latents, labels)

    def _class_costs(self, classes: Classes, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the weighted loss of each attribute, by its name."""
        options = self.options
        return {
            name: options.class_weight
            * gk.losses.data_to_data_loss(
                embeddings,
                proxies,
                labels[:, index],
                temperature=options.temperature,
                positive_margin=options.margin,
            )
            for index, (name, (embeddings, proxies)) in enumerate(
                zip(cost_names(self.description.attributes), classes, strict=True)
            )
        }
