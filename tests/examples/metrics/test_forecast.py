"""What can be measured, said before training."""

from dataclasses import replace

import numpy as np
import pytest

from examples.anime_faces.data import Dataset
from examples.anime_faces.metrics import _forecast, check_samples, forecast


def own(faces: Dataset, count: int) -> Dataset:
    return replace(faces, kind="unlabeled", images=np.zeros((count, 32, 32, 3), np.uint8))


def test_rendered_faces_get_everything(faces: Dataset):
    assert forecast(faces) == ("All figures can be measured.",)
    assert "but not the classification score, which needs 1,320 samples" in forecast(faces, 264)[0]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (
            24,
            "Measured will be: distances to real pictures, coverage, precision, recall and density, the spectrum, copies.",
        ),
        (23, "Measured will be: the spectrum, copies."),
        (1, "Nothing can be measured."),
    ],
)
def test_own_pictures_get_what_their_number_allows(faces: Dataset, count: int, words: str):
    said = forecast(own(faces, count))
    assert said[0] == words
    assert len(said) > 1


def test_samples_that_cannot_be_measured_are_refused_before_training(faces: Dataset):
    with pytest.raises(ValueError, match="--samples must be at least 264, two for each pair of colors, but it is 100"):
        forecast(faces, 100)
    with pytest.raises(ValueError, match="--samples must be at least 1, but it is 0"):
        forecast(own(faces, 30), 0)
    check_samples(None, rendered=True)
    check_samples(264, rendered=True)


def test_a_missing_package_is_named(faces: Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_forecast, "find_spec", lambda name: None)
    assert "pip install torchmetrics" in forecast(faces)[-1]
