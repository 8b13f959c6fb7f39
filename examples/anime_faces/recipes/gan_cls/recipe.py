"""Report D: GAN-CLS, with a penalty on the weights of the text and a critic that is sometimes deceived.

Source: report D. Its program is lost; its parent is a public TensorFlow program of GAN-CLS with skip-thoughts, whose networks
these are. The text's vector (2400) is projected to 256, joined after the noise (100, N(0, 1)) in the generator, and joined to
the last maps in the critic. The critic's loss is the logistic loss of real pairs, and half of those of mismatched pairs and of
generated pictures: -(log s_r + (log(1 - s_w) + log(1 - s_f)) / 2). The log shows s_r, s_w and s_f as the scores "real",
"mismatched" and "fake". The generator's loss is -log s_f plus beta * 1/2 of the squared weights of its own text projection; it
is updated twice a round. The "cheat": with probability 0.1 a generated picture is labeled as a real one, log s_f in place of
log(1 - s_f). Adam with learning rate 2e-4 and betas 0.5 and 0.999, constant over the run.

What the report leaves open is an option: whether the cheat draws once per picture or per batch, and whether its probability
stays, falls to 0 along the run, or follows the critic. ``--literal`` does as the parent: weights 1 and 1, and both generator
updates have the noise of the critic's fakes.

Differences from the report: the critic is updated first and then the generator twice, as in the parent; the report names the
generator's updates first. Both generator updates use the texts of the critic's batch. Samples come from an average of the
generator's weights; vectors are hashed n-grams unless a table of vectors or the files of skip-thoughts are given; a mismatched
pair is a real picture of another text in the batch, never equal by accident; convolutions are padded by 2 on both sides, where
TensorFlow pads by 1 and 2. The length of the run, 25,000 rounds, is 100 epochs of the 250 batches that the report mentions.
Both networks use pictures in 0..1, as in the parent; the pipeline keeps -1..1.

Data: every picture with a text: the words for its labels (report D), or with ``--all-tags`` all tags. Any size that is 4 to 7
doubled a few times.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.gan_cls.cheat import Cheat
from examples.anime_faces.recipes.gan_cls.networks import LATENTS, networks
from examples.anime_faces.recipes.gan_cls.options import Options
from examples.anime_faces.systems import Description, EveryText, Networks, Recipe, Scalars, Side, System, to_unit_range


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report D together; only the cheat may decay along the `steps`."""
    del description
    generator, critic = networks["generator"], networks["critic"]
    text_weight = generator.get_parameter("projection.linear.weight")
    objective = gk.losses.Logistic()
    weight = 1.0 if options.literal else 0.5
    cheat = Cheat(options, steps, text_weight.device)

    def draw_latents(images: torch.Tensor) -> torch.Tensor:
        return gk.latents.normal_latents(len(images), LATENTS, device=images.device, dtype=images.dtype)

    def prepare(batch: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        return *batch, draw_latents(batch[0])

    def critic_terms(images: torch.Tensor, texts: torch.Tensor, latents: torch.Tensor) -> tuple[Scalars, Scalars]:
        with torch.no_grad():
            fake = generator(latents, texts)
        real = to_unit_range(images)
        mismatched = real[gk.losses.mismatched_indices(texts)]
        pairs = {"real": real, "mismatched": mismatched, "fake": fake}
        scores = {name: critic(pictures, texts) for name, pictures in pairs.items()}
        loss = gk.losses.matching_aware_critic_loss(
            objective,
            **scores,
            mismatched_weight=weight,
            fake_weight=weight,
            balanced=not options.literal,
            fake_labels=cheat.labels(scores["fake"]),
        )
        probabilities = {f"scores/{name}": of.detach().sigmoid().mean() for name, of in scores.items()}
        return {"score": loss}, {**probabilities, **cheat.readings(scores["real"])}

    def generator_terms(images: torch.Tensor, texts: torch.Tensor, latents: torch.Tensor) -> Scalars:
        latents = latents if options.literal else draw_latents(images)
        costs = {"score": gk.losses.generator_loss(objective, critic(generator(latents, texts), texts))}
        if options.beta:
            costs["text weights"] = 0.5 * options.beta * gk.constraints.weight_penalty(text_weight)
        return costs

    optimizer = partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.999))
    return System(
        critic=Side(network=critic, optimizer=optimizer, terms=critic_terms),
        generator=Side(network=generator, optimizer=optimizer, terms=generator_terms),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(1, generator=options.generator_steps)),
        batch_size=options.batch_size,
        prepare=prepare,
        plan=cheat.plan,
        after=cheat.follow,
        parts=cheat.parts,
    )


RECIPE = Recipe(
    description="Report D: pictures from a text, by GAN-CLS with a penalty on text weights and a critic that is deceived.",
    steps=25_000,
    conditioning=EveryText.from_options,
    networks=networks,
    system=system,
)
