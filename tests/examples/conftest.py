"""Data sets that several folders of tests train on: small, and made once."""

from pathlib import Path

import pytest

from examples.anime_faces.data import Dataset, write_rendered
from examples.anime_faces.recipes import AcganOptions, find_recipe
from examples.anime_faces.run import TrainRequest, train


@pytest.fixture(scope="session")
def faces_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 70 rendered faces of 32x32."""
    folder = tmp_path_factory.mktemp("rendered") / "faces"
    write_rendered(folder, 70, 32, workers=0)
    return folder


@pytest.fixture(scope="session")
def faces(faces_folder: Path) -> Dataset:
    """Those faces, opened."""
    return Dataset.open(faces_folder)


@pytest.fixture(scope="session")
def trained_folder(faces_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was trained for a few steps on those faces; tests may read it, not change it."""
    out = tmp_path_factory.mktemp("runs") / "tiny"
    options = AcganOptions(width=4, batch_size=6)
    train(
        TrainRequest(
            recipe=find_recipe("acgan"),
            options=options,
            data=faces_folder,
            out=out,
            steps=7,
            threads=1,
            precision="float32",
            grid_every=3,
        )
    )
    return out
