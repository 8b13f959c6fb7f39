"""The dtype that losses and penalties are priced in."""

import pytest
import torch

from gankit._core import widen, without_autocast


@pytest.mark.parametrize(
    ("dtype", "wide"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_becomes_float32_and_nothing_becomes_narrower(dtype: torch.dtype, wide: torch.dtype) -> None:
    values = torch.tensor([1.5, -2.0], dtype=dtype)
    assert widen(values).dtype == wide
    assert widen(values).tolist() == [1.5, -2.0]


def test_autocast_is_off_inside_and_on_again_after() -> None:
    weight = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with without_autocast("cpu"):
            assert (weight @ weight).dtype == torch.float32
        assert (weight @ weight).dtype == torch.bfloat16


def test_without_autocast_nothing_is_entered() -> None:
    context = without_autocast("cpu")
    assert not isinstance(context, torch.autocast)
    with context:
        assert not torch.is_autocast_enabled("cpu")
