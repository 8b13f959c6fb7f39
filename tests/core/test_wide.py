"""The dtype that losses and penalties are priced in."""

import pytest
import torch

from gankit._core import autocast_is_on, widen, without_autocast


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


def test_autocast_is_asked_for_on_every_device_type() -> None:
    assert not autocast_is_on("cpu")
    assert not autocast_is_on("meta"), "torch's own question raises there"
    with torch.autocast("cpu", torch.bfloat16):
        assert autocast_is_on("cpu")
        assert not autocast_is_on("cuda")
    with without_autocast("meta"):
        assert torch.ones(2, device="meta").device.type == "meta"


def test_values_that_are_not_floating_point_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="scores must be a floating-point tensor, got dtype"):
        widen(torch.ones(2, dtype=torch.int64))
    with pytest.raises(ValueError, match="latents must be a tensor, got float"):
        widen(0.5, "latents")  # type: ignore[arg-type]
