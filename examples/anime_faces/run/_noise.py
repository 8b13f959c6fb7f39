"""What is done with the noise of a picture when it is drawn: large numbers are drawn again, and all are multiplied."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

Latents = Callable[..., torch.Tensor]
LEAST_TRUNCATION = 0.1
MOST_DRAWS = (
    2000  # of normal numbers, one in 12 is within the smallest truncation: after 500 draws none is left outside
)
AGAIN = 0x5DEECE66D  # keeps the numbers that are drawn again apart from those of other seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """How the noise of pictures differs from that of training.

    Args:
        temperature: What all numbers are multiplied by, after numbers were drawn again.
        truncation: Numbers that are farther from 0 than this are drawn again until they are not. None: none is.

    Raises:
        ValueError: The temperature is negative or not finite, or the truncation is below 0.1 or not finite.

    Example:
        >>> print(Noise(temperature=0.7, truncation=2.0))
        temperature 0.7, truncation 2
    """

    temperature: float = 1.0
    truncation: float | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense, by their flags."""
        if not 0 <= self.temperature < math.inf:
            raise ValueError(f"--temperature must be 0 or more and finite, but it is {self.temperature}")
        if self.truncation is not None and not LEAST_TRUNCATION <= self.truncation < math.inf:
            raise ValueError(
                f"--truncation must be at least {LEAST_TRUNCATION} and finite, but it is {self.truncation}"
                + (": --temperature makes all noise smaller" if self.truncation < LEAST_TRUNCATION else "")
            )

    @property
    def changes(self) -> dict[str, float]:
        """By what it differs from the noise of training, by name; empty if by nothing."""
        changes = {} if self.temperature == 1 else {"temperature": self.temperature}
        return changes if self.truncation is None else {**changes, "truncation": self.truncation}

    def __str__(self) -> str:
        """Return these differences in words."""
        return ", ".join(f"{name} {value:g}" for name, value in self.changes.items())

    def draw(self, latents: Latents, count: int, rng: torch.Generator) -> torch.Tensor:
        """Draw the noise of pictures.

        With the same generator, numbers that are not drawn again are those that would be drawn without a truncation, and the
        generator is left in the same state.

        Args:
            latents: Draws the noise of training, called as ``latents(count, rng=generator)``.
            count: How many.
            rng: Where they are drawn from.

        Raises:
            ValueError: Numbers are hardly ever within the truncation.
        """
        drawn = latents(count, rng=rng)
        if self.truncation is not None:
            drawn = _within(self.truncation, drawn, latents, torch.Generator().manual_seed(rng.initial_seed() ^ AGAIN))
        return self.temperature * drawn


def _within(truncation: float, drawn: torch.Tensor, latents: Latents, rng: torch.Generator) -> torch.Tensor:
    for _ in range(MOST_DRAWS):
        outside = drawn.abs() > truncation
        if not outside.any():
            return drawn
        drawn = torch.where(outside, latents(len(drawn), rng=rng), drawn)
    raise ValueError(f"--truncation {truncation} leaves hardly any noise of this recipe: raise it")
