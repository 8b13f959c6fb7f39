"""What the two networks of `df_gan` are trained for, and the generated pictures that both share."""

from dataclasses import dataclass
from typing import cast

import torch

import gankit as gk
from examples.anime_faces.recipes.df_gan.networks import LATENTS, DFCritic, DFGenerator
from examples.anime_faces.recipes.df_gan.options import Options
from examples.anime_faces.systems import Networks, Scalars, score_readings

OBJECTIVE = gk.losses.Hinge()
POWER = 6
"""Of the norm of the gradient in the penalty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of both updates, pure functions of a batch ``(images, texts, fakes)``, and what makes this batch.

    Args:
        networks: The generator and the critic, on their device.
        options: The weights.
    """

    networks: Networks
    options: Options

    @property
    def _generator(self) -> DFGenerator:
        return cast("DFGenerator", self.networks["generator"])

    @property
    def _critic(self) -> DFCritic:
        return cast("DFCritic", self.networks["critic"])

    def prepare(self, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Add generated pictures of the same texts, with their graph: the critic and the generator share them."""
        images, texts = batch
        latents = gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return images, texts, self._generator(latents, texts)

    def critic(self, images: torch.Tensor, texts: torch.Tensor, fakes: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Separate real pictures with their texts from those with another text and from generated ones; stay flat."""
        critic = self._critic
        images, sentences = images.detach().requires_grad_(), critic.projection(texts)
        maps = critic.maps(images)
        real = critic.compare(maps, sentences)
        mismatched = critic.compare(maps[gk.losses.mismatched_indices(texts)], sentences)
        fake = critic.compare(critic.maps(fakes.detach()), sentences)
        by_image, by_sentence = gk.constraints.score_gradient(real, (images, sentences))
        squared_norms = by_image.flatten(1).square().sum(1) + by_sentence.square().sum(1)
        loss = gk.losses.matching_aware_critic_loss(
            OBJECTIVE, real, mismatched, fake, mismatched_weight=0.5, fake_weight=0.5, balanced=True
        )
        costs = {"score": loss, "penalty": self.options.penalty_weight * squared_norms.pow(POWER // 2).mean()}
        scores = {"real": real, "mismatched": mismatched, "fake": fake}
        return costs, score_readings(scores)

    def generator(self, images: torch.Tensor, texts: torch.Tensor, fakes: torch.Tensor) -> Scalars:
        """Draw pictures that match their texts, from conditions that are spread out."""
        del images
        costs = {"score": gk.losses.generator_loss(OBJECTIVE, self._critic(fakes, texts))}
        if self.options.conditioning_augmentation:
            divergence = gk.losses.conditioning_kl_loss(*self._generator.distribution(texts))
            costs["condition"] = self.options.kl_weight / self.options.augmented * divergence
        return costs
