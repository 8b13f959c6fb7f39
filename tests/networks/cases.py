"""The networks under test, small, in every form of conditioning."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from blocks.cases import fill_
from support.strategies import normal
from torch import nn

from gankit.embedders import LabelEmbedder, MultiHotEmbedder, OneHotEmbedder
from gankit.networks import (
    DCGANCritic,
    DCGANGenerator,
    JoinedCritic,
    MakeGirlsMoeCritic,
    MakeGirlsMoeGenerator,
    PatchGANCritic,
    R3GANCritic,
    R3GANGenerator,
    ResidualCritic,
    ResidualGenerator,
    StarGANCritic,
    StarGANGenerator,
    UNetColorizer,
)

CLASSES = (3, 2)
SIZES: dict[str, Any] = {"resolution": 12, "base": 3, "width": 2}
GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "dcgan_generator": lambda: DCGANGenerator(**SIZES, latent_features=5),
    "dcgan_generator_embedder": lambda: DCGANGenerator(**SIZES, latent_features=5, embedder=OneHotEmbedder(CLASSES)),
    "residual_generator": lambda: ResidualGenerator(**SIZES, latent_features=5),
    "residual_generator_embedder": lambda: ResidualGenerator(
        **SIZES, latent_features=5, embedder=LabelEmbedder(CLASSES, 7)
    ),
}
CRITICS: dict[str, Callable[[], nn.Module]] = {
    f"{name}_{form}".removesuffix("_plain"): partial(make, options)
    for name, make in {
        "dcgan_critic": lambda options: DCGANCritic(**SIZES, **options()),
        "residual_critic": lambda options: ResidualCritic(**SIZES, **options()),
    }.items()
    for form, options in {
        "plain": dict,
        "embedder": lambda: {"embedder": OneHotEmbedder(CLASSES)},
        "classes": lambda: {"num_classes": CLASSES},
        "both": lambda: {"embedder": LabelEmbedder(CLASSES, 7), "num_classes": CLASSES},
    }.items()
}
OTHERS: dict[str, tuple[Callable[[], nn.Module], Callable[[int, int], tuple[torch.Tensor, ...]]]] = {
    "joined_critic": (
        lambda: JoinedCritic(embedder=OneHotEmbedder(CLASSES), **SIZES, mixing=5, norm=nn.Identity),
        lambda seed, samples: (normal(seed, samples, 3, 12, 12), labels_of(seed, samples)),
    ),
    "joined_critic_report_c": (
        lambda: JoinedCritic(embedder=MultiHotEmbedder(7), **SIZES, mixing=0),
        lambda seed, samples: (normal(seed, samples, 3, 12, 12), torch.eye(7)[:samples]),
    ),
    "make_girls_moe_generator": (
        lambda: MakeGirlsMoeGenerator(**SIZES, latent_features=5, blocks=2, embedder=OneHotEmbedder(CLASSES)),
        lambda seed, samples: (normal(seed, samples, 5), labels_of(seed, samples)),
    ),
    "make_girls_moe_critic": (
        lambda: MakeGirlsMoeCritic(resolution=12, halvings=2, width=2, num_classes=CLASSES),
        lambda seed, samples: (normal(seed, samples, 3, 12, 12),),
    ),
    "make_girls_moe_generator_pre_activation": (
        lambda: MakeGirlsMoeGenerator(**SIZES, latent_features=5, blocks=2, pre_activation=True),
        lambda seed, samples: (normal(seed, samples, 5),),
    ),
    "make_girls_moe_critic_pre_activation": (
        lambda: MakeGirlsMoeCritic(resolution=12, halvings=2, width=2, num_classes=CLASSES, pre_activation=True),
        lambda seed, samples: (normal(seed, samples, 3, 12, 12),),
    ),
    "patchgan_critic": (
        lambda: PatchGANCritic(width=2, halvings=2, norm=nn.InstanceNorm2d),
        lambda seed, samples: (normal(seed, samples, 3, 16, 12),),
    ),
    "r3gan_generator": (
        lambda: R3GANGenerator(widths=(4, 6, 6), base=3, latent_features=5, blocks=1, group_channels=4),
        lambda seed, samples: (normal(seed, samples, 5),),
    ),
    "r3gan_critic": (
        lambda: R3GANCritic(widths=(6, 4, 4), base=3, blocks=1, group_channels=4, embedder=LabelEmbedder(CLASSES, 7)),
        lambda seed, samples: (normal(seed, samples, 3, 12, 12), labels_of(seed, samples)),
    ),
    "stargan_generator": (
        lambda: StarGANGenerator(embedder=OneHotEmbedder(CLASSES), width=2, blocks=1),
        lambda seed, samples: (normal(seed, samples, 3, 8, 12), labels_of(seed, samples)),
    ),
    "stargan_critic": (
        lambda: StarGANCritic(resolution=12, width=2, halvings=2),
        lambda seed, samples: (normal(seed, samples, 3, 12, 12),),
    ),
    "unet_colorizer": (
        lambda: UNetColorizer(width=1, halvings=6, dropout=nn.Identity),
        lambda seed, samples: (normal(seed, samples, 1, 64, 128),),
    ),
    "unet_colorizer_embedder": (
        lambda: UNetColorizer(width=2, halvings=2, embedder=LabelEmbedder(CLASSES, 7)),
        lambda seed, samples: (normal(seed, samples, 1, 8, 12), labels_of(seed, samples)),
    ),
}
ALL = {**GENERATORS, **CRITICS, **{name: make for name, (make, _) in OTHERS.items()}}


def labels_of(seed: int, samples: int) -> torch.Tensor:
    """Labels of two attributes."""
    rng = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randint(count, (samples,), generator=rng) for count in CLASSES], dim=1)


def inputs_of(name: str, seed: int = 0, samples: int = 3) -> tuple[torch.Tensor, ...]:
    """A float64 batch that the named network takes."""
    if name in OTHERS:
        return OTHERS[name][1](seed, samples)
    first = normal(seed, samples, 5) if name in GENERATORS else normal(seed, samples, 3, 12, 12)
    if not name.endswith(("embedder", "both")):
        return (first,)
    return first, labels_of(seed, samples)


def build(name: str, seed: int = 0) -> nn.Module:
    """The named network in float64 with numbers from the seed."""
    network = ALL[name]().double()
    fill_(network, seed)
    return network


def tensors_of(result: object) -> list[torch.Tensor]:
    """The tensors in the result of a network, scores first."""
    if isinstance(result, torch.Tensor):
        return [result]
    assert isinstance(result, tuple)
    return [result[0], *result[1]]
