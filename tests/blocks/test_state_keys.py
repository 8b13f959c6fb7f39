"""What the state of every public block holds: a change of a name or a shape breaks checkpoints of old."""

import inspect
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from support.contract.blocks import BLOCKS
from torch import nn

from gankit import blocks

GOLDEN = Path(__file__).parent / "golden_state_keys.json"
MAKERS: dict[str, Callable[[], nn.Module]] = {
    **{name: row.make for name, row in BLOCKS.items() if row.call is not None},
    "PreActivationBlock, first": lambda: blocks.PreActivationBlock(3, 5, down=blocks.MeanDownsample(), first=True),
    "PreActivationBlock, batch norm": lambda: blocks.PreActivationBlock(3, 5, norm=nn.BatchNorm2d),
    "PreActivationBlock, identity": lambda: blocks.PreActivationBlock(3, 3),
    "PreActivationBlock, transposed": lambda: blocks.PreActivationBlock(3, 5, up=blocks.TransposedUpsample(3)),
    "PostActivationBlock, strided": lambda: blocks.PostActivationBlock(3, 5, down=blocks.StridedDownsample(5)),
    "ConvolutionBlock, conditional": lambda: blocks.ConvolutionBlock(
        3, 5, norm=partial(blocks.ConditionalBatchNorm2d, condition_features=7)
    ),
}


def shapes(module: nn.Module) -> dict[str, list[int]]:
    return {key: list(value.shape) for key, value in module.state_dict().items()}


@pytest.mark.parametrize("name", MAKERS)
def test_state_keys_and_shapes_are_those_of_the_golden_file(name: str) -> None:
    golden = json.loads(GOLDEN.read_text())[name]
    module = MAKERS[name]()
    assert shapes(module) == golden
    assert list(shapes(module)) == list(golden)
    metadata = vars(module.state_dict())["_metadata"]
    assert all(entry["version"] >= 1 for entry in metadata.values())


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_loads_strictly_into_another_block(name: str) -> None:
    module, other = MAKERS[name](), MAKERS[name]()
    state = {key: torch.full_like(value, 3) for key, value in module.state_dict().items()}
    other.load_state_dict(state, strict=True)
    assert all(bool((value == 3).all()) for value in other.state_dict().values())


def test_every_public_block_has_its_keys_written_down() -> None:
    modules = {name for name, value in vars(blocks).items() if inspect.isclass(value) and issubclass(value, nn.Module)}
    assert modules <= set(MAKERS)
    assert set(json.loads(GOLDEN.read_text())) == set(MAKERS)
