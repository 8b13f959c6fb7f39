"""The strip of `gray_then_color`: gray forms, what the coloring network is given, and what stands beside what."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from examples.anime_faces.data import Dataset, Reading, write_rendered
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.run import LoadedGenerator, load_generator
from examples.anime_faces.systems import Drawer
from examples.anime_faces.transfer import Given, colors_of, draw_colored, read_given


class Painter(nn.Module):
    """Repeat the gray picture, and paint its first row with the first tags."""

    def forward(self, grays: torch.Tensor, tags: torch.Tensor) -> torch.Tensor:
        painted = grays.expand(-1, 3, -1, -1).clone()
        painted[:, :, 0, : tags.shape[1]] = 2 * tags[:, None] - 1
        return painted


@pytest.fixture(scope="module")
def loaded(gray_run: Path) -> LoadedGenerator:
    own = load_generator(gray_run)
    assert set(own.drawer.networks) == {"gray", "color"}
    networks = {"gray": nn.Identity(), "color": Painter()}
    return replace(own, drawer=Drawer(networks=networks, blueprint=own.drawer.blueprint, device="cpu"))


def read(folder: Path, count: int) -> Given:
    return read_given(folder, None, Reading(size=32, least_side=1), most=count)


def test_pictures_of_a_data_set_get_their_own_labels_and_the_prompts(
    loaded: LoadedGenerator, faces_folder: Path
) -> None:
    given = read(faces_folder, 3)
    coloring = colors_of(loaded, faces_folder, given, ["blue hair red eyes"])
    assert list(coloring.headings) == ["its own labels", "blue hair red eyes"]
    labels = np.asarray(Dataset.open(faces_folder).labels)[:3]
    np.testing.assert_array_equal(coloring.conditions[0].numpy(), labels)
    wanted = loaded.conditioning.read(["blue hair red eyes"], loaded.settings.description, torch.Generator())
    assert wanted is not None
    torch.testing.assert_close(coloring.conditions[1], wanted.expand(3, -1))
    sheet = draw_colored(loaded, given, coloring)
    layout, pixels = sheet.layout, np.asarray(sheet.image).astype(int)
    assert list(layout.headings) == ["original", "gray", "its own labels", "blue hair red eyes"]
    assert list(layout.labels) == ["0", "1", "2"]

    def shown(row: int, column: int) -> np.ndarray:
        x, y = layout.lefts[column], layout.top + row * layout.step
        return pixels[y : y + 32, x : x + 32]

    for row in range(3):
        np.testing.assert_array_equal(shown(row, 0), given.images[row])
        gray = given.images[row].astype(float) @ np.array([0.299, 0.587, 0.114])
        assert np.abs(shown(row, 1) - gray[..., None]).max() <= 0.51
        np.testing.assert_array_equal(shown(row, 2)[0, : labels.shape[1], 0], 255 * labels[row])
        np.testing.assert_array_equal(shown(row, 3)[0, : labels.shape[1], 0], 255 * wanted[0].numpy())
        for column in (2, 3):
            assert np.abs(shown(row, column)[1:] - gray[1:, :, None]).max() <= 0.51


def test_other_pictures_get_prompts_or_examples_of_the_run(
    loaded: LoadedGenerator, faces_folder: Path, photos: Path
) -> None:
    given = read(photos, 2)
    assert list(colors_of(loaded, photos, given, ["red hair"]).headings) == ["red hair"]
    examples = colors_of(loaded, photos, given)
    assert len(set(examples.headings)) == len(examples.headings) == 4
    for heading, condition in zip(examples.headings, examples.conditions, strict=True):
        own = loaded.conditioning.read([heading], loaded.settings.description, torch.Generator())
        assert own is not None
        torch.testing.assert_close(condition, own.expand(2, -1))
    with pytest.raises(ValueError, match="turquoise"):
        colors_of(loaded, photos, given, ["turquoise hair"])


def test_labels_of_other_classes_are_not_taken(loaded: LoadedGenerator, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_rendered(other, 3, 32, 0, binary_labels=True, workers=0)
    assert "its own labels" not in colors_of(loaded, other, read(other, 2)).headings


def test_the_recipe_is_still_called_so() -> None:
    assert find_recipe("gray_then_color").name == "gray_then_color"
