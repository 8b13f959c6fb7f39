"""Stacked digits as an experiment: how many of the 1,000 modes two small convolutional networks learn."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial

import torch

from benchmarks.toys.arms import Arm, sampling_arms
from benchmarks.toys.bars import Bar
from benchmarks.toys.digits import digit_images, draw_stacks, stack_figures
from benchmarks.toys.networks import digit_critic, digit_generator
from benchmarks.toys.published import STACK_ROWS, Row
from benchmarks.toys.training import Course, train


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
        """Return all that a run of an arm depends on but its seed, as plain values."""
        fields = {name: getattr(self, name) for name in ("width", "gamma", "latent_features", "samples")}
        return {**fields, "course": asdict(self.course.of(arm))}

    def quick(self) -> "DigitToy":
        """Return the same with a few steps: does it run at all."""
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
        """Judge as many stacks of real digits, the best that a sampler can do, and of uniform noise."""
        rng = torch.Generator().manual_seed(0)
        real = draw_stacks(digit_images()[0], self.samples, rng)
        noise = torch.rand(real.shape, generator=rng) * 2 - 1
        return {"real digits": stack_figures(real), "uniform noise": stack_figures(noise)}


def _latents(features: int, rng: torch.Generator, count: int) -> torch.Tensor:
    return torch.randn(count, features, generator=rng)


DIGITS = DigitToy(course=Course(steps=4_000), width=32, gamma=1.0, bar=Bar(modes=900), published=STACK_ROWS)
