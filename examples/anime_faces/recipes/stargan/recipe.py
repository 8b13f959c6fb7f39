"""Report B: StarGAN, which changes attributes of pictures.

Source: report B, which gives pictures to the published model of Choi et al. 2018 ("StarGAN: Unified Generative Adversarial
Networks for Multi-Domain Image-to-Image Translation", CVPR) and shows strips of the results. This recipe trains such a model,
after the program of the authors, which differs from their text in places. One generator gets a picture and a vector of the
attributes that the result should have; in training that of another picture of the batch. One critic scores patches and predicts
the vector. With D for the scores, the losses are

- of the critic: -E D(x) + E D(G(x, c)) + 10 times the gradient penalty + the class loss of real pictures;
- of the generator: -E D(G(x, c)) + the class loss of its pictures, for the requested vector, + 10 times the mean absolute
  difference between a picture and the one that is changed, and changed back to its own vector.

The class loss is sigmoid cross-entropy, summed over the vector and averaged over pictures. There are five critic updates, each
on a fresh batch of 16 pictures, before each of the generator's; half of the pictures are mirrored. Adam has learning rate 1e-4
and betas 0.5 and 0.999; the rate falls to 0 in the second half of the run. 40,000 rounds are the program's 200,000 iterations,
which count critic updates.

The layers are those of the program, with zeros around maps. Instance norm removes from a map what is constant, so that the
vector, which is constant over the picture, acts through the borders only: with reflected borders it would have no effect. The
program draws in training mode, where each picture is normalized by its own statistics; in evaluation mode its norms would take
running statistics, which give other pictures. The norms here take each picture's own statistics in both modes.

Differences:

- The learning rate falls at every round; the program lowers it at every 200th.
- Samples come from an average of the generator's weights; the grids show the generator without averaging beside it.
- The critic of other sizes than 128 has fewer or more stages: it halves pictures down to 2x2 or 3x3 (5x5 or 7x7 where these are
  odd). The program keeps six at all sizes.
- Pictures of attributes with many classes, such as the 12 hair colors of rendered faces, have zeros for those that the vector
  leaves out, as CelebA's people with gray hair or none have in the program.

Data: pictures with exactly one class of each attribute in the vector; `vector.py` says what the vector consists of. Any size
that is 4 to 7 doubled a few times and divisible by 4.
"""

from functools import partial
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes.stargan.conditioning import TargetLabels
from examples.anime_faces.recipes.stargan.networks import networks
from examples.anime_faces.recipes.stargan.options import Options
from examples.anime_faces.recipes.stargan.vector import target_vector
from examples.anime_faces.systems import (
    Description,
    Networks,
    Recipe,
    Scalars,
    Side,
    System,
    columns_after,
    critic_formula,
    generator_formula,
    score_readings,
    weighted,
)

OBJECTIVE = gk.losses.Wasserstein()
IMAGE_CHANNELS = 3


class Terms:
    """The terms of both updates, for a batch of pictures, their vectors, and the vectors that they are changed to."""

    def __init__(self, networks: Networks, options: Options) -> None:
        self._generator, self._critic, self._options = networks["generator"], networks["critic"], options

    def prepare(self, batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mirror pictures, and let each picture be changed to the vector of another one of the batch."""
        images, own = batch
        if self._options.mirrored:
            chance = torch.rand(len(images), 1, 1, 1, device=images.device)
            images = torch.where(chance < 0.5, images.flip(3), images)
        return images, own, own[torch.randperm(len(own), device=own.device)]

    def critic(self, images: torch.Tensor, own: torch.Tensor, wanted: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Classify pictures as real or changed, and predict the vectors of real ones."""
        with torch.no_grad():
            changed = self._generator(images, wanted).to(images.dtype)
        real, fake = self._critic(images), self._critic(changed)
        penalty = gk.constraints.gradient_penalty(lambda points: self._critic(points).scores, images, changed)
        costs = {
            "score": gk.losses.critic_loss(OBJECTIVE, real.scores, fake.scores),
            "classes": self._options.class_weight * gk.losses.multi_label_loss(real.classes, [own]),
            "penalty": self._options.penalty_weight * penalty,
        }
        return costs, score_readings({"real": real.scores, "fake": fake.scores}, relative=True)

    @property
    def formulas_of_critic(self) -> dict[str, str]:
        """The formula of each cost of the critic."""
        return {
            "score": critic_formula(OBJECTIVE),
            "classes": weighted(self._options.class_weight, "BCE(vector of real, its own)"),
            "penalty": weighted(self._options.penalty_weight, "mean((|grad D(between)| - 1)^2)"),
        }

    @property
    def formulas_of_generator(self) -> dict[str, str]:
        """The formula of each cost of the generator."""
        return {
            "score": generator_formula(OBJECTIVE),
            "classes": weighted(self._options.class_weight, "BCE(vector of fake, the requested one)"),
            "cycle": weighted(self._options.cycle_weight, "mean(|G(fake, own vector) - real|)"),
        }

    def generator(self, images: torch.Tensor, own: torch.Tensor, wanted: torch.Tensor) -> Scalars:
        """Change pictures so that they get high scores, have the requested vectors, and can be changed back."""
        changed = self._generator(images, wanted)
        output = self._critic(changed)
        returned = self._generator(changed, own)
        return {
            "score": gk.losses.generator_loss(OBJECTIVE, output.scores),
            "classes": self._options.class_weight * gk.losses.multi_label_loss(output.classes, [wanted]),
            "cycle": self._options.cycle_weight * (returned - images).abs().mean(),
        }


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put StarGAN together; learning rates follow the length of the run."""
    terms = Terms(networks, options)
    start = steps - round(options.decay_share * steps)
    rate = gk.schedules.Ramp(start=start, length=steps - start, initial=options.learning_rate, final=0.0)

    def side(**parts: Any) -> Side:
        adam = partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.999))
        return Side(optimizer=adam, learning_rate=rate, **parts)

    names = target_vector(description.attributes, options.targets).names
    return System(
        critic=side(network=networks["critic"], terms=terms.critic, formulas=terms.formulas_of_critic),
        generator=side(network=networks["generator"], terms=terms.generator, formulas=terms.formulas_of_generator),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(options.critic_steps)),
        batch_size=options.batch_size,
        prepare=terms.prepare,
        note=f"changes {', '.join(names)}",
        notation={"fake": "G(real, requested vector): a picture of the data, changed"},
        condition_weights={
            "generator": [columns_after(networks["generator"].get_parameter("main.0.weight"), IMAGE_CHANNELS)]
        },
    )


def conditioning(options: Options) -> TargetLabels:
    """Read the labels that the options name."""
    return TargetLabels(options.targets)


RECIPE = Recipe(
    description="Report B: StarGAN, which changes attributes of pictures.",
    steps=40_000,
    report="B",
    data="pictures with one class of each attribute that it changes",
    prepare="--binary-labels",
    conditioning=conditioning,
    networks=networks,
    system=system,
)
