"""Evaluation on pictures that are not rendered."""

import numpy as np
import pytest
import torch

from examples.anime_faces.metrics import Tools, evaluate_pictures

NEIGHBORHOODS = {"coverage_of_real", "coverage", "precision", "recall", "density"}
FIGURES = {
    *("fid", "kid", "parts_distance", "parts_distance_worst", "spectrum_greatest", "spectrum_mean"),
    *("nearest_pixels", "copies_pixels", *NEIGHBORHOODS, *(f"untrained_{name}" for name in NEIGHBORHOODS)),
}


def blobs(count: int, seed: int) -> np.ndarray:
    """Smooth pictures of no particular thing."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, size=(count, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2)
    return (0.9 * coarse + 25 * rng.random((count, 32, 32, 3))).astype(np.uint8)


def drawn(count: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(blobs(count, seed)).permute(0, 3, 1, 2)


def mean_colors(images: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.adaptive_avg_pool2d(images.float() / 255, 2).flatten(1)


def test_gives_only_the_figures_that_need_no_judge_and_says_why():
    labels = np.arange(100)[:, None] % 3
    asked: list[torch.Tensor] = []

    def generate(class_ids: torch.Tensor) -> torch.Tensor:
        asked.append(class_ids)
        return drawn(len(class_ids), 1)

    evaluation = evaluate_pictures(generate, blobs(100, 0), labels, samples=12_000)
    assert set(evaluation.figures) == FIGURES
    assert (evaluation.samples, evaluation.reference) == (50, 50)
    notes = " ".join(evaluation.notes)
    assert "judge" in notes
    assert "trained only on rendered faces" in notes
    assert "held-out" in notes
    (class_ids,) = asked
    assert class_ids.shape == (50, 1)
    assert set(class_ids.flatten().tolist()) == {0, 1, 2}


def test_tells_good_from_bad_in_named_features():
    images, labels = blobs(120, 0), np.zeros((120, 0), dtype=np.int64)

    def good(class_ids: torch.Tensor) -> torch.Tensor:
        return drawn(len(class_ids), 1)

    def one(class_ids: torch.Tensor) -> torch.Tensor:
        return drawn(1, 1).expand(len(class_ids), -1, -1, -1)

    first, second = (
        evaluate_pictures(generate, images, labels, tools=Tools(features=mean_colors)).figures
        for generate in (good, one)
    )
    assert first["coverage_of_real"].passed
    assert second["coverage_of_real"].passed is False
    assert second["fid"].value > 3 * first["fid"].value
    assert not any("trained only on rendered faces" in note for note in _feature_notes(images, labels))


def _feature_notes(images: np.ndarray, labels: np.ndarray) -> list[str]:
    evaluation = evaluate_pictures(lambda ids: drawn(len(ids), 1), images, labels, tools=Tools(features=mean_colors))
    return [note for note in evaluation.notes if note.startswith("FID")]


def test_the_halves_are_drawn_by_the_seed():
    images, labels = blobs(60, 0), np.arange(60)[:, None]
    asked: list[list[int]] = []

    def generate(class_ids: torch.Tensor) -> torch.Tensor:
        asked.append(class_ids.flatten().tolist())
        return drawn(len(class_ids), 1)

    for seed in (0, 0, 1):
        evaluate_pictures(generate, images, labels, seed=seed, tools=Tools(features=mean_colors))
    assert asked[0] == asked[1] != asked[2]


def test_refuses_too_few_pictures():
    with pytest.raises(ValueError, match="samples and half the pictures must be at least 12, got 100 and 10"):
        evaluate_pictures(lambda ids: drawn(len(ids), 1), blobs(20, 0), np.zeros((20, 0)), samples=100)
