"""What the two networks of `srresnet_acgan` are trained for, and the generated pictures that the critic sees."""

from dataclasses import dataclass

import torch

import gankit as gk
from examples.anime_faces.recipes._make_girls_moe import LATENTS
from examples.anime_faces.recipes.srresnet_acgan.options import Options
from examples.anime_faces.systems import (
    Description,
    Networks,
    Scalars,
    critic_formula,
    generator_formula,
    score_readings,
    weighted,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of both updates, pure functions of a batch ``(images, tags, fakes, fake_tags)``, and what makes this batch.

    Args:
        networks: The generator and the critic, on their device.
        description: Which tags there are.
        options: The objective and the weights.
        replay: The earlier pictures of the generator, with their tags.
    """

    networks: Networks
    description: Description
    options: Options
    replay: gk.training.Replay

    def prepare(self, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Add pictures of the generator to a batch: new ones, half of them replaced by earlier ones."""
        images, tags = batch
        fake_tags = self._tags_of_fakes(tags)
        with torch.no_grad():
            fakes = self._drawn(images, fake_tags)
        if self.options.replay:
            fakes, fake_tags = self.replay.half_batch(fakes, fake_tags)
        return images, tags, fakes, fake_tags

    def critic(
        self, images: torch.Tensor, tags: torch.Tensor, fakes: torch.Tensor, fake_tags: torch.Tensor
    ) -> tuple[Scalars, Scalars]:
        """Classify pictures as real or generated, and predict tags."""
        critic, options = self.networks["critic"], self.options
        real, fake = critic(images), critic(fakes)
        weight = options.score_weight_for(tags.shape[1])
        costs = {
            "score": weight * gk.losses.critic_loss(self._objective, real.scores, fake.scores),
            "tags": options.class_weight * gk.losses.multi_label_loss(real.classes, [tags]),
            "penalty": options.chosen("penalty_weight") * self._penalty(images, fakes),
        }
        if fake_weight := options.chosen("fake_class_weight"):
            costs["tags of fakes"] = fake_weight * gk.losses.multi_label_loss(fake.classes, [fake_tags])
        relative = options.objective == "wgan_gp"
        return costs, score_readings({"real": real.scores, "fake": fake.scores}, relative=relative)

    def generator(
        self, images: torch.Tensor, tags: torch.Tensor, fakes: torch.Tensor, fake_tags: torch.Tensor
    ) -> Scalars:
        """Draw new pictures that are taken for real, with their tags; earlier ones are for the critic alone."""
        del fakes, fake_tags
        times = self.options.form.generator_batches
        wanted = self._tags_of_fakes(tags.repeat(times, 1))
        output = self.networks["critic"](self._drawn(images, wanted))
        weight = self.options.score_weight_for(tags.shape[1])
        losses = gk.losses.multi_label_loss(output.classes, [wanted])
        return {
            "score": weight * gk.losses.generator_loss(self._objective, output.scores),
            "tags": self.options.chosen("generator_class_weight") * losses,
        }

    def formulas_of_critic(self, tags: int) -> dict[str, str]:
        """Return the formula of each cost of the critic, for a number of tags."""
        options = self.options
        point = "between" if options.objective == "wgan_gp" else "around"
        formulas = {
            "score": weighted(options.score_weight_for(tags), critic_formula(self._objective)),
            "tags": weighted(options.class_weight, "BCE(tags of real, tags in the data)"),
            "penalty": weighted(options.chosen("penalty_weight"), f"mean((|grad D({point})| - 1)^2)"),
        }
        if fake_weight := options.chosen("fake_class_weight"):
            formulas["tags of fakes"] = weighted(fake_weight, "BCE(tags of fake, requested tags)")
        return formulas

    def formulas_of_generator(self, tags: int) -> dict[str, str]:
        """Return the formula of each cost of the generator."""
        options = self.options
        return {
            "score": weighted(options.score_weight_for(tags), generator_formula(self._objective)),
            "tags": weighted(options.chosen("generator_class_weight"), "BCE(tags of fake, requested tags)"),
        }

    @property
    def _objective(self) -> gk.losses.Objective:
        return gk.losses.Wasserstein() if self.options.objective == "wgan_gp" else gk.losses.Logistic()

    def _penalty(self, images: torch.Tensor, fakes: torch.Tensor) -> torch.Tensor:
        def scores(points: torch.Tensor) -> torch.Tensor:
            return self.networks["critic"](points).scores

        if self.options.objective == "wgan_gp":
            return gk.constraints.gradient_penalty(scores, images, fakes)
        return gk.constraints.dragan_penalty(scores, images)

    def _drawn(self, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        latents = gk.latents.normal_latents(len(tags), LATENTS, device=images.device, dtype=images.dtype)
        asked = tags.clamp(min=0) if self.options.extra else tags  # of a second data set, tags may be unknown: -1
        return self.networks["generator"](latents, asked).to(images.dtype)

    def _tags_of_fakes(self, tags: torch.Tensor) -> torch.Tensor:
        if not self.options.draws_tags:
            return tags
        drawn = drawn_tags(self.description, tags, self.options.tag_probability)
        return torch.cat([drawn, tags[:, drawn.shape[1] :]], dim=1)  # as many of each data set as in the batch


def drawn_tags(description: Description, like: torch.Tensor, probability: float) -> torch.Tensor:
    """Draw a vector of tags for each row of another one.

    Of an attribute with several classes, such as colors of hair, each row has one, all with the same probability. The class of
    an attribute with a single one is a tag that excludes no other: it is there with a probability of its own.

    Args:
        description: The attributes.
        like: A tensor with as many rows; the result has its dtype and device.
        probability: Of a tag that excludes no other one.

    Returns:
        Zeros and ones ``(n, classes)``.
    """
    columns: list[torch.Tensor] = []
    for count in description.classes:
        if count == 1:
            columns.append(torch.rand(len(like), 1, device=like.device) < probability)
        else:
            ids = torch.randint(count, (len(like), 1), device=like.device)
            columns.append(ids == torch.arange(count, device=like.device))
    return torch.cat(columns, dim=1).to(like.dtype)
