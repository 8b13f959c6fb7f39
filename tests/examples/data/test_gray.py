"""Gray data sets: three equal channels of the luminance, of own pictures and of rendered faces; labels and factors stay."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from PIL import Image

from examples.anime_faces.data import Reading, join_datasets, summarize, unlabeled_source, write_images, write_rendered
from examples.anime_faces.data._pixels import to_gray
from examples.anime_faces.metrics import forecast
from examples.anime_faces.systems import luminance


@given(seed=st.integers(0, 2**32 - 1))
def test_gray_is_the_rounded_luminance_in_all_channels(seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    gray = to_gray(pixels)
    assert gray.dtype == np.uint8
    expected = luminance(torch.from_numpy(pixels).permute(0, 3, 1, 2).double()).permute(0, 2, 3, 1).numpy()
    assert np.abs(gray - expected).max() <= 0.5 + 1e-9
    assert gray.shape == pixels.shape
    assert np.array_equal(to_gray(gray), gray)


def test_every_gray_value_stays_and_pure_colors_have_their_weights() -> None:
    every = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    assert np.array_equal(to_gray(every), every)
    assert to_gray(np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8))[:, 0].tolist() == [76, 150, 29]


def test_own_pictures_lose_their_colors_and_nothing_else(photos: Path, tmp_path: Path) -> None:
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20)).save(photos / "gray.png")
    source = unlabeled_source(photos)
    color = write_images(tmp_path / "color", source, Reading(size=16), workers=0)
    gray = write_images(tmp_path / "gray", source, Reading(size=16, gray=True), workers=0)
    assert np.array_equal(gray.images, to_gray(np.asarray(color.images)))
    assert (gray.is_gray, color.is_gray) == (True, False)
    assert not np.array_equal(gray.images[:5], color.images[:5])
    assert np.array_equal(gray.images[-1], color.images[-1])  # which was gray before
    assert "used 6 of 6 files as gray pictures of 16 x 16" in summarize(gray)
    assert "gray pictures" not in summarize(color)
    with pytest.raises(ValueError, match="gray was True and is now False"):
        write_images(gray.path, source, Reading(size=16), workers=0)


def test_rendered_faces_keep_labels_and_factors_but_are_not_judged(tmp_path: Path) -> None:
    color = write_rendered(tmp_path / "color", 9, 32, 2, workers=0)
    gray = write_rendered(tmp_path / "gray", 9, 32, 2, gray=True, workers=0)
    assert np.array_equal(gray.images, to_gray(np.asarray(color.images)))
    assert np.array_equal(gray.labels, color.labels)
    assert np.array_equal(gray.factors["style"], color.factors["style"])
    assert "9 gray rendered faces of 32 x 32" in summarize(gray)
    assert (gray.kind, gray.can_be_judged, color.can_be_judged) == ("rendered", False, True)
    assert forecast(color)[0].startswith("All figures")
    assert forecast(gray)[0] == "Measured will be: the spectrum, copies."
    assert not write_rendered(color.path, 9, 32, 2, workers=0).is_gray
    with pytest.raises(ValueError, match="gray was False and is now True"):
        write_rendered(color.path, 9, 32, 2, gray=True, workers=0)


def test_a_joined_data_set_is_gray_if_all_its_parts_are(tmp_path: Path) -> None:
    parts = [write_rendered(tmp_path / name, 3, 32, 2, gray=name != "c", workers=0).path for name in "abc"]
    assert join_datasets(tmp_path / "gray", parts[:2], labeled=False).is_gray
    assert not join_datasets(tmp_path / "both", parts[1:]).is_gray
