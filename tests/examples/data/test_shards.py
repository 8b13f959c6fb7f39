"""Pictures in WebDataset shards: the same pictures, read whole and checked, by this program and by others."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.data import Dataset, ShardedImages, write_rendered, write_shards

webdataset = pytest.importorskip("webdataset", reason="needs the package webdataset of the extra `examples`")


@pytest.fixture
def sharded(faces_folder: Path, tmp_path: Path) -> Dataset:
    """The faces in 5 shards."""
    shutil.copytree(faces_folder, tmp_path / "faces")
    return write_shards(Dataset.open(tmp_path / "faces"), 5)


def test_the_data_set_is_the_same_but_for_how_its_pictures_are_stored(sharded: Dataset, faces: Dataset) -> None:
    assert isinstance(sharded.images, ShardedImages)
    assert not (sharded.path / "images.npy").exists()
    assert sharded.images.shape == faces.images.shape
    assert sharded.images.nbytes == faces.images.nbytes
    for rows in (slice(None), 7, np.array([69, 0, 3, 3]), slice(60, 2, -7)):
        assert np.array_equal(sharded.images[rows], faces.images[rows])
    assert np.array_equal(np.asarray(sharded.images), faces.images)
    assert np.array_equal(sharded.labels, faces.labels)
    assert sharded.texts() == faces.texts()
    sharded.verify()
    assert sharded.fingerprint != faces.fingerprint  # the order of training is another one
    assert write_shards(sharded, 5) is sharded
    assert np.array_equal(write_shards(sharded, 2).images[5:9], faces.images[5:9])


@pytest.mark.filterwarnings("ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")  # by webdataset
def test_other_programs_find_pictures_and_labels(sharded: Dataset) -> None:
    paths = sorted((sharded.path / "shards").iterdir())
    found = {}
    for path in paths:
        for sample in webdataset.WebDataset(str(path), shardshuffle=False):
            told = json.loads(sample["json"])
            found[told["row"]] = told["labels"]
            assert sample["__key__"] == f"{told['row']:09d}"
    assert sorted(found) == list(range(70))
    hair, _, eyes, _ = sharded.texts(all_tags=False)[11].split()
    assert found[11] == [["hair", hair], ["eyes", eyes]]
    with tarfile.open(paths[0]) as tar:
        assert {Path(name).suffix for name in tar.getnames()} == {".png", ".json"}


def test_shards_are_equal_byte_for_byte_when_they_are_written_again(sharded: Dataset, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in sorted((sharded.path / "shards").iterdir())]
    fingerprint = sharded.fingerprint
    again = write_shards(write_shards(sharded, 3), 5)
    assert [path.read_bytes() for path in sorted((again.path / "shards").iterdir())] == first
    assert again.fingerprint == fingerprint


def test_a_shard_that_has_changed_is_refused_when_it_is_read(sharded: Dataset) -> None:
    path = sharded.path / "shards" / "faces-000002.tar"
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    path.write_bytes(data)
    again = Dataset.open(sharded.path)
    rows = np.flatnonzero(again.images.shards == 2)  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(ValueError, match=r"faces-000002.tar has changed since it was written"):
        again.images[rows[:1]]
    others = np.flatnonzero(again.images.shards != 2)  # pyright: ignore[reportAttributeAccessIssue]
    assert len(again.images[others]) == len(others)


def test_a_changed_list_of_shards_is_refused(sharded: Dataset) -> None:
    path = sharded.path / "dataset.json"
    info = json.loads(path.read_text())
    info["shards"][1]["sha256"] = info["shards"][0]["sha256"]
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match=r"dataset\.json has changed since it was written"):
        Dataset.open(sharded.path)
    del info["seal"]  # as earlier versions wrote it
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match="shards has changed since it was written"):
        Dataset.open(sharded.path).verify()
    info["shards"][1]["pictures"] += 1
    info["shards"][0]["pictures"] -= 1
    path.write_text(json.dumps(info))
    with pytest.raises(ValueError, match="the numbers of pictures in the shards do not fit together"):
        Dataset.open(sharded.path)


@pytest.mark.parametrize("shards", [0, 36])
def test_numbers_of_shards_out_of_range_are_refused_and_nothing_changes(sharded: Dataset, shards: int) -> None:
    with pytest.raises(ValueError, match=rf"--shards must be from 1 to half the pictures \(70\), but it is {shards}"):
        write_shards(sharded, shards)
    assert len(Dataset.open(sharded.path)) == 70


def test_only_the_last_shards_are_kept(sharded: Dataset) -> None:
    images = Dataset.open(sharded.path).images
    assert isinstance(images, ShardedImages)
    images.kept = 2
    images.read_ahead(np.arange(70))
    assert len(images._read) == 2


def _png(size: tuple[int, int], mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


def _tar(*pictures: bytes, ending: str = "png") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number, data in enumerate(pictures):
            member = tarfile.TarInfo(f"{number}.{ending}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "no archive": (lambda: b"hello", "a picture is missing, or it is no archive"),
    "nothing": (lambda: b"", "a picture is missing, or it is no archive"),
    "cut off": (lambda: _tar(_png((8, 8)))[:700], "a picture is missing, or it is no archive"),
    "no pictures": (lambda: _tar(b"a", b"b", ending="txt"), "a picture is missing, or it is no archive"),
    "too few": (lambda: _tar(_png((8, 8))), "1 pictures, not 2"),
    "larger ones": (lambda: _tar(_png((9, 8)), _png((9, 8))), "one has 9 x 8 in mode RGB"),
    "huge ones": (lambda: _tar(*[_png((8000, 8000), "1")] * 2), "one has 8000 x 8000 in mode 1"),
    "gray ones": (lambda: _tar(_png((8, 8), "L"), _png((8, 8), "L")), "one has 8 x 8 in mode L"),
    "damaged ones": (lambda: _tar(*[_png((8, 8))[:-30]] * 2), "a picture is damaged or cut off"),
    "no pictures in them": (lambda: _tar(b"hello", b"hello"), "a picture is damaged or cut off"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_shard_of_another_form_is_one_error_with_its_name_also_with_a_right_digest(what: str, tmp_path: Path) -> None:
    make, problem = WRONG[what]
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / "faces-000000.tar").write_bytes(make())
    images = ShardedImages(tmp_path, [{"pictures": 2, "sha256": hashlib.sha256(make()).hexdigest()}], 8)
    with pytest.raises(ValueError, match=f"{tmp_path}/shards/faces-000000.tar is not a shard .*{problem}"):
        images[:]


@pytest.mark.parametrize("size", [0, -1, 1 << 20])
def test_a_size_that_no_picture_has_is_refused(sharded: Dataset, size: int) -> None:
    path = sharded.path / "dataset.json"
    info = {name: value for name, value in json.loads(path.read_text()).items() if name != "seal"}
    path.write_text(json.dumps(info | {"size": size}))
    with pytest.raises(ValueError, match=r"dataset.json: size must be at least 1, and at most 65,536"):
        Dataset.open(sharded.path)


def test_half_the_pictures_may_be_shards_and_what_has_changed_is_not_sealed_anew(tmp_path: Path) -> None:
    data = write_rendered(tmp_path / "few", 5, 32, workers=0)
    images = np.load(data.path / "images.npy", allow_pickle=False)
    np.save(data.path / "images.npy", 255 - images)
    with pytest.raises(ValueError, match="images has changed since it was written"):
        write_shards(Dataset.open(data.path), 2)
    np.save(data.path / "images.npy", images)
    sharded = write_shards(Dataset.open(data.path), 2)
    assert [entry["pictures"] for entry in sharded.info["shards"]] == [3, 2]
    np.testing.assert_array_equal(np.asarray(sharded.images), images)
