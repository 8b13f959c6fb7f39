"""Evaluation of a generator trained on renders, where all labels of real pictures are known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS, Knobs
from examples.anime_faces.judge import render_fresh
from examples.anime_faces.metrics._classification_score import LEAST_SAMPLES, classification_score, score_figures
from examples.anime_faces.metrics._closeness import closeness_figures, parts_figures
from examples.anime_faces.metrics._copies import QUERIES, copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._evaluation import Evaluation, Figure, Generate
from examples.anime_faces.metrics._intervals import of_share
from examples.anime_faces.metrics._plan import DEFAULT_SAMPLES, SMALLEST
from examples.anime_faces.metrics._readings import Readings, color_figures, variety_figures
from examples.anime_faces.metrics._spectrum import spectrum_figures
from examples.anime_faces.metrics._tools import Tools

REFERENCE = 6_000
"""Number of real pictures in each of the two sets that samples are compared with, unless there are fewer samples."""

SEARCHED = 5_000
SEARCH_ALL = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """Samples, and two sets of renders of the same colors as the first samples."""

    asked: torch.Tensor
    samples: torch.Tensor
    real: torch.Tensor
    second: torch.Tensor
    key: Mapping[str, object]

    def keyed(self, number: int) -> Mapping[str, object]:
        """Return what the first or second set of renders depends on."""
        return {**self.key, "set": number}

    @property
    def count(self) -> int:
        return len(self.real)

    @property
    def first(self) -> torch.Tensor:
        """The first samples, as many as there are renders in each set."""
        return self.samples[: self.count]


def evaluate_rendered(
    generate: Generate,
    training_images: np.ndarray,
    knobs: Knobs,
    *,
    seed: int = 0,
    samples: int = DEFAULT_SAMPLES,
    score: bool | None = None,
    tools: Tools | None = None,
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

    Raises:
        ValueError: ``samples`` is below 264, or ``generate`` does not return pictures of the right size.
    """
    tools = tools or Tools()
    evaluation = Evaluation(samples=samples, reference=min(samples, REFERENCE), seed=seed)
    pictures = _gather(evaluation, generate, knobs, training_images.shape[1], tools)
    cost = tools.costs.read * pictures.count
    with evaluation.timed("judging", cost):
        _judge(evaluation, pictures, knobs, tools)
    with evaluation.timed("comparing features", 2 * cost):
        _compare(evaluation, pictures, tools)
    with evaluation.timed("comparing spectra"):
        evaluation.add(*spectrum_figures(pictures.real, pictures.first, pictures.second, seed=seed))
    rows = searched_rows(len(training_images), samples)
    with evaluation.timed("looking for copies", tools.costs.read * len(rows) / 3):
        _look_for_copies(evaluation, pictures, training_images[rows], tools)
    if samples >= LEAST_SAMPLES if score is None else score:
        with evaluation.timed("classification score", tools.costs.score):
            evaluation.add(_score(pictures, seed, tools))
    return evaluation


def searched_rows(count: int, samples: int) -> np.ndarray:
    """Return the rows of the training pictures among which copies are searched: all of them for many samples, else 5,000.

    A generator that copies does not choose what it copies, so a part of the pictures shows it too.
    """
    return np.linspace(0, count - 1, min(count, count if samples >= SEARCH_ALL else SEARCHED)).round().astype(np.int64)


def balanced_pairs(count: int, seed: int) -> torch.Tensor:
    """Return class ids of shape ``(count, 2)``: every 132 rows from the start contain each pair once."""
    rng = np.random.default_rng(seed)
    pairs = np.array([(hair, eyes) for hair in range(len(HAIR_COLORS)) for eyes in range(len(EYE_COLORS))])
    sweeps = [rng.permutation(pairs) for _ in range(-(-count // len(pairs)))]
    return torch.from_numpy(np.concatenate(sweeps)[:count])


def _gather(evaluation: Evaluation, generate: Generate, knobs: Knobs, size: int, tools: Tools) -> _Pictures:
    if evaluation.samples < SMALLEST:
        raise ValueError(f"samples must be at least {SMALLEST}, two for each pair of colors, got {evaluation.samples}")
    asked = balanced_pairs(evaluation.samples, evaluation.seed)
    with evaluation.timed("sampling", tools.costs.draw * len(asked)):
        samples = generate(asked)
    if samples.dtype != torch.uint8 or samples.shape != (len(asked), 3, size, size):
        raise ValueError(
            f"generate must return uint8 pictures of shape {(len(asked), 3, size, size)}, "
            f"got {samples.dtype} of shape {tuple(samples.shape)}"
        )
    same = [(int(hair), int(eyes)) for hair, eyes in asked[: evaluation.reference].tolist()]
    key = {"seed": evaluation.seed, "count": len(same), "size": size}

    def render() -> dict[str, torch.Tensor]:
        return {"images": render_fresh(same + same, seed=1_000_000 + evaluation.seed, knobs=knobs, size=size).images}

    expected = 0.0 if tools.cache.has("renders", key) else tools.costs.render * 2 * len(same)
    with evaluation.timed("rendering", expected):
        fresh = tools.cache.get("renders", key, render)["images"]
    return _Pictures(asked=asked, samples=samples.cpu(), real=fresh[: len(same)], second=fresh[len(same) :], key=key)


def _judge(evaluation: Evaluation, pictures: _Pictures, knobs: Knobs, tools: Tools) -> None:
    samples = tools.readings(pictures.samples)
    real, second = tools.readings(pictures.real, pictures.keyed(1)), tools.readings(pictures.second, pictures.keyed(2))
    asked = pictures.asked.numpy()
    both = {name: np.concatenate([real[name], second[name]]) for name in real}
    both_asked = np.concatenate([asked[: pictures.count]] * 2)
    evaluation.add(color_figures(asked, samples, both_asked, both, knobs.withheld_pairs))
    evaluation.add(
        {
            "face_rate": _rate("face", samples, both, "share of samples that the judge takes for a whole face"),
            "highlight_rate": _rate("highlight", samples, both, "share of samples with highlights in the eyes"),
        }
    )
    first = {name: values[: pictures.count] for name, values in samples.items()}
    evaluation.add(*variety_figures(real, first, second, asked[: pictures.count], seed=evaluation.seed))


def _rate(question: str, samples: Readings, real: Readings, about: str) -> Figure:
    value, floor = (float((readings[question] > 0.5).mean()) for readings in (samples, real))
    return Figure(value=value, floor=floor, interval=of_share(value, len(samples[question])), about=about)


def _compare(evaluation: Evaluation, pictures: _Pictures, tools: Tools) -> None:
    sets = ((pictures.real, pictures.keyed(1)), (pictures.first, None), (pictures.second, pictures.keyed(2)))
    own = tools.features is not None
    evaluation.add(closeness_figures(*(tools.vectors(*one) for one in sets), seed=evaluation.seed, own=own))
    evaluation.add(*parts_figures(*(tools.parts(*one) for one in sets), seed=evaluation.seed))


def _look_for_copies(evaluation: Evaluation, pictures: _Pictures, training_images: np.ndarray, tools: Tools) -> None:
    training = torch.from_numpy(np.array(training_images)).permute(0, 3, 1, 2)
    samples, real = pictures.samples[:QUERIES], pictures.real[:QUERIES]
    in_pixels = nearness(*(pixel_vectors(part) for part in (training, samples, real)))
    vectors = tools.encoded(training, {"training": len(training)}), tools.encoded(samples), tools.encoded(real)
    evaluation.add(copy_figures(in_pixels, nearness(*vectors)))


def _score(pictures: _Pictures, seed: int, tools: Tools) -> dict[str, Figure]:
    held_out = torch.cat([pictures.real, pictures.second])
    truth = pictures.asked[: pictures.count].repeat(2, 1)
    found = classification_score(pictures.samples, pictures.asked, held_out, truth, seed=seed, hardware=tools.hardware)
    return score_figures(found, len(held_out))
