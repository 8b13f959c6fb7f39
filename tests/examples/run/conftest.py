"""Tiny runs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.tiny_session import tiny_session

from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import TrainRequest
from examples.anime_faces.run._session import Session

RequestMaker = Callable[..., TrainRequest]
SessionMaker = Callable[..., Session]


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


@pytest.fixture
def session_in() -> Iterator[SessionMaker]:
    """Make a tiny session in a folder, see `tiny_session`; its files are closed afterwards."""
    with ExitStack() as opened:

        def make(folder: Path, **changes: Any) -> Session:
            session = tiny_session(folder, **changes)
            opened.callback(session.record.close)
            return session

        yield make
