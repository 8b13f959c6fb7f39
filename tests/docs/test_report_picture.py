"""Pictures of pages in README and guides are small, and their script says what it lacks."""

import importlib.util
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("report_picture", ROOT / "docs" / "report_picture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_in_the_repository_are_small(script: ModuleType) -> None:
    pictures = [script.PICTURES / f"{name}.jpg" for name in ("report", "compare")]
    assert all(0 < picture.stat().st_size <= script.MOST_BYTES for picture in pictures)


def test_any_screenshot_becomes_small(script: ModuleType) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    data = script.small(Image.fromarray(noise))
    assert 100_000 < len(data) <= script.MOST_BYTES
    plain = Image.new("RGB", (900, 700), (9, 8, 7))
    assert Image.open(io.BytesIO(script.small(plain))).size == (900, 700)


def test_an_empty_end_is_cut_off(script: ModuleType) -> None:
    picture = Image.new("RGB", (50, 900), "white")
    picture.paste((1, 2, 3), (10, 20, 30, 100))
    assert script.without_empty_end(picture).size == (50, 140)
    assert script.without_empty_end(Image.new("RGB", (50, 900))).size == (50, 900)


def test_what_is_missing_is_named(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SystemExit, match="no browser is installed"):
        script.take(tmp_path / "report.html", tmp_path / "report.png")
    monkeypatch.setattr("shutil.which", lambda name: "/bin/browser")
    with pytest.raises(SystemExit, match="does not exist"):
        script.take(tmp_path / "report.html", tmp_path / "report.png")
