"""The default recipe takes whatever pictures people have."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from examples.anime_faces.data import Reading, folder_source, tag_source, unlabeled_source, write_images
from examples.anime_faces.report import write_report
from examples.anime_faces.run import RunFolder, Settings, TrainRequest, load_generator, train

RequestMaker = Callable[..., TrainRequest]
pytestmark = pytest.mark.usefixtures("without_curves")
READING = Reading(size=32)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three folders with four pictures each, one of them broken."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs", "newts"):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(0, 256, (40, 36, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}{number}.png")
    (tmp_path / "photos" / "cats" / "cats0.png").write_bytes(b"no picture")
    return tmp_path / "photos"


def test_folders_as_classes(photos: Path, tmp_path: Path, request_for: RequestMaker) -> None:
    data = write_images(tmp_path / "data", folder_source(photos), READING, workers=0)
    request = request_for("default", data=data.path, steps=3)
    train(request)
    generator = load_generator(request.out)
    assert [attribute.classes for attribute in generator.attributes] == [("cats", "dogs", "newts")]
    drawn = generator.generate(torch.tensor([[0], [2], [-1]]), seed=0)
    assert drawn.shape == (3, 3, 32, 32)
    page = write_report(request.out).read_text(encoding="utf-8")
    assert "1 file was skipped: " in page
    assert "cats/cats0.png" in page
    assert "sample cats --n 16" in page


def test_pictures_without_labels(
    photos: Path, tmp_path: Path, request_for: RequestMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_images(tmp_path / "data", unlabeled_source(photos), READING, workers=0)
    request = request_for("default", data=data.path, steps=3, options={"augmentation": 0.5})
    train(request)
    assert "note      the critic sees changed pictures, each change with a probability" in capsys.readouterr().out
    assert Settings.load(RunFolder(request.out).settings).description.pictures == 11
    generator = load_generator(request.out)
    assert generator.attributes == ()
    assert generator.generate(torch.zeros(2, 0, dtype=torch.int64), seed=0).shape == (2, 3, 32, 32)
    assert "No file" not in write_report(request.out).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="this recipe needs labels"):
        train(request_for("acgan", data=data.path, out=tmp_path / "other"))


def test_tags_with_missing_and_several_colors(photos: Path, tmp_path: Path, request_for: RequestMaker) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(photos.rglob("*.png"))[1:]):
        path.rename(flat / f"{number}.png")
    tags = tmp_path / "tags.csv"
    rows = ["blue hair:1\tred eyes:2\t", "blue hair:1\tpink hair:3\tred eyes:2\t", "long hair:9\t"]
    rows.append("green hair:2\tblue eyes:1\t")
    tags.write_text("".join(f"{number},{rows[number % 4]}\n" for number in range(11)), encoding="utf-8")
    data = write_images(tmp_path / "data", tag_source(flat, tags), READING, workers=0)
    for recipe, used in (("default", 11), ("tags_wgan_gp", 8), ("acgan", 5)):
        request = request_for(recipe, data=data.path, steps=2, out=tmp_path / recipe)
        train(request)
        generator = load_generator(request.out)
        assert generator.settings.pictures == used
        # Only colors that some picture has are classes.
        assert [len(attribute.classes) for attribute in generator.attributes] == [3, 2]
        assert generator.generate(torch.tensor([[2, 1], [-1, 0]]), seed=0).shape == (2, 3, 32, 32)
