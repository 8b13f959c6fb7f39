"""The grid of every few steps: what its rows and columns share."""

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn

from examples.anime_faces.data import FACE_ATTRIBUTES
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._selection import WhateverIsKnown
from examples.anime_faces.run._preview import COLUMNS, ROWS, Preview


class Remembering(nn.Module):
    """Draws nothing much, and keeps what it was asked for."""

    def forward(self, latents: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        self.asked = (latents, condition)
        return torch.zeros(len(latents), 3, 8, 8)


def drawn(description: Description, path: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    generator = Remembering()
    system = SimpleNamespace(
        generator=generator,
        average=SimpleNamespace(network=generator),
        latents=lambda count, rng: torch.randn(count, 5, generator=rng),
    )
    state = torch.get_rng_state()
    preview = Preview(WhateverIsKnown(), system, description, "cpu")  # pyright: ignore[reportArgumentType]
    preview.draw(path)
    assert torch.equal(state, torch.get_rng_state())
    assert path.stat().st_size > 0
    return generator.asked


def test_a_column_has_one_latent_and_a_row_one_condition(tmp_path: Path) -> None:
    faces = Description(size=8, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    latents, condition = drawn(faces, tmp_path / "grid.png")
    assert condition is not None
    rows = latents.unflatten(0, (ROWS, COLUMNS))
    assert torch.equal(rows, rows[:1].expand_as(rows))
    assert len(rows[0].unique(dim=0)) == COLUMNS
    asked = condition.unflatten(0, (ROWS, COLUMNS))
    assert torch.equal(asked, faces.condition.grid(ROWS)[:, None].expand_as(asked))


def test_without_labels_every_picture_has_its_own_latent(tmp_path: Path) -> None:
    latents, condition = drawn(Description(size=8, kind="unlabeled"), tmp_path / "grid.png")
    assert condition is None
    assert len(latents.unique(dim=0)) == ROWS * COLUMNS
