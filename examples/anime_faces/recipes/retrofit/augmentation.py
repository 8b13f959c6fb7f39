"""Adaptive augmentation: how often the critic sees changed pictures follows how sure it is of real ones."""

from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes.retrofit.options import Options
from examples.anime_faces.systems import Scalars, Stateful, of_one_rank

SIGN, PROBABILITY = "augmentation/mean sign of real scores", "augmentation/probability"
CHANGES = gk.augment.GeometricTransformation()
"""The changes of ADA without those of colors, which labels name: mirror, quarter turns, moves, stretches and rotations."""


class AdaptiveAugmentation:
    """Changes of every picture that the critic scores, real or generated, each with the same probability.

    The probability starts at 0. At every fourth round it moves by the pictures of four rounds, as a share of 500,000: up if the
    mean sign of the real scores of these rounds is above 0.6, else down. The critic's terms return the sign as a reading, so
    that nothing waits for the device.

    Args:
        options: The numbers, or that there is no augmentation.
        device: Where the pictures are.
    """

    def __init__(self, options: Options, device: torch.device) -> None:
        self._adaptive = gk.losses.AdaptiveProbability(
            target=options.augmentation_target, length=options.augmentation_pictures, device=device
        )
        self._signs = torch.zeros((), device=device)
        self._on, self._every, self._batch_size = options.augmentation, options.augmentation_every, options.batch_size
        self._step = 0

    @property
    def probability(self) -> torch.Tensor:
        """The current probability of each change, a 0-d tensor that is filled in place."""
        return self._adaptive.probability

    @property
    def parts(self) -> dict[str, Stateful]:
        """What changes and is not a pure function of the step: this, if there is augmentation."""
        return {"augmentation": self} if self._on else {}

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the pictures as the critic sees them."""
        return CHANGES(images, strength=self.probability) if self._on else images

    def plan(self, step: int) -> None:
        """Note the step that comes next."""
        self._step = step

    def readings(self, real_scores: torch.Tensor) -> Scalars:
        """Return what `follow` needs, and the probability, which is logged."""
        if not self._on:
            return {}
        return {SIGN: self._adaptive.mean_sign(real_scores), PROBABILITY: self.probability.clone()}

    def follow(self, readings: Scalars) -> None:
        """Add the sign of a round, and move the probability where enough rounds are together."""
        if not self._on:
            return
        self._signs.add_(readings[SIGN])
        if (self._step + 1) % self._every == 0:
            self._adaptive.move(self._signs / self._every, self._every * of_one_rank(self._batch_size))
            self._signs.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Return the probability, and the signs of the rounds since it moved."""
        return {"probability": self._adaptive.state_dict(), "signs": self._signs.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned, in place."""
        self._adaptive.load_state_dict(state["probability"])
        self._signs.copy_(state["signs"])
