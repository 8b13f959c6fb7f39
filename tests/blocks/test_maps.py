"""Checks of conditions, which many blocks share: their dtype and their type."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from gankit.blocks import ConditionalBatchNorm2d, ConditionalInstanceNorm2d, DepthConcatenation, FiLM, ProjectionHead


def expect(message: str, mistake: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=message):
        mistake()


CONDITIONED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "ConditionalBatchNorm2d": (lambda: ConditionalBatchNorm2d(3, 7), (2, 3, 4, 5)),
    "ConditionalInstanceNorm2d": (lambda: ConditionalInstanceNorm2d(3, 7), (2, 3, 4, 5)),
    "FiLM": (lambda: FiLM(3, 7), (2, 3, 4, 5)),
    "ProjectionHead": (lambda: ProjectionHead(3, 7), (2, 3)),
}


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
