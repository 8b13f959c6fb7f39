"""Tiny runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import TrainRequest

RequestMaker = Callable[..., TrainRequest]


@pytest.fixture
def request_for(faces_folder: Path, tmp_path: Path) -> RequestMaker:
    """Make a request for a tiny run; options of the recipe go into `options`."""

    def make(recipe: str = "acgan", *, options: dict[str, Any] | None = None, **changes: Any) -> TrainRequest:
        wanted = {"width": 4, "batch_size": 8, **(options or {})}
        usual: dict[str, Any] = {
            "data": faces_folder,
            "out": tmp_path / "run",
            "steps": 7,
            "threads": 1,
            "precision": "float32",
            "grid_every": 7,
        }
        return TrainRequest(recipe=find_recipe(recipe), options=find_options(recipe)(**wanted), **{**usual, **changes})

    return make


@pytest.fixture
def without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the picture of the curves, most of a tiny run's time."""
    monkeypatch.setattr("examples.anime_faces.run._session.draw_curves", lambda lines, path, losses: None)
