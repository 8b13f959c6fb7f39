"""Readers of data sets, and of what data sets are made from: tags, tables, prompts, pictures."""

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    Dataset,
    Reading,
    ShardedImages,
    UnusableError,
    find_classes,
    parse_prompt,
    read_picture,
    read_prompts,
    table_source,
    tag_source,
    write_shards,
)
from examples.anime_faces.data._digests import dataset_fingerprint, sealed
from examples.anime_faces.data._layout import read_array
from examples.anime_faces.data._table import line_of_class
from examples.anime_faces.data._writer import DatasetWriter
from tests.fuzzing.mutators import ARRAY, BYTES, JSON, JSON_LINES, LINES, Mutator, several
from tests.fuzzing.target import Target

COUNT, SIZE = 6, 8
ATTRIBUTES = (
    Attribute("hair", ("blue", "red")),
    Attribute("glasses", ("no", "yes", "a b", "caf\u00e9, x")),
    Attribute("=odd name", ('"', "-1", "hair")),
)
TEXTS: dict[str, bytes] = {
    "tags with counts": b"1,blue hair:7\tred eyes:3\t1girl:100\t\n2,touhou:1\tsolo:2\t\n",
    "tags by blanks": b"1,blue_hair:7 red_eyes:3 x:1\n2,a:1,b c:2,d:3\n",
    "colors": "\ufeff1,aqua hair red eyes\r\n./2,Grey_Hair, green eyes\n\n3,black hair".encode(),
    "table": 'file,hair,eyes\n1.png,blue,red;green\n"2.png","a ""b""",\n./3.PNG, caf\u00e9 ,x\n'.encode(),
    "CelebA": b"3\nBlack_Hair Male\n1.png  1 -1\n2.png -1 -1\n3.png  1  1\n",
    "prompts": b'1,blue hair red eyes\nsnow-2,black hair\nred eyes\n"17",hair: blue\n\n',
}
WORDS = {
    "colors": b"blue hair, glasses=yes",
    "quoted": b'glasses="caf\\u00e9, x" "a b"',
    "odd": b'"=odd name"="\\"" hair: red "-1"',
}


def _numbered_pictures(folder: Path) -> None:
    for number in range(1, 5):
        (folder / f"{number}.png").touch()


@cache
def dataset_folder() -> Path:
    """Return the folder of a data set with all that one can have."""
    folder = Path(tempfile.mkdtemp(prefix="fuzzed-")) / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    labels = np.eye(9, dtype=np.uint8)[[0, 2, 4, 6, 8, 1]]
    with DatasetWriter(folder, size=SIZE, attributes=ATTRIBUTES) as writer:
        images = rng.integers(0, 256, (COUNT, SIZE, SIZE, 3), dtype=np.uint8)
        factors = {"pose": np.arange(COUNT, dtype=np.float32), "extra_tags": np.zeros((COUNT, 2), np.uint8)}
        writer.add(images, labels, factors, texts=[f"text {number}" for number in range(COUNT)])
        writer.finish(
            kind="rendered",
            settings={"seed": 0, "knobs": {"rate": 0.5}},
            skipped=[{"file": "7.png", "reason": "damaged or cut off"}, {"file": "a.txt", "reason": "a web page"}],
            details={"extra_tags": ["x", "y"], "notes": {"1 line": 1}, "sources": [{"folder": "a", "pictures": COUNT}]},
        )
    return folder


@cache
def sharded_folder() -> Path:
    """Return the folder of the same data set in shards."""
    folder = dataset_folder().with_name("sharded")
    shutil.copytree(dataset_folder(), folder)
    write_shards(Dataset.open(folder), 2)
    return folder


def _copied(source: Callable[[], Path]) -> Callable[[Path], None]:
    return lambda folder: shutil.copytree(source(), folder, dirs_exist_ok=True) and None


def _open(path: Path) -> Any:
    dataset = Dataset.open(next(one for one in path.parents if (one / "dataset.json").exists()))
    dataset.verify()
    shown = (
        dataset.info,
        dataset.labels,
        dataset.attributes,
        dict(dataset.factors),
        dataset.skipped,
        dataset.own_texts,
    )
    return (*shown, np.asarray(dataset.images), dataset.class_ids(), dataset.texts(all_tags=False), dataset.texts())


def resealed(data: bytes) -> bytes:
    """Return the contents of dataset.json with the digests that it would have."""
    try:
        info = json.loads(data)
        attributes = [Attribute(one["name"], tuple(one["classes"])) for one in info["attributes"]]
        info["fingerprint"] = dataset_fingerprint(attributes, info["sha256"])
        return json.dumps(sealed(info)).encode()
    except Exception:  # noqa: BLE001 - it is of another form, and stays as it is
        return data


def _arrays() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, array in {
        "rows": np.zeros((3, 2), np.uint8),
        "numbers": np.arange(4.0),
        "order": np.ones((2, 3), order="F"),
    }.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        found[name] = buffer.getvalue()
    return found


def _read_twice(path: Path) -> Any:
    read, mapped = read_array(path), read_array(path, is_mapped=True)
    return read, np.array(mapped)


def _read_shard(path: Path) -> np.ndarray:
    entry = {"pictures": COUNT // 2, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    other = path.with_name("faces-000001.tar")
    entries: list[Any] = [entry, {"pictures": COUNT // 2, "sha256": hashlib.sha256(other.read_bytes()).hexdigest()}]
    images = ShardedImages(path.parents[1], entries, SIZE)
    try:
        return images[:]
    finally:
        images._readers.shutdown()


def _pictures() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    found: dict[str, bytes] = {}
    for mode, kind in {
        "RGB": "JPEG",
        "RGBA": "PNG",
        "P": "GIF",
        "L": "PNG",
        "I;16": "PNG",
        "1": "BMP",
        "LA": "WEBP",
    }.items():
        buffer = io.BytesIO()
        picture = Image.fromarray(rng.integers(0, 256, (9, 11, 3), dtype=np.uint8))
        picture = picture.convert("I").convert("I;16") if mode == "I;16" else picture.convert(mode)
        picture.save(buffer, kind)
        found[f"{mode} {kind}"] = buffer.getvalue()
    return found


def _seeds(*names: str) -> Callable[[], dict[str, bytes]]:
    return lambda: {name: TEXTS[name] for name in names}


def _table_and_line(path: Path) -> Any:
    source = table_source(path.parent, path)
    one = next((one for one in source.attributes if one.classes), None)
    return source, None if one is None else line_of_class(path, one.name, one.classes[0])


def _of_dataset(name: str, mutate: Mutator, folder: Callable[[], Path], **more: Any) -> Target:
    return Target(
        name=name,
        seeds=lambda: {name: (folder() / name).read_bytes()},
        around=_copied(folder),
        read=_open,
        mutate=mutate,
        naming="the data set",
        **more,
    )


DATA_FILES: dict[str, Target] = {
    "tags": Target(
        name="tags.csv",
        seeds=_seeds("tags with counts", "tags by blanks", "colors"),
        around=_numbered_pictures,
        read=lambda path: tag_source(path.parent, path),
        mutate=LINES,
    ),
    "table": Target(
        name="labels.csv",
        seeds=_seeds("table", "CelebA"),
        around=_numbered_pictures,
        read=_table_and_line,
        mutate=LINES,
    ),
    "prompts": Target(
        name="prompts.txt",
        seeds=_seeds("prompts"),
        read=lambda path: read_prompts(path, lambda text: parse_prompt(text, FACE_ATTRIBUTES)),
        mutate=LINES,
    ),
    "words": Target(
        name="words",
        seeds=lambda: WORDS,
        read=lambda path: find_classes(path.read_bytes().decode("utf-8", "surrogateescape"), ATTRIBUTES),
        mutate=LINES,
        naming="",
        errors=(ValueError,),
    ),
    "array": Target(name="labels.npy", seeds=_arrays, read=_read_twice, mutate=ARRAY),
    "shard": Target(
        name="shards/faces-000000.tar",
        seeds=lambda: {"shard": (sharded_folder() / "shards" / "faces-000000.tar").read_bytes()},
        around=_copied(sharded_folder),
        read=_read_shard,
        mutate=BYTES,
        naming="faces-000000.tar",
    ),
    "picture": Target(
        name="1.png",
        seeds=_pictures,
        read=lambda path: read_picture(path.parent, path.name, Reading(size=SIZE, least_side=1)),
        mutate=BYTES,
        errors=(UnusableError,),
        naming="",
    ),
    "dataset.json": _of_dataset("dataset.json", JSON, dataset_folder, finish=resealed),
    "dataset.json in shards": _of_dataset("dataset.json", JSON, sharded_folder, finish=resealed),
    "images.npy": _of_dataset("images.npy", ARRAY, dataset_folder),
    "labels.npy": _of_dataset("labels.npy", ARRAY, dataset_folder),
    "factors": _of_dataset("factors/pose.npy", ARRAY, dataset_folder),
    "texts.txt": _of_dataset("texts.txt", several(LINES, BYTES), dataset_folder),
    "skipped.jsonl": _of_dataset("skipped.jsonl", JSON_LINES, dataset_folder),
}
"""Files of data sets, and files that data sets are made from."""
