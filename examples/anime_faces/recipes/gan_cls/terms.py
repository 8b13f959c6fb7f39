"""What the two networks of `gan_cls` are trained for, and the batch that both share."""

from dataclasses import dataclass
from typing import cast

import torch

import gankit as gk
from examples.anime_faces.recipes.gan_cls.cheat import Deception
from examples.anime_faces.recipes.gan_cls.networks import LATENTS, GanClsGenerator
from examples.anime_faces.recipes.gan_cls.options import Options
from examples.anime_faces.systems import (
    Networks,
    Scalars,
    from_unit_range,
    of_one_rank,
    score_readings,
    to_unit_range,
)

OBJECTIVE = gk.losses.Logistic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of both updates, pure functions of a batch ``(images, texts, other_texts, latents)``, and what makes it.

    Args:
        networks: The generator and the critic, on their device.
        options: The weights.
        deception: What makes the critic take some generated pictures for real ones.
    """

    networks: Networks
    options: Options
    deception: Deception

    @property
    def generator(self) -> GanClsGenerator:
        """The generator."""
        return cast("GanClsGenerator", self.networks["generator"])

    def prepare(self, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Set the texts apart that only the generator is given, and add the noise of the critic's fakes."""
        images, texts = batch
        if not self.options.fresh_texts:
            return images, texts, texts, _latents(texts, images.dtype)
        size = of_one_rank(self.options.batch_size)
        # The batch has at least two different texts, but its first rows may not: then the last of them gives way.
        other = (texts != texts[:1]).any(dim=1).int().argmax().clamp(min=size - 1)
        rows = torch.cat([torch.arange(size - 1, device=texts.device), other.reshape(1)])
        return images[rows], texts[rows], texts[size:], _latents(texts[rows], images.dtype)

    def critic(
        self, images: torch.Tensor, texts: torch.Tensor, other_texts: torch.Tensor, latents: torch.Tensor
    ) -> tuple[Scalars, Scalars]:
        """Separate real pictures with their texts from those with another text, and from generated ones."""
        del other_texts
        critic, options = self.networks["critic"], self.options
        with torch.no_grad():
            fake = self.generator(latents, texts)
        real = to_unit_range(images)
        mismatched = real[gk.losses.mismatched_indices(texts)]
        real = self.deception.mixed(real, fake)
        if options.r1:
            real = real.detach().requires_grad_()
        pairs = {"real": real, "mismatched": mismatched, "fake": fake}
        scores = {name: critic(pictures, texts) for name, pictures in pairs.items()}
        weight = 1.0 if options.literal else 0.5
        costs = {
            "score": gk.losses.matching_aware_critic_loss(
                OBJECTIVE,
                **scores,
                mismatched_weight=weight,
                fake_weight=weight,
                balanced=not options.literal,
                fake_labels=self.deception.labels(scores["fake"]),
            )
        }
        if options.r1:
            slope = gk.constraints.score_gradient(scores["real"], real)
            costs["penalty"] = 0.5 * options.r1 * slope.flatten(1).square().sum(1).mean()
        probabilities = {f"scores/{name}": of.detach().sigmoid().mean() for name, of in scores.items()}
        return costs, {**score_readings(scores), **probabilities, **self.deception.readings(scores["real"])}

    def of_generator(
        self, images: torch.Tensor, texts: torch.Tensor, other_texts: torch.Tensor, latents: torch.Tensor
    ) -> Scalars:
        """Draw pictures that match their texts, with small weights of the text; where it is requested, varied ones."""
        options = self.options
        if options.fresh_texts:
            texts = other_texts[torch.randperm(len(other_texts), device=texts.device)[: len(images)]]
        if not options.literal:
            latents = _latents(texts, images.dtype)
        judged = texts
        if options.mode_seeking:  # two pictures of each text, both scored
            latents, judged = torch.cat([latents, _latents(texts, images.dtype)]), texts.repeat(2, 1)
        fake = self.generator(latents, texts)
        costs = {"score": gk.losses.generator_loss(OBJECTIVE, self.networks["critic"](fake, judged))}
        weight = self.generator.projection.linear.weight
        if options.beta:
            costs["text weights"] = 0.5 * options.beta * gk.constraints.weight_penalty(weight)
        if isinstance(augmentation := self.generator.projection, gk.embedders.ConditioningAugmentation):
            divergence = gk.losses.conditioning_kl_loss(*augmentation.distribution(texts))
            costs["condition"] = options.kl_weight / augmentation.out_features * divergence
        if options.mode_seeking:
            pictures, noises = from_unit_range(fake).chunk(2), latents.chunk(2)
            costs["modes"] = options.mode_seeking * gk.losses.mode_seeking_loss(*pictures, *noises)
        return costs


def _latents(texts: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return gk.latents.normal_latents(len(texts), LATENTS, device=texts.device, dtype=dtype)
