"""How the numbers of R3GAN change along a run: all follow one cosine."""

import math
from dataclasses import dataclass

from examples.anime_faces.recipes.r3gan.options import Options

LAST_RATE = 0.25
LAST_PENALTY = 0.1
FIRST_BETA, LAST_BETA = 0.9, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The numbers of each step.

    Args:
        options: Their values at first or at last, and the horizon.
        steps: Length of the run.

    Example:
        >>> from examples.anime_faces.recipes.r3gan.options import Options
        >>> plan = Plan(options=Options(horizon=0.5), steps=1000)
        >>> [round(plan.learning_rate(step), 8) for step in (0, 250, 500, 999)]
        [0.0002, 0.000125, 5e-05, 5e-05]
    """

    options: Options
    steps: int

    @property
    def horizon(self) -> float:
        """Steps until the last values are reached."""
        return self.options.horizon * self.steps

    def done(self, step: int) -> float:
        """Return how far the numbers have moved at a step, from 0 to 1, along half a wave of a cosine."""
        if step >= self.horizon:
            return 1.0
        return 0.5 * (1 - math.cos(math.pi * step / self.horizon))

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of both networks."""
        return self._between(self.options.learning_rate, LAST_RATE * self.options.learning_rate, step)

    def betas(self, step: int) -> tuple[float, float]:
        """Return the betas of Adam."""
        return 0.0, self._between(FIRST_BETA, LAST_BETA, step)

    def penalty_weight(self, step: int) -> float:
        """Return gamma, the weight of R1 and R2 before it is halved."""
        return self._between(self.options.penalty_weight, LAST_PENALTY * self.options.penalty_weight, step)

    def augmentation(self, step: int) -> float:
        """Return the probability of each change of a picture."""
        return self._between(0.0, self.options.augmentation, step)

    def average_decay(self, step: int) -> float:
        """Return the share that the average of weights keeps."""
        half_life = self._between(0.0, self.options.average_half_life * self.horizon, step)
        return 0.5 ** (1 / half_life) if half_life else 0.0

    def _between(self, first: float, last: float, step: int) -> float:
        return first + self.done(step) * (last - first)
