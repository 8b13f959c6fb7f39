"""What the two networks of `r3gan` are trained for."""

import torch

import gankit as gk
from examples.anime_faces.recipes.r3gan.networks import LATENTS
from examples.anime_faces.recipes.r3gan.options import Options
from examples.anime_faces.recipes.r3gan.plan import Plan
from examples.anime_faces.systems import Networks, Scalars, score_readings

OBJECTIVE = gk.losses.Logistic()
CHANGES = gk.augment.Composed(parts=(gk.augment.GeometricTransformation(), gk.augment.Cutout()))
MIRROR = gk.augment.HorizontalFlip()


class Terms:
    """The terms of both updates, pure functions of a batch of pictures and labels, and the numbers that the plan fills in.

    Args:
        networks: The generator and the critic, on their device.
        options: What is mirrored and augmented.
        plan: The numbers of each step.

    Attributes:
        gamma: The weight of R1 and R2 at this step, 0-d.
        strength: The probability of each change of a picture at this step, 0-d.
    """

    def __init__(self, networks: Networks, options: Options, plan: Plan) -> None:
        self._generator, self._critic, self._options, self._plan = (
            networks["generator"],
            networks["critic"],
            options,
            plan,
        )
        like = next(self._critic.parameters())
        self.gamma, self.strength = like.new_zeros(()), like.new_zeros(())

    def plan(self, step: int) -> None:
        """Fill in the numbers of a step."""
        self.gamma.fill_(self._plan.penalty_weight(step))
        self.strength.fill_(self._plan.augmentation(step))

    def prepare(self, batch: tuple[torch.Tensor, torch.Tensor | None]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Mirror half of the pictures."""
        images, labels = batch
        return (MIRROR(images) if self._options.mirrored else images), labels

    def critic(self, images: torch.Tensor, labels: torch.Tensor | None) -> tuple[Scalars, Scalars]:
        """Score each real picture above a generated one with the same labels, with a small slope at both."""
        with torch.no_grad():
            fakes = self._drawn(images, labels)
        images, fakes = images.detach().requires_grad_(), fakes.requires_grad_()
        real, fake = self._scores(images, labels), self._scores(fakes, labels)
        costs = {
            "score": gk.losses.paired_critic_loss(OBJECTIVE, real, fake),
            "r1": self._penalty(real, images),
            "r2": self._penalty(fake, fakes),
        }
        readings = score_readings({"real": real, "fake": fake}, relative=True)
        return costs, {**readings, "plan/gamma": self.gamma.clone()}

    def generator(self, images: torch.Tensor, labels: torch.Tensor | None) -> Scalars:
        """Draw pictures that are scored above the real ones with the same labels."""
        with torch.no_grad():
            real = self._scores(images, labels)
        fake = self._scores(self._drawn(images, labels), labels)
        return {"score": gk.losses.paired_generator_loss(OBJECTIVE, real, fake)}

    def _drawn(self, images: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        latents = gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return self._generator(latents, labels).to(images.dtype)

    def _scores(self, images: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """Return the scores of pictures as the critic sees them."""
        return self._critic(CHANGES(images, strength=self.strength) if self._options.augmentation else images, labels)

    def _penalty(self, scores: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        """Return the penalty at pictures that are not changed yet, of the same forward pass as the loss."""
        slope = gk.constraints.score_gradient(scores, images)
        return 0.5 * self.gamma * slope.flatten(1).square().sum(1).mean()
