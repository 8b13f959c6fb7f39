"""Stacked digits: three real 8x8 digits in three channels make 1,000 modes that a judge can tell apart."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from benchmarks.toys.coverage import Bar, divergence_from_even
from benchmarks.toys.networks import digit_critic, digit_generator
from benchmarks.toys.tables import STACK_ROWS, Row
from benchmarks.toys.training import Arm, Course, sampling_arms, train

CHANNELS = 3
CLASSES = 10
MODES = CLASSES**CHANNELS
COMPARED = 1_000


@cache
def digit_images() -> tuple[torch.Tensor, torch.Tensor]:
    """Return the 1,797 scanned digits that come with scikit-learn, ``(n, 8, 8)`` in -1..1, and their classes ``(n,)``."""
    digits: Any = load_digits()
    return torch.from_numpy(digits.images).float() / 8 - 1, torch.from_numpy(digits.target).long()


def draw_stacks(images: torch.Tensor, count: int, rng: torch.Generator) -> torch.Tensor:
    """Draw stacks ``(count, 3, 8, 8)``, each channel a digit of its own."""
    return images[torch.randint(len(images), (count, CHANNELS), generator=rng)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A support vector machine that names digits.

    Attributes:
        machine: Fitted to half of the digits.
        accuracy: On the other half.
    """

    machine: SVC
    accuracy: float

    def mode_counts(self, stacks: torch.Tensor) -> torch.Tensor:
        """Count the stacks of each mode, the first channel being the hundreds."""
        named = torch.from_numpy(self.machine.predict(_flat(stacks))).reshape(-1, CHANNELS)
        place_values = CLASSES ** torch.arange(CHANNELS - 1, -1, -1)
        return torch.bincount((named * place_values).sum(1), minlength=MODES)


@cache
def judge() -> Judge:
    """Fit the judge to one half of the digits, always the same half, and measure it on the other."""
    images, classes = digit_images()
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    seen, unseen = order.chunk(2)
    machine = SVC(C=10.0).fit(_flat(images[seen]), classes[seen].numpy())
    return Judge(machine=machine, accuracy=float(machine.score(_flat(images[unseen]), classes[unseen].numpy())))


def stack_figures(stacks: torch.Tensor) -> dict[str, float]:
    """Return how many modes the stacks reach, how evenly, and how far their digits are from real ones.

    `modes` counts modes with one stack or more; `reverse_divergence` is that of their shares from even ones, in nats;
    `distance` is the mean over the first digits, see `distance_to_digits`. The judge must name whatever it is shown, noise
    too, so that the first two say nothing without the last.
    """
    counts = judge().mode_counts(stacks)
    return {
        "modes": int(counts.count_nonzero()),
        "reverse_divergence": divergence_from_even(counts),
        "distance": distance_to_digits(stacks[:COMPARED]),
    }


def distance_to_digits(stacks: torch.Tensor) -> float:
    """Return the mean Euclidean distance of the channels to the nearest real digit other than themselves."""
    images, _ = digit_images()
    distances = torch.cdist(stacks.reshape(-1, 64), images.reshape(-1, 64), compute_mode="donot_use_mm_for_euclid_dist")
    return float(distances.masked_fill(distances == 0, float("inf")).min(dim=1).values.mean())


def _flat(images: torch.Tensor) -> np.ndarray:
    return images.reshape(-1, 64).numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitToy:
    """Networks, training and measurement.

    Attributes:
        course: How long and how fast all arms are trained.
        width: Channels of the wide layers, in both networks; the narrow ones have twice as many.
        gamma: Weight of R1 and of R2, each times 1/2.
        latent_features: Length of a latent, standard normal.
        samples: Generated stacks that are measured.
        bar: What every seed must reach.
        published: Rows to quote beside.
    """

    name: str = "digits"
    course: Course
    width: int
    gamma: float
    latent_features: int = 64
    samples: int = 25_600
    bar: Bar
    published: tuple[Row, ...]
    drawn: bool = True

    @property
    def arms(self) -> Mapping[str, Arm]:
        """Return what is compared, by name."""
        return sampling_arms(gamma=self.gamma)

    def protocol(self, arm: str) -> dict[str, object]:
        """Return everything that a run of an arm depends on except its seed, as plain values."""
        fields = {name: getattr(self, name) for name in ("width", "gamma", "latent_features", "samples")}
        return {**fields, "course": asdict(self.course.of(arm))}

    def quick(self) -> "DigitToy":
        """Return the same toy with a few steps, to see that it runs."""
        return replace(self, course=replace(self.course, steps=3), width=4, samples=100)

    def run(self, arm: str, seed: int) -> dict[str, float]:
        """Train one arm and judge stacks of its averaged generator."""
        rng = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generator = digit_generator(latent_features=self.latent_features, width=self.width)
            critic = digit_critic(width=self.width)
        images, _ = digit_images()
        draw_latents = partial(_latents, self.latent_features, rng)
        averaged = train(
            self.arms[arm],
            self.course.of(arm),
            generator=generator,
            critic=critic,
            draw_real=lambda count: draw_stacks(images, count, rng),
            draw_latents=draw_latents,
        )
        with torch.no_grad():
            return stack_figures(averaged(draw_latents(self.samples)))

    def references(self) -> dict[str, dict[str, float]]:
        """Judge as many stacks of real digits, which is the best possible result, and of uniform noise."""
        rng = torch.Generator().manual_seed(0)
        real = draw_stacks(digit_images()[0], self.samples, rng)
        noise = torch.rand(real.shape, generator=rng) * 2 - 1
        return {"real digits": stack_figures(real), "uniform noise": stack_figures(noise)}


def _latents(features: int, rng: torch.Generator, count: int) -> torch.Tensor:
    return torch.randn(count, features, generator=rng)


DIGITS = DigitToy(course=Course(steps=4_000), width=32, gamma=1.0, bar=Bar(modes=900), published=STACK_ROWS)
