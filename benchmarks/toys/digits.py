"""Stacked digits: three real 8x8 digits in three channels, which makes 1,000 modes that a judge can tell apart."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from benchmarks.toys.coverage import divergence_from_even

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
        """Count the stacks of each mode, hundreds being the first channel."""
        named = torch.from_numpy(self.machine.predict(_flat(stacks))).reshape(-1, CHANNELS)
        place_values = CLASSES ** torch.arange(CHANNELS - 1, -1, -1)
        return torch.bincount((named * place_values).sum(1), minlength=MODES)


@cache
def judge() -> Judge:
    """Fit the judge to one half of the digits, always the same, and measure it on the other."""
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
