"""Feature networks that the user names."""

import sys
from pathlib import Path

import pytest
import torch

from examples.anime_faces.metrics import load_features

MODULE = """
import torch

number = 7
network = torch.nn.Sequential(torch.nn.Dropout(0.5), torch.nn.Flatten())


def colors(images):
    return images.float().mean(dim=(2, 3))
"""


@pytest.fixture
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "features_of_mine.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "features_of_mine", raising=False)


@pytest.mark.usefixtures("_module")
def test_finds_a_function_in_the_current_folder():
    images = torch.full((2, 3, 4, 4), 9, dtype=torch.uint8)
    torch.testing.assert_close(load_features("features_of_mine:colors")(images), torch.full((2, 3), 9.0))


@pytest.mark.usefixtures("_module")
def test_a_module_is_put_into_evaluation_mode():
    network = load_features("features_of_mine:network")
    assert isinstance(network, torch.nn.Module)
    assert not network.training


@pytest.mark.usefixtures("_module")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("features_of_mine", "must be given as package.module:callable, got 'features_of_mine'"),
        (":colors", "must be given as package.module:callable"),
        ("features_of_mine:missing", "'features_of_mine:missing' cannot be loaded: .*missing"),
        ("no_such_module_here:colors", "cannot be loaded: No module named 'no_such_module_here'"),
        ("features_of_mine:number", "must be callable, got int"),
    ],
)
def test_refuses(name: str, words: str):
    with pytest.raises(ValueError, match=words):
        load_features(name)
