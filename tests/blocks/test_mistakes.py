"""Mistakes that many blocks share: a class for a layer, a function for a class, a condition of whole numbers."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from gankit.blocks import (
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
    BottleneckBlock,
    ClassHead,
    ConditionalBatchNorm2d,
    ConditionalInstanceNorm2d,
    ConvolutionBlock,
    DepthConcatenation,
    FiLM,
    MeanDownsample,
    MultiScale,
    NearestUpsample,
    NormAfterAdditionBlock,
    PatchHead,
    PostActivationBlock,
    PreActivationBlock,
    ProjectionHead,
    SRResNetBlock,
    Step,
)

RESIDUAL = (
    PreActivationBlock,
    PostActivationBlock,
    NormAfterAdditionBlock,
    ActivationBeforeAdditionBlock,
    ActivationFirstBlock,
)
MAKERS: dict[str, Callable[..., nn.Module]] = {
    **{block.__name__: lambda block=block, **layers: block(3, 5, **layers) for block in RESIDUAL},
    "SRResNetBlock": lambda **layers: SRResNetBlock(3, **layers),
    "ConvolutionBlock": lambda **layers: ConvolutionBlock(3, 5, **layers),
}
CONDITIONED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "ConditionalBatchNorm2d": (lambda: ConditionalBatchNorm2d(3, 7), (2, 3, 4, 5)),
    "ConditionalInstanceNorm2d": (lambda: ConditionalInstanceNorm2d(3, 7), (2, 3, 4, 5)),
    "FiLM": (lambda: FiLM(3, 7), (2, 3, 4, 5)),
    "ProjectionHead": (lambda: ProjectionHead(3, 7), (2, 3)),
}


def expect(message: str, mistake: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        mistake()


@pytest.mark.parametrize("name", MAKERS)
def test_callables_that_build_no_layer(name: str) -> None:
    make = MAKERS[name]
    expect("norm must build a torch.nn.Module, .* which gives None", lambda: make(norm=lambda channels: None))
    expect("norm must be a callable that builds a layer, .*called with", lambda: make(norm=nn.GroupNorm))
    expect(r"activation must be .* got <built-in .* relu\(\) missing", lambda: make(activation=torch.relu))
    expect("activation must build a torch.nn.Module", lambda: make(activation=lambda: torch.relu))


def test_callables_that_build_no_layer_in_other_places() -> None:
    expect("activation must build a torch.nn.Module", lambda: BottleneckBlock(4, 2, activation=lambda: None))  # type: ignore[arg-type,return-value]
    expect("convolution must be .*kernel_size", lambda: ConvolutionBlock(3, 5, convolution=nn.Conv2d))  # type: ignore[arg-type]
    expect("dropout must build a torch.nn.Module", lambda: ConvolutionBlock(3, 5, dropout=lambda: 0.5))  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("block", RESIDUAL, ids=lambda block: block.__name__)
@pytest.mark.parametrize("wrong", ["nearest", 2, NearestUpsample])
def test_resampling_is_a_finished_layer(block: Any, wrong: object) -> None:
    expect(r"up must be a finished layer, such as NearestUpsample\(\), or None, got", lambda: block(3, 5, up=wrong))
    expect(r"down must be a finished layer, such as MeanDownsample\(\), or None, got", lambda: block(3, 5, down=wrong))


@pytest.mark.parametrize("name", CONDITIONED)
def test_conditions_that_a_linear_layer_cannot_take(name: str) -> None:
    make, shape = CONDITIONED[name]
    layer, x = make(), torch.randn(shape)
    expect(
        "condition must be a floating-point tensor, got dtype torch.int64", lambda: layer(x, torch.eye(7)[:2].long())
    )
    expect("condition must be a tensor, got list", lambda: layer(x, [[0.0] * 7] * 2))


def test_a_condition_that_is_joined_may_be_of_whole_numbers_but_is_a_tensor() -> None:
    layer, x = DepthConcatenation(7), torch.randn(2, 3, 4, 5)
    assert layer(x, torch.eye(7)[:2].long()).dtype == torch.float32
    expect("condition must be a tensor, got list", lambda: layer(x, [[0.0] * 7] * 2))


def test_single_things_where_several_are_wanted() -> None:
    expect(
        "order must be a sequence of Steps, got <Step.CONVOLUTION",
        lambda: ConvolutionBlock(3, 5, order=Step.CONVOLUTION),
    )  # type: ignore[arg-type]
    expect("order must be a sequence of Steps, got None", lambda: ConvolutionBlock(3, 5, order=None))  # type: ignore[arg-type]
    expect("critics must be a sequence of modules, got PatchHead", lambda: MultiScale(PatchHead(3), MeanDownsample()))  # type: ignore[arg-type]
    expect("num_classes must be a whole number or a sequence of them, got 2.5", lambda: ClassHead(3, 2.5))  # type: ignore[arg-type]
