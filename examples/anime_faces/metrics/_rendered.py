"""Evaluation of a generator trained on renders, where all labels of real pictures are known."""

from dataclasses import dataclass

import numpy as np
import torch

from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS, Knobs
from examples.anime_faces.judge import load_judge, read, render_fresh
from examples.anime_faces.metrics._classification_score import classification_score, score_figures
from examples.anime_faces.metrics._copies import copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._evaluation import Evaluation, Figure, Generate
from examples.anime_faces.metrics._features import Features, closeness_figures, vectors_of
from examples.anime_faces.metrics._readings import Readings, color_figures, variety_figures
from examples.anime_faces.metrics._spectrum import spectrum_figures

REFERENCE = 6_000
"""Number of real pictures in each of the two sets that samples are compared with, unless there are fewer samples."""

QUERIES = 1_000
"""Number of samples whose nearest training picture is searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pictures:
    """Samples, and two sets of renders of the same colors as the first samples."""

    asked: torch.Tensor
    samples: torch.Tensor
    real: torch.Tensor
    second: torch.Tensor

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
    samples: int = 12_000,
    features: Features | None = None,
    device: torch.device | str = "cpu",
) -> Evaluation:
    """Compare a generator of faces with fresh renders.

    Every pair of colors is requested equally often, whatever the shares in the data set, and the renders that samples are
    compared with show the same pairs. The figures therefore do not depend on which colors were requested.

    Args:
        generate: Takes class ids (hair, eyes), int64 of shape ``(n, 2)``, and returns uint8 pictures ``(n, 3, size, size)``.
        training_images: The training data of the generator, uint8 of shape ``(n, size, size, 3)``.
        knobs: The knobs of the data set; its withheld pairs are reported separately.
        seed: Seed of the order of the pairs, of the fresh renders and of the classification score.
        samples: Number of samples, at least 264; the thresholds are meant for 12,000.
        features: Feature network for FID, KID, precision, recall, density and coverage. Default: the encoder.
        device: Device of judge and encoder.

    Raises:
        ValueError: ``samples`` is below 264, or ``generate`` does not return pictures of the right size.
    """
    evaluation = Evaluation(samples=samples, reference=min(samples, REFERENCE), seed=seed)
    size = training_images.shape[1]
    pictures = _gather(evaluation, generate, knobs, size)
    with evaluation.timed("judging"):
        _judge(evaluation, pictures, knobs, device)
    with evaluation.timed("comparing features"):
        _compare(evaluation, pictures, features, device)
    with evaluation.timed("comparing spectra"):
        evaluation.add(*spectrum_figures(pictures.real, pictures.first, pictures.second))
    with evaluation.timed("looking for copies"):
        _look_for_copies(evaluation, pictures, training_images, device)
    with evaluation.timed("classification score"):
        held_out = torch.cat([pictures.real, pictures.second])
        truth = pictures.asked[: pictures.count].repeat(2, 1)
        score = classification_score(pictures.samples, pictures.asked, held_out, truth, seed=seed)
    figures, note = score_figures(score, samples)
    evaluation.add(figures)
    evaluation.notes.append(note)
    return evaluation


def balanced_pairs(count: int, seed: int) -> torch.Tensor:
    """Return class ids of shape ``(count, 2)``: every 132 rows from the start contain each pair once."""
    rng = np.random.default_rng(seed)
    pairs = np.array([(hair, eyes) for hair in range(len(HAIR_COLORS)) for eyes in range(len(EYE_COLORS))])
    sweeps = [rng.permutation(pairs) for _ in range(-(-count // len(pairs)))]
    return torch.from_numpy(np.concatenate(sweeps)[:count])


def _gather(evaluation: Evaluation, generate: Generate, knobs: Knobs, size: int) -> _Pictures:
    least = 2 * len(HAIR_COLORS) * len(EYE_COLORS)
    if evaluation.samples < least:
        raise ValueError(f"samples must be at least {least}, two for each pair of colors, got {evaluation.samples}")
    asked = balanced_pairs(evaluation.samples, evaluation.seed)
    with evaluation.timed("sampling"):
        samples = generate(asked)
    if samples.dtype != torch.uint8 or samples.shape != (len(asked), 3, size, size):
        raise ValueError(
            f"generate must return uint8 pictures of shape {(len(asked), 3, size, size)}, "
            f"got {samples.dtype} of shape {tuple(samples.shape)}"
        )
    same = [(int(hair), int(eyes)) for hair, eyes in asked[: evaluation.reference].tolist()]
    with evaluation.timed("rendering"):
        fresh = render_fresh(same + same, seed=1_000_000 + evaluation.seed, knobs=knobs, size=size).images
    return _Pictures(asked=asked, samples=samples.cpu(), real=fresh[: len(same)], second=fresh[len(same) :])


def _judge(evaluation: Evaluation, pictures: _Pictures, knobs: Knobs, device: torch.device | str) -> None:
    judge = load_judge(device)
    samples, real, second = (read(judge, images) for images in (pictures.samples, pictures.real, pictures.second))
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
    evaluation.add(*variety_figures(real, first, second, asked[: pictures.count]))


def _rate(question: str, samples: Readings, real: Readings, about: str) -> Figure:
    value, floor = (float((readings[question] > 0.5).mean()) for readings in (samples, real))
    return Figure(value=value, floor=floor, about=about)


def _compare(
    evaluation: Evaluation, pictures: _Pictures, features: Features | None, device: torch.device | str
) -> None:
    real, samples, second = vectors_of((pictures.real, pictures.first, pictures.second), features, device)
    evaluation.add(closeness_figures(real, samples, second, seed=evaluation.seed))


def _look_for_copies(
    evaluation: Evaluation, pictures: _Pictures, training_images: np.ndarray, device: torch.device | str
) -> None:
    training = torch.from_numpy(np.array(training_images)).permute(0, 3, 1, 2)
    images = (training, pictures.samples[:QUERIES], pictures.real[:QUERIES])
    in_pixels = nearness(*(pixel_vectors(part) for part in images))
    in_features = nearness(*vectors_of(images, None, device))
    evaluation.add(copy_figures(in_pixels, in_features))
