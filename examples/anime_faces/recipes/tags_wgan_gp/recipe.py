"""Report C: pictures from a vector of tags, by "WGAN-GP".

Source: report C and its author's program. The condition is a multi-hot vector over all tags (23 for the course's data; the
report calls it one-hot), noise is U(-1, 1) with 100 numbers, five critic updates come before each of the generator's, the
gradient penalty has weight 10, Adam has learning rate 1e-4 and betas 0.5 and 0.9, 10,000 rounds.

Report and program differ, so there are two forms:

- corrected (the default) does what the report writes: the Wasserstein loss, one interpolation weight per picture, a fresh
  batch for each critic update, layer norm in the critic, because batch norm couples the pictures whose gradients the penalty
  measures one by one, and running statistics in the generator, so that a drawn picture does not depend on others.
- ``--literal`` does what the program did: cross-entropy on a sigmoid critic plus the penalty on its logit, one interpolation
  weight per batch, the same real batch for all five critic updates, batch norm in the critic. Both networks always normalize
  by their batch, so that a picture depends on those that are drawn with it.

The report also compares numbers of updates (``--critic-steps``, ``--generator-steps``) and their order
(``--generator-first``).

Differences from the report in both: samples come from an average of the generator's weights (grids show the generator without
averaging too). The program's first version, which the report compares with, is not offered: cross-entropy, RMSprop 5e-5,
weights clipped before the critic's update, and an L1 penalty of 2.5e-5. The program logs its losses on a fresh batch after both
updates; here they are those of the updates.

Data: pictures with at least one tag; several classes of an attribute may be set; any size that is 4 to 7 doubled a few times.
"""

import warnings
from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.tags_wgan_gp.networks import LATENTS, networks
from examples.anime_faces.recipes.tags_wgan_gp.options import Options
from examples.anime_faces.systems import AnyTag, Description, Networks, Recipe, Scalars, Side, System, always


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report C together; nothing in it depends on the length of the run."""
    del description, steps
    generator, critic = networks["generator"], networks["critic"]
    objective = gk.losses.Logistic() if options.literal else gk.losses.Wasserstein()

    def draw(images: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        latents = gk.latents.uniform_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)
        return generator(latents, tags)

    def penalty(images: torch.Tensor, fake: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        if not options.literal:
            return gk.constraints.gradient_penalty(lambda x: critic(x, tags), images, fake)
        mix = torch.rand(1, 1, 1, 1, device=images.device, dtype=images.dtype).expand(len(images), 1, 1, 1)
        with warnings.catch_warnings():  # gankit warns of what the program did
            warnings.filterwarnings("ignore", message="batch normalization .* couples the samples")
            return gk.constraints.gradient_penalty(lambda x: critic(x, tags), images, fake, mix=mix)

    def critic_terms(images: torch.Tensor, tags: torch.Tensor) -> tuple[Scalars, Scalars]:
        with torch.no_grad():
            fake = draw(images, tags).to(images.dtype)
        scores = {"real": critic(images, tags), "fake": critic(fake, tags)}
        costs = {
            "score": gk.losses.critic_loss(objective, scores["real"], scores["fake"]),
            "penalty": options.penalty_weight * penalty(images, fake, tags),
        }
        return costs, {f"scores/{name}": of.detach().mean() for name, of in scores.items()}

    def generator_terms(images: torch.Tensor, tags: torch.Tensor) -> Scalars:
        return {"score": gk.losses.generator_loss(objective, critic(draw(images, tags), tags))}

    optimizer = partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.9))
    turns = gk.schedules.Round(
        options.critic_steps, generator=options.generator_steps, generator_first=options.generator_first
    )
    return System(
        critic=Side(network=critic, optimizer=optimizer, terms=critic_terms),
        generator=Side(network=generator, optimizer=optimizer, terms=generator_terms),
        schedule=gk.schedules.Constant(round=turns),
        batch_size=options.batch_size,
        repeat=options.critic_steps if options.literal else 1,
    )


RECIPE = Recipe(
    description="Report C: pictures from a multi-hot vector of tags, by WGAN-GP (--literal: as its program did).",
    steps=10_000,
    conditioning=always(AnyTag()),
    networks=networks,
    system=system,
)
