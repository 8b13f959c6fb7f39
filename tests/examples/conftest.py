"""Data sets that several folders of tests train on, small and made once; and pictures for the tests of the data readers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.data import Dataset, Reading, tag_source, write_images, write_rendered
from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS, Knobs
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import TrainRequest, train

PictureMaker = Callable[..., Image.Image]
NATURAL = tuple(float(color in (9, 10, 11)) for color in range(12))


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
    options = find_options("acgan")(width=4, batch_size=6)
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


@pytest.fixture(scope="session")
def labeled_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 20 faces of 32x32 with natural hair, some with glasses or a ribbon, labeled."""
    folder = tmp_path_factory.mktemp("labeled") / "faces"
    write_rendered(folder, 20, 32, 0, Knobs(glasses_rate=0.5, hair_weights=NATURAL), binary_labels=True, workers=0)
    return folder


@pytest.fixture(scope="session")
def labeled(labeled_folder: Path) -> Dataset:
    """Those faces, opened."""
    return Dataset.open(labeled_folder)


@pytest.fixture(scope="session")
def stargan_run(labeled_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on those faces; tests may read it, not change it."""
    out = tmp_path_factory.mktemp("runs") / "stargan"
    return short_run("stargan", labeled_folder, out, width=2, blocks=1, batch_size=4, critic_steps=1)


@pytest.fixture(scope="session")
def gray_run(faces_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of `gray_then_color`; tests may read it, not change it."""
    out = tmp_path_factory.mktemp("runs") / "gray"
    return short_run("gray_then_color", faces_folder, out, width=2, blocks=1, batch_size=4)


def short_run(recipe: str, data: Path, out: Path, **options: object) -> Path:
    """Train two steps."""
    request = TrainRequest(
        recipe=find_recipe(recipe),
        options=find_options(recipe)(**options),
        data=data,
        out=out,
        steps=2,
        threads=1,
        precision="float32",
        grid_every=2,
    )
    train(request)
    return out


@pytest.fixture(scope="session")
def tagged_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 60 pictures of 32x32 with raw tags; some have neither hair nor eyes among them, and one has no tag."""
    folder = tmp_path_factory.mktemp("tagged")
    (folder / "pictures").mkdir()
    rng = np.random.default_rng(0)
    lines = []
    for number in range(60):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        Image.fromarray(coarse).save(folder / "pictures" / f"{number}.png")
        tags = [f"{HAIR_COLORS[number % 5]} hair", f"{EYE_COLORS[number % 7]} eyes"] if number % 3 else ["touhou"]
        lines.append(f"{number}," + "".join(f"{tag}:{number}\t" for tag in [*tags, f"series{number % 4}x"]))
    lines[7] = "7,77:1\t"
    (folder / "tags.csv").write_text("\n".join(lines), encoding="utf-8")
    source = tag_source(folder / "pictures", folder / "tags.csv")
    return write_images(folder / "data", source, Reading(size=32), workers=0).path


@pytest.fixture(scope="session")
def trained_texts_folder(tagged_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of report A's recipe on those pictures; tests may read it, not change it."""
    out = tmp_path_factory.mktemp("runs") / "texts"
    options = find_options("matching_wgan")(width=2, projected=3, batch_size=6, critic_steps=1, boosted_steps=2)
    request = TrainRequest(
        recipe=find_recipe("matching_wgan"),
        options=options,
        data=tagged_folder,
        out=out,
        steps=5,
        threads=1,
        precision="float32",
        grid_every=5,
    )
    train(request)
    return out


@pytest.fixture
def smooth() -> PictureMaker:
    """Make an RGB picture of soft color gradients; the seed decides which."""

    def make(seed: int = 0, size: tuple[int, int] = (37, 29)) -> Image.Image:
        rng = np.random.default_rng(seed)
        small = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
        return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)

    return make


@pytest.fixture
def photos(tmp_path: Path, smooth: PictureMaker) -> Path:
    """A folder with 5 good pictures: 1.jpg to 4.jpg and 10.png."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, name in enumerate(["1.jpg", "2.jpg", "3.jpg", "4.jpg", "10.png"]):
        smooth(seed).save(folder / name)
    return folder
