"""Report D: GAN-CLS, with a price on the weights of the text and a critic that is lied to now and then.

Source: report D. Its program is lost; its parent is a public TensorFlow program of GAN-CLS with skip-thoughts, whose networks
these are. The text's vector (2400) is projected to 256, joined after the noise (100, N(0, 1)) in the generator, and joined to
the last maps in the critic. The critic pays the logistic prices of real pairs, and half of those of mismatched pairs and of
generated pictures: -(log s_r + (log(1 - s_w) + log(1 - s_f)) / 2). The log shows s_r, s_w and s_f as the scores "real",
"mismatched" and "fake". The generator pays -log s_f, is updated twice a round, and pays beta * 1/2 of the squared weights of
its own text projection and of nothing else. The "cheat": with probability 0.1 a generated picture is priced as a real one,
log s_f in place of log(1 - s_f). Adam steps 2e-4 with betas 0.5 and 0.999, unchanged over the run.

What the report leaves open is an option: the cheat's coin is thrown for each picture or for the batch, and its probability
stays, falls to 0 along the run, or follows the critic. ``--literal`` does as the parent: weights 1 and 1, and both generator
updates have the noise that the critic's fakes were made of.

Differences from the report: samples come from an average of the generator's weights; vectors are hashed n-grams unless a table
of vectors or the files of skip-thoughts are named; a mismatched pair is a real picture of another text in the batch, never the
same by accident; convolutions are padded by 2 on both sides, where TensorFlow pads by 1 and 2. Pictures are 0..1 to both
networks, as in the parent; the pipeline keeps -1..1 (see `Centered`).

Data: every picture with a text: the words for its labels (report D), or with ``--all-tags`` all tags. Any size that is 4 to 7
doubled a few times.
"""

import math

import torch

import gankit as gk
from examples.anime_faces.recipes._cheat import Cheat
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._every_text import EveryText
from examples.anime_faces.recipes._gan_cls_networks import GanClsCritic, GanClsGenerator, start_like_parent
from examples.anime_faces.recipes._hardware import Hardware
from examples.anime_faces.recipes._options import GanClsOptions
from examples.anime_faces.recipes._recipe import Recipe, System
from examples.anime_faces.recipes._unit_range import Centered, to_unit_range

LATENTS = 100


def build(description: Description, options: GanClsOptions, hardware: Hardware, steps: int) -> System:
    """Put report D together; only the cheat may decay along the `steps`."""
    assert description.text is not None
    if not 0 <= options.beta < math.inf:
        raise ValueError(f"--beta must be 0 or more, but it is {options.beta}")
    features, size, width = description.text.features, description.size, options.width
    projection, critics_own = (gk.embedders.TextProjection(features, options.projected) for _ in range(2))
    generator = GanClsGenerator(size=size, projection=projection, latent_features=LATENTS, width=width)
    critic = hardware.place(GanClsCritic(size=size, projection=critics_own, width=width))
    for network in (generator, critic):
        start_like_parent(network)
    drawer = hardware.place(Centered(generator))
    objective, cheat = gk.losses.Logistic(), Cheat.from_options(options, steps)
    weight = 1.0 if options.literal else 0.5
    scores: dict[str, torch.Tensor] = {}
    shared: dict[str, torch.Tensor] = {}

    def critic_terms(images: torch.Tensor, texts: torch.Tensor) -> dict[str, torch.Tensor]:
        shared["latents"] = gk.latents.normal_latents(len(texts), LATENTS, device=texts.device)
        with torch.no_grad():
            fake = generator(shared["latents"], texts)
        real = to_unit_range(images)
        mismatched = real[gk.losses.mismatched_indices(texts)]
        sides = {
            name: critic(pictures, texts)
            for name, pictures in (("real", real), ("mismatched", mismatched), ("fake", fake))
        }
        scores.update({name: side.detach().sigmoid().mean() for name, side in sides.items()})
        loss = gk.losses.matching_aware_critic_loss(
            objective,
            **sides,
            mismatched_weight=weight,
            fake_weight=weight,
            balanced=not options.literal,
            fake_labels=cheat.labels(sides["fake"]),
        )
        cheat.watch(sides["real"])
        return {"score": loss}

    def generator_terms(images: torch.Tensor, texts: torch.Tensor) -> dict[str, torch.Tensor]:
        del images
        latents = shared["latents"]
        if not options.literal:
            latents = gk.latents.normal_latents(len(texts), LATENTS, device=texts.device)
        terms = {"score": gk.losses.generator_loss(objective, critic(generator(latents, texts), texts))}
        if options.beta:
            terms["text weights"] = 0.5 * options.beta * gk.constraints.weight_penalty(projection.linear.weight)
        return terms

    critic_optimizer, generator_optimizer = (
        torch.optim.Adam(network.parameters(), options.learning_rate, betas=(0.5, 0.999), fused=True)
        for network in (critic, generator)
    )
    return System(
        generator=drawer,
        critic=critic,
        average=gk.training.WeightAverage(drawer),
        optimizers={"critic": critic_optimizer, "generator": generator_optimizer},
        schedule=gk.schedules.Constant(round=gk.schedules.Round(1, generator=options.generator_steps)),
        critic_updates=gk.training.Update(critic_optimizer, hardware.autocast(critic_terms)),
        generator_updates=gk.training.Update(generator_optimizer, hardware.autocast(generator_terms), frozen=[critic]),
        latents=lambda count, rng: gk.latents.normal_latents(count, LATENTS, rng=rng),
        batch_size=options.batch_size,
        scores=scores,
        plan=cheat.plan,
        parts=cheat.parts,
    )


RECIPE = Recipe(
    name="gan_cls",
    description="Report D: pictures from a text, by GAN-CLS with priced text weights and a critic that is lied to.",
    options=GanClsOptions,
    steps=25_000,
    conditioning=EveryText.from_options,
    build=build,
)
