"""Rows of `gankit.augment`."""

from collections.abc import Callable

import torch

from gankit import augment
from support.contract.row import Row, Tensors
from support.strategies import normal


def _uniform(seed: int, *shape: int, dtype: torch.dtype) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _row(make: Callable[[], augment.Augmentation]) -> Row:
    def inputs(dtype: torch.dtype) -> Tensors:
        return {"images": normal(0, 7, 3, 5, 8, dtype=dtype), "draw": _uniform(1, 7, make().numbers, dtype=dtype)}

    return Row(
        make=make,
        call=lambda change, x: change(x["images"], strength=0.8, draw=x["draw"]),
        inputs=inputs,
        batched=("images",),
        permutes="along",
    )


AUGMENT: dict[str, Row] = {
    "Augmentation": Row(make=lambda: augment.Augmentation),
    "Brightness": _row(augment.Brightness),
    "Composed": _row(lambda: augment.Composed(parts=(augment.Translation(ratio=0.3), augment.HorizontalFlip()))),
    "Contrast": _row(augment.Contrast),
    "Cutout": _row(augment.Cutout),
    "GeometricTransformation": _row(augment.GeometricTransformation),
    "HorizontalFlip": _row(augment.HorizontalFlip),
    "Saturation": _row(augment.Saturation),
    "Translation": _row(lambda: augment.Translation(ratio=0.3)),
    "mix_in_fakes": Row(
        make=lambda: augment.mix_in_fakes,
        call=lambda mix, x: mix(x["real"], x["fake"], 0.5, draw=x["draw"]),
        inputs=lambda dtype: {
            "real": normal(0, 7, 3, 2, dtype=dtype),
            "fake": normal(1, 7, 3, 2, dtype=dtype),
            "draw": _uniform(2, 7, dtype=dtype),
        },
        batched=("real",),
        permutes="along",
    ),
}
