"""What the two networks of `tags_wgan_gp` are trained for, and their losses on pictures that no update has used yet."""

from dataclasses import dataclass

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.recipes.tags_wgan_gp.networks import LATENTS
from examples.anime_faces.recipes.tags_wgan_gp.options import Options
from examples.anime_faces.systems import Networks, Scalars, score_readings, warning_expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms of both updates, pure functions of a batch ``(images, tags)``, and what is measured between updates.

    Args:
        networks: The generator and the critic, on their device.
        options: The form and the weights.
    """

    networks: Networks
    options: Options

    def critic(self, images: torch.Tensor, tags: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Classify pictures as real or generated."""
        with torch.no_grad():
            fakes = self._drawn(images, tags).to(images.dtype)
        scores = {"real": self.networks["critic"](images, tags), "fake": self.networks["critic"](fakes, tags)}
        costs = self._critic_costs(scores, images, fakes, tags) | self._weights("critic")
        return costs, score_readings(scores, relative=not self.options.literal)

    def generator(self, images: torch.Tensor, tags: torch.Tensor) -> Scalars:
        """Draw pictures that are taken for real."""
        scores = self.networks["critic"](self._drawn(images, tags), tags)
        return {"score": gk.losses.generator_loss(self.objective, scores)} | self._weights("generator")

    def measure(self, images: torch.Tensor, tags: torch.Tensor) -> Scalars:
        """Return both losses on the same drawn pictures, without the weights' own, as the program logs them."""
        fakes = self._drawn(images, tags).to(images.dtype)
        scores = {"real": self.networks["critic"](images, tags), "fake": self.networks["critic"](fakes, tags)}
        costs = self._critic_costs(scores, images, fakes, tags)
        return {
            "fresh/critic": torch.stack(list(costs.values())).sum(),
            "fresh/generator": gk.losses.generator_loss(self.objective, scores["fake"]),
        }

    @property
    def objective(self) -> gk.losses.Objective:
        """The cost of a score: cross-entropy in the literal form, else the Wasserstein loss."""
        return gk.losses.Logistic() if self.options.literal else gk.losses.Wasserstein()

    def _drawn(self, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        latents = gk.latents.uniform_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return self.networks["generator"](latents, tags)

    def _critic_costs(
        self, scores: Scalars, images: torch.Tensor, fakes: torch.Tensor, tags: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        costs = {"score": gk.losses.critic_loss(self.objective, scores["real"], scores["fake"])}
        if self.options.constraint == "gp":
            costs["penalty"] = self.options.number("penalty_weight") * self._penalty(images, fakes, tags)
        return costs

    def _penalty(self, images: torch.Tensor, fakes: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        critic = self.networks["critic"]
        if not self.options.literal:
            return gk.constraints.gradient_penalty(lambda x: critic(x, tags), images, fakes)
        mix = torch.rand(1, 1, 1, 1, device=images.device, dtype=images.dtype).expand(len(images), 1, 1, 1)
        with warning_expected("batch normalization .* couples the samples"):  # the program did so
            return gk.constraints.gradient_penalty(lambda x: critic(x, tags), images, fakes, mix=mix)

    def _weights(self, name: str) -> dict[str, torch.Tensor]:
        """Return the cost of a network's weights, those of its layers and not their biases and shifts."""
        weight = self.options.number("l1_weight")
        return {"weights": weight * sum_of_absolute_weights(self.networks[name])} if weight else {}


def sum_of_absolute_weights(network: nn.Module) -> torch.Tensor:
    """Return the sum of the absolute values of all weights of convolutions and linear layers."""
    weights = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    return torch.stack([weight.float().abs().sum() for weight in weights]).sum()
