"""Pictures in WebDataset shards: the same pictures, read whole and checked, by this program and by others."""

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.data import Dataset, ShardedImages, write_shards

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
