"""Evaluation on pictures that are not rendered."""

import json
import math
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch

from examples.anime_faces.judge import Untrained
from examples.anime_faces.metrics import Costs, Tools, evaluate_pictures
from examples.anime_faces.metrics._cache import Cache

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


def test_a_machine_that_is_slower_than_at_the_start_compares_fewer(capsys: pytest.CaptureFixture[str]):
    images, labels = blobs(200, 0), np.arange(200)[:, None]
    samples = drawn(200, 1)
    tools = Tools(costs=Costs(read=1.0))
    found, direct = (
        evaluate_pictures(lambda ids: samples[ids[:, 0]], images, labels, samples=count, tools=tools, until=until)
        for count, until in ((100, perf_counter() + 240.0), (79, math.inf))
    )
    assert found.samples == direct.samples == 79
    assert found.record()["figures"] == direct.record()["figures"]
    assert "79 samples instead of 100" in capsys.readouterr().out


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


@pytest.mark.parametrize("count", [2, 3, 10, 23])
def test_few_pictures_get_the_figures_that_need_few(count: int):
    """It was an error, after hours of training."""
    evaluation = evaluate_pictures(lambda ids: drawn(len(ids), 1), blobs(count, 0), np.zeros((count, 0)))
    assert set(evaluation.figures) == {"spectrum_greatest", "spectrum_mean", "nearest_pixels", "copies_pixels"}
    assert (evaluation.samples, evaluation.reference) == (count // 2, count // 2)
    assert f"they need 24 pictures, and there are {count}" in evaluation.notes[0]
    assert json.loads(json.dumps(evaluation.record()))["bounded"] == 2


@pytest.mark.parametrize("count", [0, 1])
def test_one_picture_is_compared_with_nothing(count: int):
    evaluation = evaluate_pictures(
        lambda ids: drawn(len(ids), 1), blobs(max(count, 1), 0)[:count], np.zeros((count, 0))
    )
    assert evaluation.figures == {}
    assert evaluation.notes == [f"Nothing can be compared: at least 2 pictures are needed, and there are {count}."]


@pytest.mark.parametrize("size", [32, 48, 128])
def test_other_sizes_and_gray_pictures_are_measured(size: int):
    coarse = np.random.default_rng(0).integers(0, 256, size=(48, size // 8, size // 8, 1))
    images = coarse.repeat(8, axis=1).repeat(8, axis=2).repeat(3, axis=3).astype(np.uint8)
    evaluation = evaluate_pictures(
        lambda ids: torch.from_numpy(images[: len(ids)]).permute(0, 3, 1, 2), images, np.zeros((48, 0))
    )
    assert set(evaluation.figures) == FIGURES


def test_flat_pictures_have_no_spectrum_and_no_error():
    """The spectrum of flat pictures is that of rounding, and was an error."""
    images = np.full((60, 32, 32, 3), 90, dtype=np.uint8)
    evaluation = evaluate_pictures(lambda ids: drawn(len(ids), 1), images, np.zeros((60, 0)))
    assert "spectrum_greatest" not in evaluation.figures
    assert "The spectrum is left out: all pictures are flat." in evaluation.notes
    assert evaluation.figures["coverage_of_real"].passed is False


def test_copies_of_the_users_pictures_are_found():
    images = blobs(80, 0)
    labels = np.arange(80)[:, None]
    copying = evaluate_pictures(
        lambda rows: torch.from_numpy(images[rows[:, 0].numpy()]).permute(0, 3, 1, 2), images, labels
    )
    fresh = evaluate_pictures(lambda rows: drawn(len(rows), 1), images, labels)
    assert copying.figures["copies_pixels"].passed is False
    assert fresh.figures["copies_pixels"].passed


def test_copies_are_searched_among_the_pictures_of_the_training():
    """Held-out pictures were taken for those of the training, and copies of these were not noticed."""
    trained, held_out = blobs(300, 0), blobs(400, 2)
    labels = np.arange(400)[:, None]
    copying = evaluate_pictures(
        lambda rows: torch.from_numpy(trained[: len(rows)]).permute(0, 3, 1, 2), held_out, labels, trained=trained
    )
    fresh = evaluate_pictures(lambda rows: drawn(len(rows), 1), held_out, labels, trained=trained)
    assert copying.figures["copies_pixels"].passed is False
    assert fresh.figures["copies_pixels"].passed
    assert any(note.startswith("The pictures are not the data set that the run was trained on") for note in fresh.notes)
    assert not any("All pictures may have been used" in note for note in fresh.notes)


def test_coverage_stands_beside_precision_and_density():
    names = list(evaluate_pictures(lambda ids: drawn(len(ids), 1), blobs(60, 0), np.zeros((60, 0))).figures)
    for prefix in ("", "untrained_"):
        place = names.index(f"{prefix}coverage")
        assert names[place : place + 4] == [f"{prefix}{name}" for name in NEAR_COVERAGE]


NEAR_COVERAGE = ("coverage", "precision", "recall", "density")


def test_features_of_real_pictures_are_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    forward = Untrained.forward

    def counted(self: Untrained, images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return forward(self, images)

    monkeypatch.setattr(Untrained, "forward", counted)
    images, labels = blobs(60, 0), np.zeros((60, 0))
    records = [
        evaluate_pictures(
            lambda ids: drawn(len(ids), 1), images, labels, tools=Tools(cache=Cache(folder=tmp_path / "measured"))
        ).figures
        for _ in range(2)
    ]
    assert seen == [30, 30, 30, 30]  # both halves and samples, then samples alone
    assert records[0] == records[1]
