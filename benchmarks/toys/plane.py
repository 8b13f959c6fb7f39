"""Mixtures of Gaussians in the plane: networks that miss modes, and networks that do not."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import torch

from benchmarks.toys.coverage import Bar, Mixture, coverage, grid, ring
from benchmarks.toys.networks import plane_critic, plane_generator
from benchmarks.toys.tables import GRID_ROWS, RING_ROWS, Row
from benchmarks.toys.training import Arm, Course, sampling_arms, train


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneToy:
    """One mixture, two equal perceptrons, and the arms that train them.

    Attributes:
        name: What the command line calls it.
        mixture: Where real points come from.
        course: How long and how fast all arms are trained.
        width: Units of a hidden layer, in both networks.
        layers: Hidden layers.
        gamma: Weight of R1 and of R2, each times 1/2.
        latent_features: Length of a latent, standard normal.
        points: Real points, drawn once for each seed.
        samples: Generated points that are measured.
        bar: What every seed must reach.
        published: Rows to quote beside.
    """

    name: str
    mixture: Callable[[], Mixture]
    course: Course
    width: int
    layers: int
    gamma: float
    latent_features: int = 2
    points: int = 100_000
    samples: int = 2_500
    bar: Bar
    published: tuple[Row, ...]
    drawn: bool = True

    @property
    def arms(self) -> Mapping[str, Arm]:
        """Return what is compared, by name."""
        return sampling_arms(gamma=self.gamma)

    def protocol(self, arm: str) -> dict[str, object]:
        """Return everything that a run of an arm depends on except its seed, as plain values."""
        fields = {
            name: getattr(self, name) for name in ("width", "layers", "gamma", "latent_features", "points", "samples")
        }
        mixture = self.mixture()
        return {
            **fields,
            "course": asdict(self.course.of(arm)),
            "deviation": mixture.deviation,
            "centers": mixture.centers.tolist(),
        }

    def quick(self) -> "PlaneToy":
        """Return the same toy with a few steps, to see that it runs."""
        return replace(self, course=replace(self.course, steps=20), points=1_000, samples=500)

    def run(self, arm: str, seed: int) -> dict[str, float]:
        """Train one arm and measure samples of its averaged generator."""
        rng = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            generator = plane_generator(latent_features=self.latent_features, width=self.width, layers=self.layers)
            critic = plane_critic(width=self.width, layers=self.layers)
        mixture = self.mixture()
        real = mixture.draw(self.points, rng)

        def draw_latents(count: int) -> torch.Tensor:
            return torch.randn(count, self.latent_features, generator=rng)

        averaged = train(
            self.arms[arm],
            self.course.of(arm),
            generator=generator,
            critic=critic,
            draw_real=lambda count: real[torch.randint(len(real), (count,), generator=rng)],
            draw_latents=draw_latents,
        )
        with torch.no_grad():
            return asdict(coverage(mixture, averaged(draw_latents(self.samples))))


RING = PlaneToy(
    name="ring",
    mixture=ring,
    course=Course(steps=15_000),
    width=64,
    layers=2,
    gamma=0.02,
    bar=Bar(modes=8, high_quality=0.88, reverse_divergence=0.01),
    published=RING_ROWS,
)
GRID = PlaneToy(
    name="grid",
    mixture=grid,
    course=Course(steps=14_000),
    width=128,
    layers=3,
    gamma=0.1,
    bar=Bar(modes=25, spared=1, high_quality=0.88, reverse_divergence=0.03),
    published=GRID_ROWS,
)
