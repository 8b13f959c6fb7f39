"""Report B: a generator of gray pictures, and a second one that colors them.

Source: report B, which splits its text-to-image system into two networks because colors are spread very unevenly over the
pictures, and names the idea only. Here:

1. A gray generator after Jin et al. 2017 (arXiv 1708.05509), the paper that report B builds on, with one channel: it draws
   from noise and tags, and its critic scores gray pictures and predicts their tags. Losses: with n tags, n times cross-entropy
   for the scores, plus the sum of cross-entropies of the tags; the critic's gradient penalty of DRAGAN has weight 0.5.
2. A U-Net after Isola et al. 2017 (pix2pix) that colors a gray picture, given its tags. Its critic scores patches of colored
   pictures beside the gray ones and the tags. It learns from real pictures and their gray forms: cross-entropy plus 100 times
   the mean absolute difference of pixels. In the last quarter of the run its critic compares real pictures with what it makes
   of pictures of the gray generator, which it meets when it draws; the difference of pixels is that of real pictures still.

Gray is 0.299 R + 0.587 G + 0.114 B. Both pairs are trained side by side, and the gray generator never gets gradients through
the second one. Adam with learning rate 2e-4 and betas 0.5 and 0.999 for all four; one critic update per round.

Differences:

- The report's system is a WGAN-GP with several critic updates per round; here both pairs have the losses of their papers.
- The critic of gray pictures starts from He's rule, so that narrow ones learn too, and learns tags from real pictures only, as
  is advised today; the paper's learns them from generated ones too. Tags of generated pictures are those of the batch, where
  the paper draws them. The paper's learning rate falls after 50,000 rounds.
- pix2pix drops values when it draws too; here only in training.
- Samples come from averages of both generators; the grids show them without averaging beside it.

Data: pictures with at least one tag; several classes of an attribute may be set; any size that is 4 to 7 doubled a few times
and divisible by 4.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes._make_girls_moe import LATENTS
from examples.anime_faces.recipes.gray_then_color.networks import networks
from examples.anime_faces.recipes.gray_then_color.options import Options
from examples.anime_faces.systems import (
    AnyTag,
    Description,
    Networks,
    Recipe,
    Scalars,
    Side,
    System,
    always,
    columns_after,
    critic_formula,
    generator_formula,
    luminance,
    rows_after,
    score_readings,
    weighted,
)


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put both pairs together; the coloring one changes its terms near the end of the run."""
    tags = sum(description.classes)
    first_generated = steps - round(options.fine_tuned_share * steps)
    gray, color = GrayTerms(networks, options), ColorTerms(networks, options)
    inmost = networks["color"].get_parameter("up.0.1.weight")
    adam = partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.999))

    def turn(step: int) -> str:
        return "generated" if step >= first_generated else "real"

    return System(
        critic={
            "gray": Side(
                network=networks["gray critic"],
                optimizer=adam,
                terms=gray.critic,
                formulas=gray.formulas_of_critic(tags),
            ),
            "color": Side(
                network=networks["color critic"],
                optimizer=adam,
                terms={"real": color.critic_of_real, "generated": color.critic_of_generated},
                turn=turn,
                formulas=color.formulas_of_critic,
            ),
        },
        generator={
            "gray": Side(
                network=networks["gray"],
                optimizer=adam,
                terms=gray.generator,
                formulas=gray.formulas_of_generator(tags),
            ),
            "color": Side(
                network=networks["color"],
                optimizer=adam,
                terms={"real": color.generator_of_real, "generated": color.generator_of_generated},
                turn=turn,
                formulas=color.formulas_of_generator,
            ),
        },
        batch_size=options.batch_size,
        notation=NOTATION,
        constants={"first step in which drawn gray pictures are colored": first_generated},
        condition_weights={
            "gray": [columns_after(networks["gray"].get_parameter("stem.0.weight"), LATENTS)],
            "color": [rows_after(inmost, len(inmost) - tags)],
        },
    )


NOTATION = {
    "gray": "the gray form of a real picture",
    "drawn": "a gray picture of the gray generator",
    "C(picture)": "what the coloring generator makes of a gray picture, given its tags",
    "P(gray, picture)": "scores of the patches of a picture, beside the gray one and its tags",
}
LOGISTIC = gk.losses.Logistic()


class GrayTerms:
    """The terms of the gray generator and of its critic."""

    def __init__(self, networks: Networks, options: Options) -> None:
        self._generator, self._critic, self._options = networks["gray"], networks["gray critic"], options

    def critic(self, images: torch.Tensor, tags: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Classify gray pictures as real or drawn, and predict their tags."""
        with torch.no_grad():
            fakes = drawn_gray(self._generator, images, tags)
        grays = luminance(images)
        real, fake = self._critic(grays), self._critic(fakes)
        penalty = gk.constraints.dragan_penalty(lambda points: self._critic(points).scores, grays)
        costs = {
            "score": tags.shape[1] * gk.losses.critic_loss(LOGISTIC, real.scores, fake.scores),
            "tags": gk.losses.multi_label_loss(real.classes, [tags]),
            "penalty": self._options.penalty_weight * penalty,
        }
        return costs, score_readings({"real": real.scores, "fake": fake.scores})

    def generator(self, images: torch.Tensor, tags: torch.Tensor) -> Scalars:
        """Draw gray pictures that are taken for real, with their tags."""
        output = self._critic(drawn_gray(self._generator, images, tags))
        return {
            "score": tags.shape[1] * gk.losses.generator_loss(LOGISTIC, output.scores),
            "tags": gk.losses.multi_label_loss(output.classes, [tags]),
        }

    def formulas_of_critic(self, tags: int) -> dict[str, str]:
        """Return the formula of each cost of the critic, for a number of tags."""
        return {
            "score": weighted(tags, critic_formula(LOGISTIC, "D(gray)", "D(drawn)")),
            "tags": "BCE(tags of gray, tags in the data)",
            "penalty": weighted(self._options.penalty_weight, "mean((|grad D(around)| - 1)^2)"),
        }

    def formulas_of_generator(self, tags: int) -> dict[str, str]:
        """Return the formula of each cost of the generator."""
        return {
            "score": weighted(tags, generator_formula(LOGISTIC, "D(drawn)")),
            "tags": "BCE(tags of drawn, requested tags)",
        }


class ColorTerms:
    """The terms of the coloring generator and of its critic, for gray forms of real pictures and for drawn ones."""

    def __init__(self, networks: Networks, options: Options) -> None:
        self._gray, self._color, self._critic = networks["gray"], networks["color"], networks["color critic"]
        self._options = options

    @property
    def formulas_of_critic(self) -> dict[str, str]:
        """The formula of each cost of the critic in both kinds of updates."""
        return {
            "real/score": critic_formula(LOGISTIC, "P(gray, real)", "P(gray, C(gray))"),
            "generated/score": critic_formula(LOGISTIC, "P(gray, real)", "P(drawn, C(drawn))"),
        }

    @property
    def formulas_of_generator(self) -> dict[str, str]:
        """The formula of each cost of the generator in both kinds of updates."""
        return {
            "real/score": generator_formula(LOGISTIC, "P(gray, C(gray))"),
            "generated/score": generator_formula(LOGISTIC, "P(drawn, C(drawn))"),
            "pixels": weighted(self._options.pixel_weight, "mean(|C(gray) - real|)"),
        }

    def critic_of_real(self, images: torch.Tensor, tags: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Distinguish real pictures from what is made of their gray forms."""
        return self._told_apart(images, luminance(images), tags)

    def critic_of_generated(self, images: torch.Tensor, tags: torch.Tensor) -> tuple[Scalars, Scalars]:
        """Distinguish real pictures from what is made of drawn gray ones."""
        with torch.no_grad():
            drawn = drawn_gray(self._gray, images, tags)
        return self._told_apart(images, drawn, tags)

    def generator_of_real(self, images: torch.Tensor, tags: torch.Tensor) -> Scalars:
        """Color gray forms of real pictures as they were, and so that they are taken for real."""
        grays = luminance(images)
        colored = self._color(grays, tags)
        return {"score": self._score(grays, colored, tags), "pixels": self._pixels(colored, images)}

    def generator_of_generated(self, images: torch.Tensor, tags: torch.Tensor) -> Scalars:
        """Color drawn gray pictures so that they are taken for real, and gray forms of real ones as they were."""
        with torch.no_grad():
            drawn = drawn_gray(self._gray, images, tags)
        return {
            "score": self._score(drawn, self._color(drawn, tags), tags),
            "pixels": self._pixels(self._color(luminance(images), tags), images),
        }

    def _told_apart(self, images: torch.Tensor, to_color: torch.Tensor, tags: torch.Tensor) -> tuple[Scalars, Scalars]:
        with torch.no_grad():
            colored = self._color(to_color, tags)
        real, fake = self._critic(luminance(images), images, tags), self._critic(to_color, colored, tags)
        costs = {"score": gk.losses.critic_loss(LOGISTIC, real, fake)}
        return costs, score_readings({"real in color": real, "fake in color": fake})

    def _score(self, grays: torch.Tensor, colored: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        return gk.losses.generator_loss(LOGISTIC, self._critic(grays, colored, tags))

    def _pixels(self, colored: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        return self._options.pixel_weight * (colored - images).abs().mean()


def drawn_gray(generator: torch.nn.Module, images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
    """Draw as many gray pictures as there are real ones, with their tags."""
    latents = gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
    return generator(latents, tags).to(images.dtype)


RECIPE = Recipe(
    description="Report B: one generator draws gray pictures, and a second one colors them.",
    steps=20_000,
    report="B",
    data="pictures with at least one label; several may be set",
    conditioning=always(AnyTag()),
    networks=networks,
    system=system,
)
