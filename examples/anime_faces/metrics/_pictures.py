"""Evaluation of a generator trained on the user's own pictures, of which only the pixels are known."""

import math
from collections.abc import Sequence

import numpy as np
import torch

from examples.anime_faces.metrics._closeness import closeness_figures, parts_figures
from examples.anime_faces.metrics._copies import QUERIES, copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._evaluation import Evaluation, Generate
from examples.anime_faces.metrics._plan import DEFAULT_SAMPLES, FEWEST
from examples.anime_faces.metrics._spectrum import spectrum_figures
from examples.anime_faces.metrics._tools import Key, Tools

MOST_SEARCHED = 12_000
"""Most pictures of the data set among which copies are searched."""

LEAST = 12
"""Smallest number of pictures in each half of the data set, so that each picture has a fifth neighbor."""

FLAT = 8
"""Pictures that vary less than this many of 255 levels are flat: their spectrum would be that of rounding."""

JUDGE_WITHHELD = (
    "Figures of the judge (colors, factors that were not requested, classification score) are left out: it was trained only on "
    "rendered faces, so its readings of other pictures mean nothing."
)
COPIES_NOTE = (
    "All pictures may have been used for training, so there are no held-out ones: copies are samples that are nearer to a "
    "picture of the data set than 99 of 100 pictures are to the nearest other one."
)
OTHERS_NOTE = (
    "The pictures are not the data set that the run was trained on: copies are samples that are nearer to a picture of that "
    "data set than 99 of 100 of these pictures are."
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
    trained: np.ndarray | None = None,
    seed: int = 0,
    samples: int = DEFAULT_SAMPLES,
    tools: Tools | None = None,
    until: float = math.inf,
) -> Evaluation:
    """Compare a generator with the pictures that it was trained on, or with others of their kind.

    The data set is divided at random: samples are compared with the first half, and the second half replaces them in the
    floors. The samples are drawn for the classes of the first half.

    Args:
        generate: Takes class ids, int64 of shape ``(n, attributes)`` with -1 where a picture has no class, and returns uint8
            pictures ``(n, 3, size, size)``.
        images: The data set, uint8 of shape ``(n, size, size, 3)``.
        class_ids: int64 of shape ``(n, attributes)``, without columns where there are no labels; or any other rows that
            `generate` takes.
        rows: Rows of the pictures to use. Default: all.
        trained: The pictures of the training, as `images`, among which copies are searched. Default: `images`.
        seed: Seed of the division and of the kernel distance.
        samples: Largest number of samples; at most half the size of the data set is drawn.
        tools: What figures are computed with. Default: the CPU, the encoder, and no cache.
        until: When it should be done, as `time.perf_counter` counts. Where drawing was slower than `tools` say, fewer samples
            are compared.

    Where there are too few pictures for a figure, a note says so instead.
    """
    tools = tools or Tools()
    rows = np.arange(len(images)) if rows is None else rows
    count = min(samples, len(rows) // 2)
    evaluation = Evaluation(samples=count, reference=count, seed=seed, until=until)
    evaluation.notes += notes_on_pictures(len(rows), own=tools.features is not None, others=trained is not None)
    if count == 0:
        return evaluation
    order = np.random.default_rng(seed).permutation(rows)
    first, second = np.sort(order[:count]), np.sort(order[count : 2 * count])
    with evaluation.timed("sampling", tools.costs.draw * count):
        drawn = generate(torch.from_numpy(class_ids[first])).cpu()
    affordable = (
        int(evaluation.left / max(evaluation.slowdown * 3 * tools.costs.read, 1e-9)) if until < math.inf else count
    )
    if affordable < count:
        count = max(min(count, FEWEST), affordable)
        kept = np.isin(first, order[:count])
        drawn, first, second = drawn[torch.from_numpy(kept)], first[kept], np.sort(order[count : 2 * count])
        evaluation.shrink(count)
    real, other = _pictures(images, first), _pictures(images, second)
    if count >= LEAST:
        key = {"seed": seed, "count": count, "of": len(rows)}
        with evaluation.timed("comparing features", 3 * tools.costs.read * count):
            _compare(evaluation, ((real, {**key, "half": 1}), (drawn, None), (other, {**key, "half": 2})), tools)
    with evaluation.timed("comparing spectra"):
        if _flat(real) or _flat(other):
            evaluation.notes.append("The spectrum is left out: all pictures are flat.")
        else:
            evaluation.add(*spectrum_figures(real, drawn, other, seed=seed))
    with evaluation.timed("looking for copies"):
        if trained is None:
            searched, held_out = _pictures(images, np.sort(order[:MOST_SEARCHED])), None
        else:
            searched = _pictures(
                trained, np.sort(np.random.default_rng(seed).permutation(len(trained))[:MOST_SEARCHED])
            )
            held_out = pixel_vectors(_pictures(images, np.sort(order[:QUERIES])))
        evaluation.add(copy_figures(nearness(pixel_vectors(searched), pixel_vectors(drawn[:QUERIES]), held_out)))
    return evaluation


def notes_on_pictures(pictures: int, *, own: bool = False, others: bool = False) -> list[str]:
    """Return which figures are left out for this number of the user's own pictures, and what the others mean.

    Args:
        pictures: Number of pictures that can be used.
        own: Whether the user names a feature network.
        others: Whether they are not the pictures that the run was trained on.
    """
    if pictures < 2:
        return [f"Nothing can be compared: at least 2 pictures are needed, and there are {pictures}."]
    if pictures < 2 * LEAST:
        compared = (
            f"FID, KID, precision, recall, density, coverage and the distances of parts are left out: they need {2 * LEAST} "
            f"pictures, and there are {pictures}."
        )
    else:
        compared = "" if own else ENCODER_NOTE
    return [*([compared] if compared else []), JUDGE_WITHHELD, OTHERS_NOTE if others else COPIES_NOTE]


def _compare(evaluation: Evaluation, sets: Sequence[tuple[torch.Tensor, Key | None]], tools: Tools) -> None:
    seed = evaluation.seed
    vectors, parts = ([look(*one) for one in sets] for look in (tools.vectors, tools.parts))
    evaluation.add(closeness_figures(*vectors, seed=seed, own=tools.features is not None))
    evaluation.add(*parts_figures(*parts, seed=seed))


def _flat(images: torch.Tensor) -> bool:
    """Return whether no picture has any detail, so that there is no spectrum to compare."""
    return bool((images.amax(dim=(2, 3)).int() - images.amin(dim=(2, 3)).int()).max() <= FLAT)


def _pictures(images: np.ndarray, rows: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[rows]).permute(0, 3, 1, 2)
