"""Shapes of the networks and of their input."""

import pytest
import torch

from examples.anime_faces.data.render import (
    BACKDROPS,
    CLOTHES,
    EXPRESSIONS,
    EYE_COLORS,
    FRINGES,
    HAIR_COLORS,
    HAIR_STYLES,
    SKINS,
)
from examples.anime_faces.judge import BINARY_HEADS, CLASS_HEADS, NUMBER_HEADS, Encoder, Judge, prepare


def test_heads_have_as_many_classes_as_the_renderer_draws():
    drawn = {"hair": HAIR_COLORS, "eyes": EYE_COLORS, "style": HAIR_STYLES, "expression": EXPRESSIONS}
    drawn |= {"background": BACKDROPS, "fringe": FRINGES, "skin": SKINS, "clothes": CLOTHES}
    assert {name: len(classes) for name, classes in drawn.items()} | {"pose": 3} == CLASS_HEADS


def test_the_judge_answers_every_question():
    outputs = Judge().eval()(torch.zeros(2, 3, 64, 64))
    assert {name: output.shape[1] for name, output in outputs.items()} == (
        CLASS_HEADS | dict.fromkeys(BINARY_HEADS, 1) | dict.fromkeys(NUMBER_HEADS, 1)
    )
    assert all(len(output) == 2 for output in outputs.values())


def test_the_encoder_returns_vectors():
    assert Encoder(7).eval()(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


def test_prepare_scales_to_minus_one_and_one():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8)[None, :, None, None].expand(1, 3, 64, 64)
    torch.testing.assert_close(prepare(images)[0, :, 5, 7], torch.tensor([-1.0, -0.6, 1.0]))


@pytest.mark.parametrize("size", [32, 48, 128])
def test_prepare_resizes(size: int):
    ramp = torch.linspace(0, 255, size).round().to(torch.uint8).expand(2, 3, size, size)
    found = prepare(ramp)
    assert found.shape == (2, 3, 64, 64)
    torch.testing.assert_close(found[0, 0, 10, 4:60], torch.linspace(-1, 1, 64)[4:60], atol=0.03, rtol=0)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 3, 64, 64),
        torch.zeros(3, 64, 64, dtype=torch.uint8),
        torch.zeros(2, 1, 64, 64, dtype=torch.uint8),
    ],
)
def test_prepare_refuses_what_is_no_picture(images: torch.Tensor):
    with pytest.raises(ValueError, match="images must be uint8 of shape"):
        prepare(images)
