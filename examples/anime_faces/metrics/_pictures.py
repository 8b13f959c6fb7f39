"""Evaluation of a generator trained on the user's own pictures, of which only the pixels are known."""

import numpy as np
import torch

from examples.anime_faces.metrics._closeness import closeness_figures, parts_figures
from examples.anime_faces.metrics._copies import QUERIES, copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._evaluation import Evaluation, Generate
from examples.anime_faces.metrics._plan import DEFAULT_SAMPLES
from examples.anime_faces.metrics._spectrum import spectrum_figures
from examples.anime_faces.metrics._tools import Tools

MOST_SEARCHED = 12_000
"""Most pictures of the data set among which copies are searched."""

LEAST = 12
"""Smallest number of pictures in each half of the data set, so that each picture has a fifth neighbor."""

JUDGE_WITHHELD = (
    "Figures of the judge (colors, factors that were not requested, classification score) are left out: it was trained only on "
    "rendered faces, so its readings of other pictures mean nothing."
)
COPIES_NOTE = (
    "All pictures may have been used for training, so there are no held-out ones: copies are samples that are nearer to a "
    "picture of the data set than 99 of 100 pictures are to the nearest other one."
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
    samples: int = DEFAULT_SAMPLES,
    tools: Tools | None = None,
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
        tools: What figures are computed with. Default: the CPU, the encoder, and no cache.

    Raises:
        ValueError: There are too few pictures or samples.
    """
    tools = tools or Tools()
    rows = np.arange(len(images)) if rows is None else rows
    count = min(samples, len(rows) // 2)
    if count < LEAST:
        raise ValueError(f"samples and half the pictures must be at least {LEAST}, got {samples} and {len(rows) // 2}")
    evaluation = Evaluation(samples=count, reference=count, seed=seed)
    order = np.random.default_rng(seed).permutation(rows)
    first, second = np.sort(order[:count]), np.sort(order[count : 2 * count])
    with evaluation.timed("sampling", tools.costs.draw * count):
        drawn = generate(torch.from_numpy(class_ids[first])).cpu()
    real, other = _pictures(images, first), _pictures(images, second)
    key = {"seed": seed, "count": count, "of": len(rows)}
    sets = ((real, {**key, "half": 1}), (drawn, None), (other, {**key, "half": 2}))
    with evaluation.timed("comparing features", 3 * tools.costs.read * count):
        own = tools.features is not None
        evaluation.add(closeness_figures(*(tools.vectors(*one) for one in sets), seed=seed, own=own))
        evaluation.add(*parts_figures(*(tools.parts(*one) for one in sets), seed=seed))
        evaluation.notes += [] if own else [ENCODER_NOTE]
    with evaluation.timed("comparing spectra"):
        evaluation.add(*spectrum_figures(real, drawn, other, seed=seed))
    with evaluation.timed("looking for copies"):
        searched = pixel_vectors(_pictures(images, np.sort(order[:MOST_SEARCHED])))
        evaluation.add(copy_figures(nearness(searched, pixel_vectors(drawn[:QUERIES]), None)))
    evaluation.notes += [JUDGE_WITHHELD, COPIES_NOTE]
    return evaluation


def _pictures(images: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[rows]).permute(0, 3, 1, 2)
