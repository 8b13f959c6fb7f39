"""Report B: a DCGAN without labels, with the tips that the report tries.

Source: report B, whose program is lost. Five convolutions draw the picture and four score it, each with batch norm and leaky
ReLU; tanh and sigmoid are last. What the report leaves open follows DCGAN (Radford et al. 2016): noise is N(0, 1) with 100
numbers, kernels are 4x4 with stride 2, weights start from N(0, 0.02), Adam has learning rate 2e-4 and betas 0.5 and 0.999,
batches have 64 pictures. The tips that it tries on this system are options: ReLU in place of leaky ReLU (tip 5), labels drawn
from 0.8 to 1.2 and from 0 to 0.2 (tip 6), dropout in the order convolution, norm, dropout, activation (tip 17).

Differences from the report:

- The losses are those of a GAN: the critic's is cross-entropy, and the generator's -log D(G(z)). The report writes E[D(x)] +
  E[1 - D(G(z))] for the critic to maximize, without logarithms, and E[D(G(z))] for the generator to minimize. ``--literal``
  has no logarithms. Its generator minimizes 1 - D(G(z)) all the same, since with the sign of the report
  (``--literal-sign``) it learns to draw what the critic recognizes.
- The picture itself is not normalized: the report counts a norm after each of the generator's five convolutions.
- The sigmoid is in the losses, in a form that is exact for large scores; the critic's scores are logits.
- Only convolutions without a norm after them have a bias.
- Samples come from an average of the generator's weights; the grids show the generator without averaging beside it.

``--extra FOLDER`` joins a second data set, as the report tries; pictures of both form one sequence, and the networks do not
get the set of a picture as input. With its second set the report's samples became noise. It suspects that the added pictures
were too similar to each other, and that the critic had no label for them.

Data: any pictures; labels are not read. Any size that is 4 to 7 doubled a few times: other sizes than 64 drop or add blocks.
"""

from functools import partial

import torch

import gankit as gk
from examples.anime_faces.recipes.dcgan.losses import (
    Labels,
    LinearProbability,
    costs_in_words,
    critic_terms,
    generator_terms,
)
from examples.anime_faces.recipes.dcgan.networks import networks
from examples.anime_faces.recipes.dcgan.options import Options
from examples.anime_faces.systems import (
    AnyPictureOfTwo,
    Description,
    Networks,
    Recipe,
    Side,
    System,
    labeled_formula,
    mean_formula,
    number,
)


def system(networks: Networks, description: Description, options: Options, steps: int) -> System:
    """Put report B's DCGAN together; nothing in it depends on the length of the run."""
    del description, steps
    objective = LinearProbability(reversed_sign=options.literal_sign) if options.literal else gk.losses.Logistic()
    adam = partial(torch.optim.Adam, lr=options.learning_rate, betas=(0.5, 0.999))
    terms = critic_terms(
        networks,
        objective,
        real_labels=_labels(options, "real"),
        fake_labels=_labels(options, "fake"),
    )
    costs = costs_in_words(objective)
    real = labeled_formula(costs, "D(real)", "t") if _are_soft(options, "real") else mean_formula(costs.real, "D(real)")
    fake = labeled_formula(costs, "D(fake)", "u") if _are_soft(options, "fake") else mean_formula(costs.fake, "D(fake)")
    return System(
        critic=Side(network=networks["critic"], optimizer=adam, terms=terms, formulas={"score": f"{real} + {fake}"}),
        generator=Side(
            network=networks["generator"],
            optimizer=adam,
            terms=generator_terms(networks, objective),
            formulas={"score": mean_formula(costs.generator, "D(fake)")},
        ),
        schedule=gk.schedules.Constant(round=gk.schedules.Round(options.critic_steps)),
        batch_size=options.batch_size,
        note=_note(options),
        notation=_notation(options),
    )


USUAL = {"real": 1.0, "fake": 0.0}


def _range(options: Options, kind: str) -> tuple[float, float]:
    return getattr(options, f"{kind}_low"), getattr(options, f"{kind}_high")


def _are_soft(options: Options, kind: str) -> bool:
    return _range(options, kind) != (USUAL[kind], USUAL[kind])


def _labels(options: Options, kind: str) -> Labels | None:
    low, high = _range(options, kind)
    return partial(gk.losses.uniform_labels, low=low, high=high) if _are_soft(options, kind) else None


def _notation(options: Options) -> dict[str, str]:
    named = (("t", "real", "real"), ("u", "fake", "generated"))
    return {
        letter: f"label of each {word} picture, uniform in {'..'.join(map(number, _range(options, kind)))}"
        for letter, kind, word in named
        if _are_soft(options, kind)
    }


def _note(options: Options) -> str:
    if max(options.real_high, options.fake_high) <= 1:
        return ""
    return (
        "labels above 1 have no smallest loss: scores can grow without end, and losses cannot be compared with those of "
        "other labels (--real-high 1 is safe)"
    )


def conditioning(options: Options) -> AnyPictureOfTwo:
    """Read no label, and join the second data set if there is one."""
    return AnyPictureOfTwo(options.extra)


RECIPE = Recipe(
    description="Report B: a DCGAN without labels; its tips are options (--literal: losses without logarithms).",
    steps=20_000,
    report="B",
    data="any pictures; labels are not read",
    conditioning=conditioning,
    networks=networks,
    system=system,
)
