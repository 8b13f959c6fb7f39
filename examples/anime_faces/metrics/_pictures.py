"""Evaluation of a generator trained on the user's own pictures, of which only the pixels are known."""

import numpy as np
import torch

from examples.anime_faces.metrics._evaluation import Evaluation, Generate
from examples.anime_faces.metrics._features import Features, closeness_figures, vectors_of
from examples.anime_faces.metrics._spectrum import spectrum_figures

LEAST = 12
"""Smallest number of pictures in each half of the data set, so that each picture has a fifth neighbor."""

JUDGE_WITHHELD = (
    "Figures of the judge (colors, factors that were not requested, classification score) are left out: it was trained only on "
    "rendered faces, so its readings of other pictures mean nothing."
)
COPIES_WITHHELD = (
    "Distances to the nearest training picture are left out: all pictures may have been used for training, so there are no "
    "held-out ones to compare with."
)
ENCODER_NOTE = (
    "FID, KID, precision, recall, density and coverage are in the space of an encoder that was trained only on rendered "
    "faces. They compare generators of one data set. The numbers in papers need another feature network: name one with "
    "--features package.module:callable."
)


def evaluate_pictures(
    generate: Generate,
    images: np.ndarray,
    class_ids: np.ndarray,
    *,
    rows: np.ndarray | None = None,
    seed: int = 0,
    samples: int = 12_000,
    features: Features | None = None,
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Compare a generator with the pictures that it was trained on.

    The data set is divided at random: samples are compared with the first half, and the second half replaces them in the
    floors. The samples are drawn for the classes of the first half.

    Args:
        generate: Takes class ids, int64 of shape ``(n, attributes)`` with -1 where a picture has no class, and returns uint8
            pictures ``(n, 3, size, size)``.
        images: The data set, uint8 of shape ``(n, size, size, 3)``.
        class_ids: int64 of shape ``(n, attributes)``, without columns where there are no labels; or any other rows that
            `generate` takes.
        rows: Rows of the pictures to use. Default: all.
        seed: Seed of the division and of the kernel distance.
        samples: Largest number of samples; at most half the size of the data set is drawn.
        features: Feature network. Default: the encoder.
        device: Device of the network.

    Raises:
        ValueError: There are too few pictures or samples.
    """
    rows = np.arange(len(images)) if rows is None else rows
    count = min(samples, len(rows) // 2)
    if count < LEAST:
        raise ValueError(f"samples and half the pictures must be at least {LEAST}, got {samples} and {len(rows) // 2}")
    evaluation = Evaluation(samples=count, reference=count, seed=seed)
    order = np.random.default_rng(seed).permutation(rows)
    first, second = np.sort(order[:count]), np.sort(order[count : 2 * count])
    with evaluation.timed("sampling"):
        drawn = generate(torch.from_numpy(class_ids[first])).cpu()
    real, other = _pictures(images, first), _pictures(images, second)
    with evaluation.timed("comparing features"):
        evaluation.add(closeness_figures(*vectors_of((real, drawn, other), features, device), seed=seed))
        if features is None:
            evaluation.notes.append(ENCODER_NOTE)
    with evaluation.timed("comparing spectra"):
        evaluation.add(*spectrum_figures(real, drawn, other))
    evaluation.notes += [JUDGE_WITHHELD, COPIES_WITHHELD]
    return evaluation


def _pictures(images: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[rows]).permute(0, 3, 1, 2)
