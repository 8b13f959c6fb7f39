"""The grid of every few steps: what its rows and columns share, what the file shows, and how much its pictures differ."""

from collections.abc import Mapping
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.run._preview import Preview, is_preview_step
from examples.anime_faces.run._sheet_files import read_layout, read_sheet
from examples.anime_faces.systems import Blueprint, Description, Drawer, WhateverIsKnown

SIDE = 4
HAIR = Description(
    size=SIDE, kind="rendered", attributes=(Attribute("hair", ("red", "blue", "green")),), incomplete=(False,)
)
UNLABELED = Description(size=SIDE, kind="unlabeled")


class Remembering(nn.Module):
    """Makes pictures of what it is given, a little brighter for each class, and keeps what it was asked for."""

    def __init__(self, strength: float = 0.3) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, inputs: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        self.asked = (inputs, condition)
        pictures = inputs.reshape(-1, 3, SIDE, SIDE) * self.strength
        return pictures if condition is None else pictures + 0.2 * condition[:, :1, None, None]

    def pixels(self) -> np.ndarray:
        """The pictures of the last time, as ``(rows, 5, 4, 4, 3)``."""
        drawn = ((self(*self.asked) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return drawn.unflatten(0, (-1, 5)).permute(0, 1, 3, 4, 2).numpy()


def random_pictures(count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.rand(count, 3, SIDE, SIDE, generator=rng) * 2 - 1


def drawer_of(generator: nn.Module, *, changes_pictures: bool = False) -> Drawer:
    latents = None if changes_pictures else partial(gk.latents.normal_latents, features=3 * SIDE * SIDE)
    blueprint = Blueprint(makers={"generator": Remembering}, latents=latents)
    return Drawer(networks={"generator": generator}, blueprint=blueprint, device="cpu")


def preview_of(drawers: Mapping[str, Drawer], description: Description) -> Preview:
    return Preview(drawers, WhateverIsKnown(), description, random_pictures)


def drawn(description: Description, path: Path) -> tuple[torch.Tensor, torch.Tensor | None]:
    generator, state = Remembering(), torch.get_rng_state()
    preview_of({"raw": drawer_of(generator)}, description).draw(path)
    assert torch.equal(state, torch.get_rng_state())
    return generator.asked


def spread(pictures: np.ndarray) -> float:
    """The mean distance of two pictures."""
    return float(np.mean([np.linalg.norm(one - other) for one, other in combinations(pictures, 2)]))


def test_a_column_has_one_latent_and_a_row_one_condition(tmp_path: Path) -> None:
    faces = Description(size=SIDE, kind="rendered", attributes=FACE_ATTRIBUTES, incomplete=(False, False))
    latents, condition = drawn(faces, tmp_path / "grid.png")
    assert condition is not None
    rows = latents.unflatten(0, (8, 5))
    assert torch.equal(rows, rows[:1].expand_as(rows))
    assert len(rows[0].unique(dim=0)) == 5
    asked = condition.unflatten(0, (8, 5))
    assert torch.equal(asked, faces.condition.grid(8)[:, None].expand_as(asked))


def test_without_labels_every_picture_has_its_own_latent(tmp_path: Path) -> None:
    latents, condition = drawn(UNLABELED, tmp_path / "grid.png")
    assert condition is None
    assert len(latents.unique(dim=0)) == len(latents) == 8 * 5


def test_a_later_session_draws_the_same_latents(tmp_path: Path) -> None:
    first, second = (drawn(HAIR, tmp_path / name)[0] for name in ("one.png", "two.png"))
    assert torch.equal(first, second)


def test_the_file_shows_what_each_generator_drew_enlarged(tmp_path: Path) -> None:
    generators = {"raw generator": Remembering(0.3), "average": Remembering(0.1)}
    preview_of({name: drawer_of(one) for name, one in generators.items()}, HAIR).draw(tmp_path / "grid.png")
    sheet = read_sheet(tmp_path / "grid.png")
    layout = read_layout(sheet)
    assert layout is not None
    assert (list(layout.labels), list(layout.headings)) == (["red hair", "blue hair", "green hair"], [*generators])
    assert (list(layout.columns), layout.side) == ([5, 5], 64)
    page = np.asarray(sheet)
    for left, generator in zip(layout.lefts, generators.values(), strict=True):
        for (row, column), picture in zip(np.ndindex(3, 5), generator.pixels().reshape(-1, SIDE, SIDE, 3), strict=True):
            x, y = left + column * layout.step, layout.top_of(row)
            assert np.array_equal(page[y : y + 64, x : x + 64], picture.repeat(16, axis=0).repeat(16, axis=1))
    assert [path.name for path in tmp_path.iterdir()] == ["grid.png"]


def test_the_legend_of_a_grid_has_one_name_for_all_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._letters.font_file", lambda text: "" if text.isascii() else None)
    hair = Description(size=SIDE, kind="folder", attributes=(Attribute("髪", ("赤", "blue")),), incomplete=(False,))
    preview_of({"raw": drawer_of(Remembering())}, hair).draw(tmp_path / "step_000007.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["legend.txt", "step_000007.png"]
    assert (tmp_path / "legend.txt").read_text(encoding="utf-8").startswith("[1] 赤")


def test_changed_pictures_stand_below_the_original_of_their_column(tmp_path: Path) -> None:
    generator = Remembering(-0.5)
    figures = preview_of({"raw": drawer_of(generator, changes_pictures=True)}, HAIR).draw(tmp_path / "grid.png")
    sheet = read_sheet(tmp_path / "grid.png")
    layout = read_layout(sheet)
    assert layout is not None
    assert list(layout.labels) == ["original", "red hair", "blue hair", "green hair"]
    given = ((generator.asked[0][:5] + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    rows, page = np.concatenate([given[None], generator.pixels()]), np.asarray(sheet)
    for row, column in np.ndindex(4, 5):
        x, y = layout.lefts[0] + column * layout.step, layout.top_of(row)
        assert np.array_equal(page[y : y + 64 : 16, x : x + 64 : 16], rows[row, column])
    pixels = generator.pixels() / 255  # the originals are no drawings: they do not count
    real = (random_pictures(64, torch.Generator().manual_seed(20)).flatten(1).double().numpy() + 1) / 2
    assert figures["variety, raw"] == pytest.approx(np.mean([spread(row) for row in pixels]) / spread(real), rel=1e-4)


def test_pictures_that_are_changed_without_labels_are_all_different(tmp_path: Path) -> None:
    generator = Remembering(-0.5)
    preview_of({"raw": drawer_of(generator, changes_pictures=True)}, UNLABELED).draw(tmp_path / "grid.png")
    layout = read_layout(read_sheet(tmp_path / "grid.png"))
    assert layout is not None
    assert list(layout.labels) == [""] * 8
    assert len(generator.asked[0].unique(dim=0)) == 8 * 5


def test_each_generator_has_its_figures_beside_real_pictures(tmp_path: Path) -> None:
    real = (random_pictures(64, torch.Generator().manual_seed(20)).flatten(1).double().numpy() + 1) / 2
    generators = {"raw generator": Remembering(0.3), "average": Remembering(0.1)}
    preview = preview_of({name: drawer_of(one) for name, one in generators.items()}, HAIR)
    found, expected = preview.draw(tmp_path / "grid.png"), dict[str, float]()
    for name, generator in zip(("raw", "average"), generators.values(), strict=True):
        pixels = generator.pixels() / 255
        noise, condition = (pixels.var(axis=axis, ddof=1).sum(axis=(1, 2, 3)).mean() for axis in (1, 0))
        expected[f"variety, {name}"] = float(np.mean([spread(row) for row in pixels])) / spread(real)
        expected[f"use of noise, {name}"] = float(noise / (noise + condition))
    assert found == pytest.approx(expected, rel=1e-4)


def test_without_labels_any_two_pictures_are_compared(tmp_path: Path) -> None:
    real = (random_pictures(64, torch.Generator().manual_seed(20)).flatten(1).double().numpy() + 1) / 2
    generator = Remembering()
    found = preview_of({"raw": drawer_of(generator)}, UNLABELED).draw(tmp_path / "grid.png")
    expected = spread(generator.pixels().reshape(40, -1) / 255) / spread(real)
    assert found == pytest.approx({"variety, raw": expected}, rel=1e-4)


@pytest.mark.parametrize(
    ("steps", "every", "expected"),
    [
        (6000, None, [16, 32, 64, 128, *range(200, 6001, 200)]),
        (605, None, [16, *range(20, 601, 20), 605]),
        (59, None, list(range(1, 60))),
        (7, None, [1, 2, 3, 4, 5, 6, 7]),
        (7, 3, [3, 6, 7]),
        (6, 3, [3, 6]),
    ],
)
def test_grids_come_evenly_more_often_at_the_start_and_at_the_end(
    steps: int, every: int | None, expected: list[int]
) -> None:
    assert [step for step in range(1, steps + 1) if is_preview_step(step, steps, every)] == expected
