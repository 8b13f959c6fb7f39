"""Runs to compare, as copies that tests may change."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def labels(trained_folder: Path, tmp_path: Path) -> Path:
    """A run of acgan, which reads labels."""
    return Path(shutil.copytree(trained_folder, tmp_path / "labels"))


@pytest.fixture
def texts(trained_texts_folder: Path, tmp_path: Path) -> Path:
    """A run of matching_wgan, which reads texts."""
    return Path(shutil.copytree(trained_texts_folder, tmp_path / "texts"))
