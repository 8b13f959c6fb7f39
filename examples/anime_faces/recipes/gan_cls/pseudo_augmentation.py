"""Adaptive pseudo augmentation: generated pictures in the places of real ones, as many as the critic is sure."""

from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes.gan_cls.cheat import PROBABILITY, SIGN
from examples.anime_faces.systems import Scalars, Stateful, of_one_rank

TARGET = 0.6
"""Mean sign of the scores of real pictures that is held."""
INTERVAL = 4
"""Rounds from one change of the probability to the next."""
LENGTH = 500_000
"""Pictures in which the probability changes by 1."""


class PseudoAugmentation:
    """Replace each real picture with a probability by a generated one of the same text, which is then scored as real.

    The probability starts at 0. At every fourth round it rises or falls by 4 batches of `LENGTH` pictures: it rises if the mean
    sign of the scores of what was shown as real in these rounds is above `TARGET`.

    Args:
        batch_size: Pictures in one batch.
        device: Where the pictures are.

    Attributes:
        probability: The current probability, a 0-d tensor that is filled in place.
        parts: This object, whose state checkpoints hold.

    Reference:
        Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data", section 3.
    """

    def __init__(self, batch_size: int, device: torch.device) -> None:
        self._adaptive = gk.losses.AdaptiveProbability(target=TARGET, length=LENGTH, device=device)
        self._signs = torch.zeros(INTERVAL, device=device)
        self._batch_size, self._place = batch_size, 0
        self.probability = self._adaptive.probability
        self.parts: dict[str, Stateful] = {"apa": self}

    def plan(self, step: int) -> None:
        """Note which round of the interval comes next."""
        self._place = step % INTERVAL

    def labels(self, fake_scores: torch.Tensor) -> None:
        """Return no labels: generated pictures on the fake side are fake."""
        del fake_scores

    def mixed(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """Return the real pictures, some of them replaced by the generated pictures at the same places."""
        return gk.augment.mix_in_fakes(real, fake, self.probability)

    def readings(self, real_scores: torch.Tensor) -> Scalars:
        """Return how sure the critic is of what it was shown as real, and the probability."""
        return {SIGN: self._adaptive.mean_sign(real_scores), PROBABILITY: self.probability.clone()}

    def follow(self, readings: Scalars) -> None:
        """Keep the mean sign of a round, and after the last one of an interval move the probability."""
        self._signs[self._place] = readings[SIGN]
        if self._place == INTERVAL - 1:
            self._adaptive.move(self._signs.mean(), INTERVAL * of_one_rank(self._batch_size))

    def state_dict(self) -> dict[str, Any]:
        """Return the probability and the mean signs of the interval so far."""
        return {"probability": self._adaptive.state_dict(), "signs": self._signs.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned."""
        self._adaptive.load_state_dict(state["probability"])
        self._signs.copy_(state["signs"])
