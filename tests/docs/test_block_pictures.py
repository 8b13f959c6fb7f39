"""The pictures of blocks are up to date, and show what the blocks compute."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import torch
from torch import nn

from docs.block_pictures.drawing import draw
from docs.block_pictures.pictures import FOLDER, PICTURES, Box, Picture
from gankit import blocks

every_picture = pytest.mark.parametrize("name", PICTURES)
SVG = "{http://www.w3.org/2000/svg}"


class Shift(nn.Module):
    """Replaces dropout, which does nothing in eval mode and is random in train mode."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 0.25


class SquaredUpsample(nn.Module):
    """Replaces resampling, which could often swap places with an activation or a 1x1 convolution unnoticed."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (blocks.NearestUpsample()(x) - 0.5).square()


class SquaredDownsample(nn.Module):
    """Its counterpart."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (blocks.MeanDownsample()(x) - 0.5).square()


PARTS: dict[str, Any] = {"norm": partial(nn.GroupNorm, 1), "activation": nn.Softplus}
CONVOLUTION, NORM, DROPOUT, ACTIVATION = blocks.Step
UP: dict[str, Any] = {"up": SquaredUpsample()}
DOWN: dict[str, Any] = {"down": SquaredDownsample()}
BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "post_activation": lambda: blocks.PostActivationBlock(3, 3, **PARTS),
    "norm_after_addition": lambda: blocks.NormAfterAdditionBlock(3, 3, **PARTS),
    "activation_before_addition": lambda: blocks.ActivationBeforeAdditionBlock(3, 3, **PARTS),
    "activation_first": lambda: blocks.ActivationFirstBlock(3, 3, **PARTS),
    "pre_activation": lambda: blocks.PreActivationBlock(3, 3, **PARTS),
    "pre_activation_up": lambda: blocks.PreActivationBlock(3, 5, **PARTS, **UP),
    "pre_activation_down": lambda: blocks.PreActivationBlock(3, 5, **PARTS, **DOWN),
    "pre_activation_first": lambda: blocks.PreActivationBlock(3, 5, **PARTS, **DOWN, first=True),
    "pre_activation_shared": lambda: blocks.PreActivationBlock(3, 5, **PARTS, activated_shortcut=True),
    "srresnet": lambda: blocks.SRResNetBlock(3, **PARTS),
    "bottleneck": lambda: blocks.BottleneckBlock(3, 2),
    "convolution": lambda: blocks.ConvolutionBlock(3, 5, **PARTS, dropout=Shift),
    "convolution_dropout_last": lambda: blocks.ConvolutionBlock(
        3, 5, **PARTS, dropout=Shift, order=(CONVOLUTION, NORM, ACTIVATION, DROPOUT)
    ),
    "convolution_activation_first": lambda: blocks.ConvolutionBlock(
        3, 5, **PARTS, dropout=Shift, order=(ACTIVATION, CONVOLUTION, NORM, DROPOUT)
    ),
}


def made(name: str) -> tuple[nn.Module, torch.Tensor]:
    """The block of a picture, with random weights, and an input."""
    torch.manual_seed(0)
    block = BLOCKS[name]().double()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    return block, torch.randn(2, 3, 4, 6, dtype=torch.float64)


def walk(boxes: Sequence[Box], block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    for box in boxes:
        x = block.get_submodule(box.layer)(x)
    return x


def compute(picture: Picture, block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Compute the result along the paths that are drawn."""
    x = walk(picture.before, block, x)
    result = walk(picture.residual, block, x)
    if picture.shortcut is not None:
        result = result + walk(picture.shortcut, block, x)
    return walk(picture.after, block, result)


@every_picture
def test_a_picture_is_fresh(name: str) -> None:
    text = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert draw(PICTURES[name]) == text, "run python -m docs.block_pictures"


def test_there_is_no_other_picture() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.svg" for name in PICTURES}


@every_picture
def test_a_picture_computes_what_its_block_does(name: str) -> None:
    block, x = made(name)
    torch.testing.assert_close(compute(PICTURES[name], block, x), block(x))


def neighbors_exchanged(picture: Picture) -> Iterator[Picture]:
    """The picture with two neighboring boxes of one path swapped, for each such pair."""
    for way in ("before", "residual", "shortcut", "after"):
        boxes = getattr(picture, way) or ()
        for place in range(len(boxes) - 1):
            exchanged = (*boxes[:place], boxes[place + 1], boxes[place], *boxes[place + 2 :])
            yield replace(picture, **{way: exchanged})


def unlike(picture: Picture, block: nn.Module, x: torch.Tensor) -> bool:
    try:
        result = compute(picture, block, x)
    except RuntimeError:  # the channels do not even fit
        return True
    return result.shape != block(x).shape or not torch.allclose(result, block(x))


@every_picture
def test_two_boxes_exchanged_compute_something_else(name: str) -> None:
    block, x = made(name)
    changed = list(neighbors_exchanged(PICTURES[name]))
    assert len(changed) >= 3
    assert all(unlike(picture, block, x) for picture in changed)


@every_picture
def test_a_box_left_out_computes_something_else(name: str) -> None:
    block, x = made(name)
    picture = PICTURES[name]
    for place in range(len(picture.residual)):
        rest = picture.residual[:place] + picture.residual[place + 1 :]
        assert unlike(replace(picture, residual=rest), block, x)


@every_picture
def test_everything_drawn_lies_within_the_picture(name: str) -> None:
    root = ET.fromstring(draw(PICTURES[name]))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    keys = ("x", "y", "width", "height")
    rectangles = [{key: float(box.get(key, "nan")) for key in keys} for box in root.iter(f"{SVG}rect")]
    picture = PICTURES[name]
    ways = (picture.before, picture.residual, picture.shortcut or (), picture.after)
    assert len(rectangles) == 2 + sum(map(len, ways))
    for box in rectangles:
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= height
    for box in rectangles:
        others = [other for other in rectangles if other is not box]
        assert not any(
            abs(box["x"] - other["x"]) < min(box["width"], other["width"]) and abs(box["y"] - other["y"]) < 20
            for other in others
        )
