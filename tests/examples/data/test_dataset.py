import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute, Dataset, describe
from examples.anime_faces.data._digests import array_digest
from examples.anime_faces.data._writer import DatasetWriter

ATTRIBUTES = (Attribute("coat", ("long", "short", "soft")), Attribute("mood", ("calm", "wild")))


def write(folder, count: int = 7, attributes=ATTRIBUTES) -> Dataset:
    folder.mkdir()
    rng = np.random.default_rng(0)
    with DatasetWriter(folder, size=5, attributes=attributes) as writer:
        for size in (count - 2, 2):
            labels = rng.integers(0, 2, (size, sum(len(one.classes) for one in attributes)), dtype=np.uint8)
            writer.add(rng.integers(0, 256, (size, 5, 5, 3), dtype=np.uint8), labels, {"yaw": rng.random(size)})
        writer.finish(kind="table", settings={"seed": 1}, skipped=[{"file": "a", "reason": "b"}], details={"notes": {}})
    return Dataset.open(folder)


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    return write(tmp_path / "data")


def test_what_is_written_is_opened(dataset):
    rng = np.random.default_rng(0)
    for rows in (slice(0, 5), slice(5, 7)):
        count = rows.stop - rows.start
        np.testing.assert_array_equal(dataset.labels[rows], rng.integers(0, 2, (count, 5), dtype=np.uint8))
        np.testing.assert_array_equal(dataset.images[rows], rng.integers(0, 256, (count, 5, 5, 3), dtype=np.uint8))
        np.testing.assert_array_equal(dataset.factors["yaw"][rows], rng.random(count))
    assert (len(dataset), dataset.size, dataset.kind) == (7, 5, "table")
    assert dataset.attributes == ATTRIBUTES
    assert dataset.skipped == ({"file": "a", "reason": "b"},)
    assert dataset.info["counts"] == {"found": 8, "used": 7, "skipped": 1}
    dataset.verify()


def test_pictures_stay_on_the_disk_and_cannot_be_changed(dataset):
    assert isinstance(dataset.images, np.memmap)
    assert not any(isinstance(one, np.memmap) for one in (dataset.labels, dataset.factors["yaw"]))
    with pytest.raises(ValueError):
        dataset.images[0] = 0
    with pytest.raises(IndexError):
        dataset.images[7]


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_opening_does_not_read_the_pictures(tmp_path):
    folder = write(tmp_path / "data").path
    count = 100_000  # 1.2 GB of pictures, a hole in the file
    with (folder / "images.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, 64, 64, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + count * 64 * 64 * 3)
    labels, yaw = np.zeros((count, 5), np.uint8), np.zeros(count)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "factors" / "yaw.npy", yaw)
    info = json.loads((folder / "dataset.json").read_text())
    info |= {"size": 64, "counts": {"found": count + 1, "used": count, "skipped": 1}}
    info["sha256"] |= {"labels": array_digest(labels), "factors/yaw": array_digest(yaw)}
    del info["seal"]
    (folder / "dataset.json").write_text(json.dumps(info))
    program = (
        "import resource, sys; from examples.anime_faces.data import Dataset\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "data = Dataset.open(sys.argv[1]); assert data.images[-1].sum() == 0\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    grown = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path.cwd())
    assert int(grown.stdout) < 40_000  # kB


def test_class_ids_are_clear_or_missing(tmp_path):
    data = write(tmp_path / "data", count=60)
    expected = []
    for row in data.labels.tolist():
        coat, mood = row[:3], row[3:]
        expected.append([part.index(1) if sum(part) == 1 else -1 for part in (coat, mood)])
    ids = data.class_ids()
    assert ids.dtype == np.int64
    assert ids.tolist() == expected
    assert {-1, 0, 1, 2} == set(ids[:, 0].tolist())


def test_a_data_set_without_attributes(tmp_path):
    data = write(tmp_path / "data", attributes=())
    assert data.labels.shape == (7, 0)
    assert data.class_ids().shape == (7, 0)
    data.verify()


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "factors/yaw.npy"])
def test_a_changed_bit_is_found(dataset, name):
    content = bytearray((dataset.path / name).read_bytes())
    content[-1] ^= 1
    (dataset.path / name).write_bytes(content)
    with pytest.raises(ValueError, match="has changed since it was written"):
        Dataset.open(dataset.path).verify()


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "factors/yaw.npy", "skipped.jsonl", "dataset.json"])
@pytest.mark.parametrize("keep", [0.0, 0.5, None])
def test_a_cut_or_missing_file_is_refused(dataset, name, keep):
    path = dataset.path / name
    if keep is None:
        path.unlink()
    elif not (name == "skipped.jsonl" and keep == 0):  # an empty list is a list
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    else:
        return
    with pytest.raises(ValueError, match=r"damaged, prepare it again|no data set in") as caught:
        Dataset.open(dataset.path)
    end = str(caught.value).rpartition("--overwrite: ")[2]
    file = path.name.replace(".", r"\.")
    parts = (
        rf"{file} is (missing|cut off, or is not an array: .*)|{file}(: |, )line \d+.*|{file} must have 1 lines, got 0"
    )
    assert (keep is None and name == "dataset.json") or re.fullmatch(parts, end), end


def test_files_that_do_not_fit_together_are_refused(dataset):
    np.save(dataset.path / "labels.npy", np.zeros((6, 5), np.uint8))
    with pytest.raises(ValueError, match=r"labels.npy must be uint8 \(7, 5\), got uint8 \(6, 5\)"):
        Dataset.open(dataset.path)


def test_a_pickle_is_never_loaded(dataset):
    np.save(dataset.path / "labels.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"labels\.npy is cut off, or is not an array"):
        Dataset.open(dataset.path)


def test_another_layout_is_refused(dataset):
    info = json.loads((dataset.path / "dataset.json").read_text())
    (dataset.path / "dataset.json").write_text(json.dumps(info | {"schema": 2}))
    with pytest.raises(ValueError, match="has layout 2, this program reads 1"):
        Dataset.open(dataset.path)


def test_a_folder_without_a_data_set_says_how_to_make_one(tmp_path):
    with pytest.raises(ValueError, match=f"prepare --out {tmp_path}/none"):
        Dataset.open(tmp_path / "none")


def test_fingerprints_tell_data_sets_apart(tmp_path, dataset):
    assert write(tmp_path / "same").fingerprint == dataset.fingerprint
    assert write(tmp_path / "longer", count=8).fingerprint != dataset.fingerprint
    renamed = (Attribute("coat", ("long", "short", "rough")), ATTRIBUTES[1])
    assert write(tmp_path / "renamed", attributes=renamed).fingerprint != dataset.fingerprint


@pytest.mark.parametrize("names", [("", ()), ("a", ("b", "b")), ("a", (" b",)), ("a", ("b  c",)), ("a", ("e\u0301",))])
def test_names_must_be_clean_and_differ(names):
    with pytest.raises(ValueError, match=r"clean|must differ"):
        Attribute(*names)


def test_descriptions():
    assert describe((8, -1), FACE_ATTRIBUTES) == "blue hair"
    assert describe((2, 1), ATTRIBUTES) == "soft wild"
    with pytest.raises(ValueError, match="one id for each attribute"):
        describe((1,), FACE_ATTRIBUTES)


def test_class_ids_are_numbered_as_others_number_them(tmp_path):
    data = write(tmp_path / "data", count=20)
    others = (Attribute("size", ("a", "b")), Attribute("mood", ("wild", "odd", "calm")), ATTRIBUTES[0])
    own, ids = data.class_ids(), data.class_ids_of(others)
    assert ids.dtype == np.int64
    assert (ids[:, 0] == -1).all()
    assert ids[:, 1].tolist() == [{0: 2, 1: 0, -1: -1}[number] for number in own[:, 1].tolist()]
    assert ids[:, 2].tolist() == own[:, 0].tolist()
    for lacking in (others[:2], (*others[:1], Attribute("mood", ("wild",)), ATTRIBUTES[0])):
        with pytest.raises(ValueError, match=r"has the class '(long|calm)' of '(coat|mood)', which is not known there"):
            data.class_ids_of(lacking)
