"""Evaluation of a generator trained on renders, where all labels of real pictures are known."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge import render_fresh
from examples.anime_faces.metrics._asked import ALL_PAIRS, Pair, balanced_pairs
from examples.anime_faces.metrics._by_class import class_figures, rate_figures
from examples.anime_faces.metrics._classification_score import LEAST_SAMPLES, classification_score, score_figures
from examples.anime_faces.metrics._closeness import closeness_figures, parts_figures
from examples.anime_faces.metrics._copies import QUERIES, copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._evaluation import Evaluation, Figure, Generate
from examples.anime_faces.metrics._plan import DEFAULT_SAMPLES, SMALLEST, SWEEP
from examples.anime_faces.metrics._readings import color_figures, variety_figures
from examples.anime_faces.metrics._spectrum import spectrum_figures
from examples.anime_faces.metrics._tools import Costs, Tools

REFERENCE = 6_000
"""Number of real pictures in each of the two sets that samples are compared with, unless there are fewer samples."""

UNREAD_NOTE = "Figures of asked colors and the classification score are left out: the recipe does not read labels."

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
        reads_labels: Whether ``generate`` draws what is asked for. If not, figures of what was asked for are left out.
        pairs: The pairs that are requested. Default: all.
        further: By label beside the colors, whether each sample is to have it. Default: there are none.

    Raises:
        ValueError: ``samples`` is below 264, or ``generate`` does not return pictures of the right size.
    """
    tools = tools or Tools()
    evaluation = Evaluation(samples=samples, reference=min(samples, REFERENCE), seed=seed, until=until)
    pictures = _gather(evaluation, generate, knobs, training_images.shape[1], tools, pairs=pairs)
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
    """Return whether to measure the classification score: if it is wanted, and samples and time suffice."""
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


def _gather(
    evaluation: Evaluation, generate: Generate, knobs: Knobs, size: int, tools: Tools, *, pairs: Sequence[Pair]
) -> _Pictures:
    if evaluation.samples < SMALLEST:
        raise ValueError(f"samples must be at least {SMALLEST}, two for each pair of colors, got {evaluation.samples}")
    asked = balanced_pairs(evaluation.samples, evaluation.seed, pairs)
    with evaluation.timed("sampling", tools.costs.draw * len(asked)):
        samples = generate(asked)
    if samples.dtype != torch.uint8 or samples.shape != (len(asked), 3, size, size):
        raise ValueError(
            f"generate must return uint8 pictures of shape {(len(asked), 3, size, size)}, "
            f"got {samples.dtype} of shape {tuple(samples.shape)}"
        )
    key = {"seed": evaluation.seed, "count": evaluation.reference, "size": size, "sweep": SWEEP}
    kept = tools.cache.has("renders", key)
    with evaluation.timed("rendering", 0.0 if kept else tools.costs.render * 2 * evaluation.reference):
        renders = _Renders(evaluation=evaluation, asked=asked[: evaluation.reference], knobs=knobs, size=size)
        made = tools.cache.get("renders", key, renders.all) if kept else renders.affordable(tools.costs)
    real, second = made["first"], made["second"]
    if len(real) < evaluation.reference:
        evaluation.shrink(len(real))
        key["count"] = len(real)
    if not kept:
        tools.cache.get("renders", key, lambda: made)
    samples = samples[: evaluation.samples].cpu()
    return _Pictures(asked=asked[: len(samples)], samples=samples, real=real, second=second, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Renders:
    """Makes two sets of renders of the same pairs, side by side, so that both can end after any sweep over the pairs."""

    evaluation: Evaluation
    asked: torch.Tensor
    knobs: Knobs
    size: int

    def all(self) -> dict[str, torch.Tensor]:
        """Render all pairs."""
        return self._made(None)

    def affordable(self, costs: Costs) -> dict[str, torch.Tensor]:
        """Render until no time would be left to look at one more sweep, but at least the smallest number of pairs."""
        start = time.perf_counter()

        def enough(pictures: int) -> bool:
            slowdown = max(1.0, (time.perf_counter() - start) / max(costs.render * pictures, 1e-9))
            looking = slowdown * 3 * costs.read * self._pairs(pictures)
            return self._pairs(pictures) >= SMALLEST and looking > self.evaluation.left

        return self._made(enough)

    def _pairs(self, pictures: int) -> int:
        """Return of how many pairs both pictures are there, in whole sweeps."""
        return len(self.asked) if pictures == 2 * len(self.asked) else pictures // (2 * SWEEP) * SWEEP

    def _made(self, enough: Callable[[int], bool] | None) -> dict[str, torch.Tensor]:
        sweeps = torch.arange(len(self.asked)).split(SWEEP)
        rows = torch.cat([part for sweep in sweeps for part in (sweep, sweep)])
        first = torch.cat([torch.arange(2 * len(sweep)) < len(sweep) for sweep in sweeps])
        pairs = [(int(hair), int(eyes)) for hair, eyes in self.asked[rows].tolist()]
        seed = 1_000_000 + self.evaluation.seed
        images = render_fresh(pairs, seed=seed, knobs=self.knobs, size=self.size, enough=enough).images
        usable = 2 * self._pairs(len(images))
        return {"first": images[:usable][first[:usable]], "second": images[:usable][~first[:usable]]}


def _judge(
    evaluation: Evaluation,
    pictures: _Pictures,
    withheld: tuple[Pair, ...] | None,
    further: Mapping[str, np.ndarray],
    tools: Tools,
) -> None:
    """Add the figures of the judge; those of what was asked for are left out where `withheld` is None."""
    samples = tools.readings(pictures.samples)
    real, second = tools.readings(pictures.real, pictures.keyed(1)), tools.readings(pictures.second, pictures.keyed(2))
    asked = pictures.asked.numpy()
    both = {name: np.concatenate([real[name], second[name]]) for name in real}
    both_asked = np.concatenate([asked[: pictures.count]] * 2)
    if withheld is not None:
        evaluation.add(color_figures(asked, samples, both_asked, both, withheld))
        evaluation.add(*class_figures(asked, {name: of[: len(asked)] for name, of in further.items()}, samples))
    evaluation.add(rate_figures(samples, both))
    first = {name: values[: pictures.count] for name, values in samples.items()}
    evaluation.add(*variety_figures(real, first, second, asked[: pictures.count], seed=evaluation.seed))


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
