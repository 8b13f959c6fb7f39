"""The strips of the augmentation page are fresh, and show what the parts compute."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from docs.augmentation_pictures.strips import CHANGED, FOLDER, GAP, PARTS, SIDE, strip
from gankit import augment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "latents_and_augmentation.md"
every_part = pytest.mark.parametrize("name", PARTS)


def drawn(name: str) -> npt.NDArray[np.int16]:
    """The file of a strip, in numbers that can be subtracted."""
    with Image.open(FOLDER / f"{name}.png") as image:
        return np.asarray(image, dtype=np.int16)


def pictures(pixels: npt.NDArray[np.int16]) -> list[npt.NDArray[np.int16]]:
    return [pixels[:, place * (SIDE + GAP) :][:, :SIDE, :3] for place in range(CHANGED + 1)]


@every_part
def test_a_strip_is_fresh(name: str) -> None:
    fresh, old = strip(PARTS[name]).astype(np.int16), drawn(name)
    assert fresh.shape == old.shape
    # Values between pixels may round to the next of 255 steps on another machine.
    assert np.abs(fresh - old).max() <= 1, "run python -m docs.augmentation_pictures"


def test_no_two_strips_are_alike() -> None:
    strips = {name: drawn(name) for name in PARTS}
    for name in PARTS:
        assert all(np.abs(strips[name] - strips[other]).max() > 50 for other in PARTS if other != name)


@every_part
def test_a_strip_begins_with_the_plain_picture_and_changes_it(name: str) -> None:
    plain, *changed = pictures(drawn(name))
    assert np.array_equal(plain, pictures(drawn("cutout"))[0])
    assert any(np.abs(picture - plain).max() > 30 for picture in changed)


def test_what_is_drawn_is_what_the_names_say() -> None:
    plain, *mirrored = pictures(drawn("horizontal_flip"))
    assert {np.array_equal(picture, plain) for picture in mirrored} == {True, False}
    assert all(np.array_equal(picture, plain) or np.array_equal(picture, plain[:, ::-1]) for picture in mirrored)
    plain, *cut = pictures(drawn("cutout"))
    for picture in cut:
        changed = (picture != plain).any(axis=2)
        assert 0 < changed.mean() <= 0.25
        assert (picture[changed] == 128).all()


def test_every_part_has_a_strip_on_the_page() -> None:
    parts = {name for name in vars(augment) if isinstance(getattr(augment, name), type)} - {"Augmentation", "Composed"}
    assert {type(part).__name__ for part in PARTS.values()} == parts
    text = PAGE.read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.png" for name in PARTS}
    assert all(f"images/augmentation/{name}.png" in text for name in PARTS)
