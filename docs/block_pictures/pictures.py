"""What each picture shows: the layers of a block on the paths from the input to the result.

A box names the attribute of the block that is its layer, so that a test can compute the result of a picture's layers and
compare it with that of the block.
"""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "guides" / "images" / "blocks"


class Kind(Enum):
    """The kind of a layer, which decides the color of its box; readable under white letters, on white and on black."""

    CONVOLUTION = "#5b51a8"
    NORM = "#17786f"
    ACTIVATION = "#bd3568"
    RESAMPLING = "#8f6210"
    DROPOUT = "#5f6b7a"


@dataclass(frozen=True, slots=True)
class Box:
    """One layer: the block's attribute, the text of the box, and the kind."""

    layer: str
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Picture:
    """The paths through a block.

    With a shortcut, the residual and the shortcut both start after `before` and are added, and `after` follows. Without a
    shortcut, `residual` is the whole block.
    """

    title: str
    residual: tuple[Box, ...]
    shortcut: tuple[Box, ...] | None = ()
    after: tuple[Box, ...] = ()
    before: tuple[Box, ...] = ()


def _convolution(layer: str, label: str = "3x3 convolution") -> Box:
    return Box(layer, label, Kind.CONVOLUTION)


def _norm(layer: str) -> Box:
    return Box(layer, "norm", Kind.NORM)


def _activation(layer: str) -> Box:
    return Box(layer, "activation", Kind.ACTIVATION)


CONV1, CONV2 = _convolution("conv1"), _convolution("conv2")
NORM1, NORM2 = _norm("norm1"), _norm("norm2")
ACTIVATION1, ACTIVATION2 = _activation("activation1"), _activation("activation2")
UP, DOWN = Box("up", "up", Kind.RESAMPLING), Box("down", "down", Kind.RESAMPLING)
PROJECTION = _convolution("shortcut", "1x1 convolution")
CONVOLUTION, NORM, ACTIVATION = _convolution("convolution", "convolution"), _norm("norm"), _activation("activation")
DROPOUT = Box("dropout", "dropout", Kind.DROPOUT)
UNTIL_SECOND = (CONV1, NORM1, ACTIVATION1, CONV2)
FULL = (NORM1, ACTIVATION1, CONV1, NORM2, ACTIVATION2, CONV2)

PICTURES: dict[str, Picture] = {
    "post_activation": Picture("PostActivationBlock", (*UNTIL_SECOND, NORM2), after=(ACTIVATION2,)),
    "norm_after_addition": Picture("NormAfterAdditionBlock", UNTIL_SECOND, after=(NORM2, ACTIVATION2)),
    "activation_before_addition": Picture("ActivationBeforeAdditionBlock", (*UNTIL_SECOND, NORM2, ACTIVATION2)),
    "activation_first": Picture("ActivationFirstBlock", (ACTIVATION2, *UNTIL_SECOND, NORM2)),
    "pre_activation": Picture("PreActivationBlock", FULL),
    "pre_activation_up": Picture("PreActivationBlock, up", (*FULL[:2], UP, *FULL[2:]), shortcut=(UP, PROJECTION)),
    "pre_activation_down": Picture("PreActivationBlock, down", (*FULL, DOWN), shortcut=(PROJECTION, DOWN)),
    "pre_activation_first": Picture(
        "PreActivationBlock, down, first of a critic", (*FULL[2:], DOWN), shortcut=(DOWN, PROJECTION)
    ),
    "pre_activation_shared": Picture(
        "PreActivationBlock, activated shortcut", FULL[2:], shortcut=(PROJECTION,), before=FULL[:2]
    ),
    "srresnet": Picture("SRResNetBlock", (CONV1, NORM1, ACTIVATION, CONV2, NORM2)),
    "bottleneck": Picture(
        "BottleneckBlock",
        (
            _convolution("conv1", "1x1, wider"),
            ACTIVATION1,
            _convolution("conv2", "3x3, grouped"),
            ACTIVATION2,
            _convolution("conv3", "1x1, starts at 0"),
        ),
    ),
    "convolution": Picture("ConvolutionBlock", (CONVOLUTION, NORM, DROPOUT, ACTIVATION), shortcut=None),
    "convolution_dropout_last": Picture(
        "ConvolutionBlock, dropout last", (CONVOLUTION, NORM, ACTIVATION, DROPOUT), shortcut=None
    ),
    "convolution_activation_first": Picture(
        "ConvolutionBlock, activation first", (ACTIVATION, CONVOLUTION, NORM, DROPOUT), shortcut=None
    ),
}
