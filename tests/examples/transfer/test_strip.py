"""The strip: what each column asks the generator for, where its pictures stand, and what is written beside them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes.stargan.vector import target_vector
from examples.anime_faces.systems import Blueprint, Drawer
from examples.anime_faces.transfer import Changer, Given, draw_strip

VECTOR = target_vector((Attribute("hair", ("black", "blonde", "brown")), Attribute("glasses", ("no", "yes"))))
SIZE = 8


class Painter(nn.Module):
    """Paint the first pixels of a picture with the vector, and leave the others."""

    def forward(self, images: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        painted = images.clone()
        painted[:, :, 0, : vectors.shape[1]] = 2 * vectors[:, None] - 1
        return painted


class Sure(nn.Module):
    """A critic that reads blonde hair and glasses in every picture."""

    def forward(self, images: torch.Tensor) -> gk.networks.CriticOutput:
        logits = torch.tensor([-1.0, 2.0, -1.0, 3.0]).expand(len(images), -1)
        return gk.networks.CriticOutput(torch.zeros(len(images)), (logits,))


CHANGER = Changer(
    origin="a test",
    vector=VECTOR,
    size=SIZE,
    drawer=Drawer(
        networks={"generator": Painter()},
        blueprint=Blueprint(makers={"generator": Painter}, latents=None),
        device="cpu",
    ),
)


def given(numbers: list[list[float]]) -> Given:
    images = np.random.default_rng(0).integers(0, 256, (len(numbers), SIZE, SIZE, 3), dtype=np.uint8)
    return Given(names=[f"{row}.png" for row in range(len(numbers))], images=images, numbers=torch.tensor(numbers))


def test_each_column_is_one_change_of_the_picture_s_own_vector() -> None:
    some = given([[0.0, 1, 0, 1], [0, 0, 0, 0]])
    sheet = draw_strip(CHANGER, some)
    layout, pixels = sheet.layout, np.asarray(sheet.image)
    assert list(layout.headings) == ["original", "black hair", "blonde hair", "brown hair", "glasses flipped"]
    assert list(layout.labels) == ["0.png, blonde hair, glasses", "1.png"]

    def shown(row: int, column: int) -> np.ndarray:
        x, y = layout.lefts[column], layout.top + row * layout.step
        return pixels[y : y + SIZE, x : x + SIZE]

    def vector(row: int, column: int) -> list[int]:
        return (shown(row, column)[0, :4, 0] // 255).tolist()

    for row in (0, 1):
        np.testing.assert_array_equal(shown(row, 0), some.images[row])
        for column in (1, 2, 3, 4):
            np.testing.assert_array_equal(shown(row, column)[1:], some.images[row, 1:])
    assert [vector(0, column) for column in (1, 2, 3)] == [[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]]
    assert vector(0, 4) == [0, 1, 0, 0]  # glasses are taken off, and the hair stays
    assert vector(1, 4) == [0, 0, 0, 1]
    assert vector(1, 1) == [1, 0, 0, 0]


def test_the_critic_says_what_labels_do_not() -> None:
    some = given([[1.0, 0, 0, -1], [-1, -1, -1, 0]])
    with pytest.raises(
        ValueError, match=r"nothing says whether 0\.png has glasses: give a table of labels by --labels, or"
    ):
        draw_strip(CHANGER, some)
    sheet = draw_strip(replace(CHANGER, critic=Sure()), some)
    assert list(sheet.layout.labels) == ["0.png, black hair, glasses", "1.png, blonde hair"]


def test_small_pictures_can_be_enlarged() -> None:
    assert draw_strip(CHANGER, given([[1.0, 0, 0, 0]]), scale=3).layout.side == 3 * SIZE
