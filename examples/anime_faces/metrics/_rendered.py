"""Evaluation of a generator trained on renders, where all labels of real pictures are known."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from examples.anime_faces.data.render import Knobs
from examples.anime_faces.metrics._asked import ALL_PAIRS, Pair
from examples.anime_faces.metrics._by_class import class_figures, notes_on_faces, rate_figures
from examples.anime_faces.metrics._classification_score import LEAST_SAMPLES, classification_score, score_figures
from examples.anime_faces.metrics._closeness import closeness_figures, parts_figures
from examples.anime_faces.metrics._copies import QUERIES, copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._evaluation import Evaluation, Figure, Generate
from examples.anime_faces.metrics._gathering import REFERENCE, Pictures, gather
from examples.anime_faces.metrics._plan import DEFAULT_SAMPLES
from examples.anime_faces.metrics._readings import color_figures, variety_figures
from examples.anime_faces.metrics._spectrum import spectrum_figures
from examples.anime_faces.metrics._tools import Tools

UNREAD_NOTE = "Figures of requested colors and the classification score are left out: the recipe does not read labels."

SEARCHED = 5_000
SEARCH_ALL = 12_000


def evaluate_rendered(
    generate: Generate,
    training_images: np.ndarray,
    knobs: Knobs,
    *,
    seed: int = 0,
    samples: int = DEFAULT_SAMPLES,
    score: bool | None = None,
    tools: Tools | None = None,
    until: float = math.inf,
    reads_labels: bool = True,
    pairs: Sequence[Pair] = ALL_PAIRS,
    further: Mapping[str, np.ndarray] | None = None,
) -> Evaluation:
    """Compare a generator of faces with fresh renders.

    Every pair of colors is requested equally often, whatever the shares in the data set, and the renders that samples are
    compared with show the same pairs. The figures therefore do not depend on which colors were requested.

    Args:
        generate: Takes class ids (hair, eyes), int64 of shape ``(n, 2)``, and returns uint8 pictures ``(n, 3, size, size)``.
        training_images: The training data of the generator, uint8 of shape ``(n, size, size, 3)``.
        knobs: The knobs of the data set; its withheld pairs are reported separately.
        seed: Seed of the order of the pairs, of the fresh renders and of the classification score.
        samples: Number of samples, at least 264.
        score: Whether to measure the classification score. Default: if there are enough samples for it.
        tools: What figures are computed with. Default: the CPU, the encoder, and no cache.
        until: When it should be done, as `time.perf_counter` counts. Where the machine turns out slower than `tools` say, fewer
            renders are made and as many samples are compared with them, and the classification score is left out.
        reads_labels: Whether ``generate`` draws what is requested. If not, figures of what was requested are left out.
        pairs: The pairs that are requested. Default: all.
        further: By label beside the colors, whether each sample is to have it. Default: there are none.

    Raises:
        ValueError: ``samples`` is below 264, or ``generate`` does not return pictures of the right size.
    """
    tools = tools or Tools()
    evaluation = Evaluation(samples=samples, reference=min(samples, REFERENCE), seed=seed, until=until)
    pictures = gather(
        evaluation, generate, knobs, training_images.shape[1], tools, pairs=pairs, labels=tuple(further or ())
    )
    withheld = tuple(pair for pair in knobs.withheld_pairs if pair in pairs) if reads_labels else None
    cost = tools.costs.read * pictures.count
    with evaluation.timed("judging", cost):
        _judge(evaluation, pictures, withheld, further or {}, tools)
    with evaluation.timed("comparing features", 2 * cost):
        _compare(evaluation, pictures, tools)
    with evaluation.timed("comparing spectra"):
        evaluation.add(*spectrum_figures(pictures.real, pictures.first, pictures.second, seed=seed))
    rows = searched_rows(len(training_images), evaluation.samples)
    with evaluation.timed("looking for copies", tools.costs.read * len(rows) / 3):
        _look_for_copies(evaluation, pictures, training_images[rows], tools)
    if not reads_labels:
        evaluation.notes.append(UNREAD_NOTE)
    elif _affords_score(evaluation, score, tools):
        with evaluation.timed("classification score", tools.costs.score):
            evaluation.add(_score(pictures, seed, tools))
    return evaluation


def _affords_score(evaluation: Evaluation, wanted: bool | None, tools: Tools) -> bool:
    """Return whether to measure the classification score: if it is requested, and samples and time suffice."""
    if wanted is False or (wanted is None and evaluation.samples < LEAST_SAMPLES):
        return False
    needed, left = evaluation.slowdown * tools.costs.score, evaluation.left
    if evaluation.samples < LEAST_SAMPLES:
        evaluation.notes.append(f"The classification score is left out: it needs {LEAST_SAMPLES:,} samples.")
    elif needed > left:
        evaluation.notes.append(
            f"The classification score is left out: it takes about {needed:.0f} s, and {max(0.0, left):.0f} s were left."
        )
    else:
        return True
    return False


def searched_rows(count: int, samples: int) -> np.ndarray:
    """Return the rows of the training pictures among which copies are searched: all of them for many samples, else 5,000.

    A generator that copies does not choose what it copies, so a part of the pictures shows it too.
    """
    return np.linspace(0, count - 1, min(count, count if samples >= SEARCH_ALL else SEARCHED)).round().astype(np.int64)


def _judge(
    evaluation: Evaluation,
    pictures: Pictures,
    withheld: tuple[Pair, ...] | None,
    further: Mapping[str, np.ndarray],
    tools: Tools,
) -> None:
    """Add the figures of the judge; those of what was requested are left out where `withheld` is None."""
    samples = tools.readings(pictures.samples)
    real, second = tools.readings(pictures.real, pictures.keyed(1)), tools.readings(pictures.second, pictures.keyed(2))
    asked = pictures.asked.numpy()
    both = {name: np.concatenate([real[name], second[name]]) for name in real}
    both_asked = np.concatenate([asked[: pictures.count]] * 2)
    if withheld is not None:
        evaluation.add(color_figures(asked, samples, both_asked, both, withheld))
        wanted = {name: of[: len(asked)] for name, of in further.items()}
        evaluation.add(*class_figures(asked, wanted, samples, pictures.shown, both))
    evaluation.add(rates := rate_figures(samples, both))
    evaluation.notes += notes_on_faces(rates)
    first = {name: values[: pictures.count] for name, values in samples.items()}
    evaluation.add(*variety_figures(real, first, second, asked[: pictures.count], seed=evaluation.seed))


def _compare(evaluation: Evaluation, pictures: Pictures, tools: Tools) -> None:
    sets = ((pictures.real, pictures.keyed(1)), (pictures.first, None), (pictures.second, pictures.keyed(2)))
    own = tools.features is not None
    evaluation.add(closeness_figures(*(tools.vectors(*one) for one in sets), seed=evaluation.seed, own=own))
    evaluation.add(*parts_figures(*(tools.parts(*one) for one in sets), seed=evaluation.seed))


def _look_for_copies(evaluation: Evaluation, pictures: Pictures, training_images: np.ndarray, tools: Tools) -> None:
    training = torch.from_numpy(np.array(training_images)).permute(0, 3, 1, 2)
    samples, real = pictures.samples[:QUERIES], pictures.real[:QUERIES]
    in_pixels = nearness(*(pixel_vectors(part) for part in (training, samples, real)))
    vectors = tools.encoded(training, {"training": len(training)}), tools.encoded(samples), tools.encoded(real)
    evaluation.add(copy_figures(in_pixels, nearness(*vectors)))


def _score(pictures: Pictures, seed: int, tools: Tools) -> dict[str, Figure]:
    held_out = torch.cat([pictures.real, pictures.second])
    truth = pictures.asked[: pictures.count].repeat(2, 1)
    found = classification_score(pictures.samples, pictures.asked, held_out, truth, seed=seed, hardware=tools.hardware)
    return score_figures(found, len(held_out))
