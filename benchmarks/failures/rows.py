"""The rows of the guide: a run that fails, the same run with the cure, and the figure that shows both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import torch

import gankit as gk
from benchmarks.failures.networks import batch_norm, conditional, dcgan, layer_norm, upsampled
from benchmarks.failures.penalties import GradientPenalty, NoPenalty, ZeroCentered
from benchmarks.failures.plan import Plan, unchanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A way to fail.

    Args:
        fails: The run that fails.
        cure: The settings that the same run with the cure has, by their names in `Plan`.
        change: What is changed, in a few words: of the first run, then of the second.
        figure: Name of the figure that shows it.
        words: What this figure is.
        border: The run fails on one side of it; the cured one is on the other.
        fails_above: Whether it fails above the border.
        curve: Name of the curve that is drawn.
        title: What the curve is.
        logarithmic: Whether its axis is.
    """

    fails: Plan
    cure: Mapping[str, object]
    change: tuple[str, str]
    figure: str
    words: str
    border: float
    fails_above: bool
    curve: str
    title: str
    logarithmic: bool = False

    @property
    def cured(self) -> Plan:
        """Return the run with the cure."""
        return self.fails.changed(self.cure)

    @property
    def caption(self) -> str:
        """Return what is said below the curves."""
        return "Over the run, logarithmic axis" if self.logarithmic else "Over the run"

    def is_shown(self, fails: float, cured: float) -> bool:
        """Say whether the figures of both runs show the failure and the cure."""
        return fails > self.border > cured if self.fails_above else fails < self.border < cured


def zero_to_one(images: torch.Tensor) -> torch.Tensor:
    """Return pictures in -1..1 as pictures in 0..1."""
    return (images + 1) / 2


AUGMENTATION = gk.augment.Composed(
    parts=(gk.augment.HorizontalFlip(), gk.augment.Translation(ratio=0.25), gk.augment.Cutout(ratio=0.4))
)
_PLAIN = Plan(rounds=1_000, penalty=ZeroCentered(0.1), critic_rate=1e-3, generator_rate=1e-3)
_WASSERSTEIN = replace(_PLAIN, objective=gk.losses.Wasserstein(), penalty=GradientPenalty(10.0))


TABLE: Mapping[str, Row] = {
    "mode-collapse": Row(
        fails=replace(_PLAIN, penalty=NoPenalty(), betas=(0.9, 0.99)),
        cure={"betas": (0.0, 0.99)},
        change=("no penalty, first beta of Adam 0.9", "first beta 0"),
        figure="variety",
        words="variety, real pictures: 1",
        border=0.6,
        fails_above=False,
        curve="variety",
        title="Variety, real pictures: 1",
    ),
    "critic-wins": Row(
        fails=replace(_PLAIN, penalty=NoPenalty(), critic_updates=2, objective=gk.losses.Logistic(saturating=True)),
        cure={"objective": gk.losses.Logistic()},
        change=("`Logistic(saturating=True)`", "`Logistic()`"),
        figure="generator/gradient",
        words="generator's gradient at the end",
        border=1e-2,
        fails_above=False,
        curve="generator/gradient",
        title="Length of the generator's gradient",
        logarithmic=True,
    ),
    "learning-rate": Row(
        fails=replace(_WASSERSTEIN, rounds=800, critic_rate=5e-2, generator_rate=5e-2),
        cure={"critic_rate": 1e-3, "generator_rate": 1e-3},
        change=("Adam with 0.05", "Adam with 0.001"),
        figure="distance",
        words="distance to real pictures",
        border=600.0,
        fails_above=True,
        curve="critic/penalty",
        title="Gradient penalty",
        logarithmic=True,
    ),
    "nan": Row(
        fails=replace(_WASSERSTEIN, rounds=800, critic_rate=5.0, generator_rate=5.0),
        cure={"critic_rate": 1e-3, "generator_rate": 1e-3},
        change=("Adam with 5", "Adam with 0.001"),
        figure="rounds",
        words="rounds of 800 until the error",
        border=790.0,
        fails_above=False,
        curve="critic/penalty",
        title="Gradient penalty",
        logarithmic=True,
    ),
    "condition-ignored": Row(
        fails=replace(_PLAIN, networks=partial(conditional, critic_sees=False)),
        cure={"networks": conditional},
        change=("critic without labels", "critic with labels"),
        figure="hair",
        words="hair colors as asked (chance: 0.083)",
        border=0.5,
        fails_above=False,
        curve="hair",
        title="Hair colors as asked",
    ),
    "few-pictures": Row(
        fails=replace(_PLAIN, pictures=50, rounds=1_500),
        cure={"augmentation": AUGMENTATION},
        change=("50 pictures", "50 pictures, augmented"),
        figure="memory",
        words="lead of training pictures in score, in standard deviations",
        border=1.0,
        fails_above=True,
        curve="critic/recognized",
        title="Share that the critic recognizes",
    ),
    "checkerboard": Row(
        fails=replace(_PLAIN, networks=partial(upsampled, transposed=True), rounds=400),
        cure={"networks": partial(upsampled, transposed=False)},
        change=("3x3 transposed convolutions", "repeated pixels, then 3x3 convolutions"),
        figure="checkers",
        words="pattern of 2 pixels, real pictures: 1",
        border=2.0,
        fails_above=True,
        curve="checkers",
        title="Pattern of 2 pixels, real pictures: 1",
        logarithmic=True,
    ),
    "data-range": Row(
        fails=replace(_PLAIN, data=zero_to_one),
        cure={"data": unchanged},
        change=("pictures in 0..1", "pictures in -1..1"),
        figure="darkest",
        words="darkest twentieth of all pixels (-1: black)",
        border=0.0,
        fails_above=True,
        curve="darkest",
        title="Darkest twentieth of all pixels",
    ),
    "float16": Row(
        fails=Plan(
            rounds=60,
            networks=partial(dcgan, width=8),
            objective=gk.losses.Wasserstein(),
            critic_rate=1e-2,
            generator_rate=1e-3,
            batch_size=16,
            dtype=torch.float16,
        ),
        cure={"dtype": torch.bfloat16},
        change=("float16", "bfloat16"),
        figure="rounds",
        words="rounds of 60 until the error",
        border=59.0,
        fails_above=False,
        curve="critic/largest",
        title="Largest score",
        logarithmic=True,
    ),
    "penalty-low": Row(
        fails=replace(_WASSERSTEIN, rounds=800, penalty=GradientPenalty(1e-5), critic_updates=3),
        cure={"penalty": GradientPenalty(10.0)},
        change=("gradient penalty of weight 0.00001", "weight 10"),
        figure="slope",
        words="critic's slope half way between real and fake",
        border=10.0,
        fails_above=True,
        curve="generator/gradient",
        title="Length of the generator's gradient",
        logarithmic=True,
    ),
    "penalty-high": Row(
        fails=replace(_WASSERSTEIN, rounds=800, penalty=GradientPenalty(1e4)),
        cure={"penalty": GradientPenalty(10.0)},
        change=("gradient penalty of weight 10,000", "weight 10"),
        figure="distance",
        words="distance to real pictures",
        border=600.0,
        fails_above=True,
        curve="critic/gap",
        title="Gap between real and fake scores",
    ),
    "batch-norm": Row(
        fails=replace(_WASSERSTEIN, networks=partial(dcgan, norm=batch_norm), batch_size=4),
        cure={"networks": partial(dcgan, norm=layer_norm)},
        change=("batch norm", "layer norm"),
        figure="coupling",
        words="score's dependence on the rest of its batch",
        border=0.05,
        fails_above=True,
        curve="critic/penalty",
        title="Gradient penalty, weighted",
        logarithmic=True,
    ),
    "oscillation": Row(
        fails=replace(
            _PLAIN,
            networks=partial(dcgan, generator_norm=layer_norm),
            batch_size=8,
            critic_rate=2e-3,
            generator_rate=2e-3,
            betas=(0.5, 0.99),
        ),
        cure={"average": 0.98},
        change=("batches of 8, trained weights", "average of weights, decay 0.98"),
        figure="motion",
        words="change within 25 rounds, two real pictures: 1",
        border=0.3,
        fails_above=True,
        curve="variety",
        title="Variety, real pictures: 1",
    ),
}
