"""Readers of data sets, and of the pictures, labels and prompts that users have."""

import shutil
from pathlib import Path

from tests.faults.contents import arrays, pictures, texts
from tests.faults.materials import Materials, training
from tests.faults.readers import (
    Place,
    Reader,
    Words,
    alone,
    anything,
    by_command,
    by_sentinel,
    changed_entry,
    in_data,
    of_json,
    of_plain,
)


def _train(path: Path, folder: Path, materials: Materials) -> list[str]:
    return training(folder / "data", "--out", str(folder / "out"), steps=1)


def _in_shards(materials: Materials, folder: Path) -> Path:
    shutil.copytree(materials.shards(2), folder / "data")
    return next((folder / "data" / "shards").iterdir())


def _in_tagged(name: str) -> Place:
    return lambda materials, folder: Path(shutil.copytree(materials.tagged, folder / "data")) / name


def _prepare(*flags: str) -> Words:
    def words(path: Path, folder: Path, materials: Materials) -> list[str]:
        out = str(folder / "out")
        return ["prepare", "--out", out, "--images", str(materials.photos), "--workers", "0", *flags, str(path)]

    return words


def _prepare_folder(path: Path, folder: Path, materials: Materials) -> list[str]:
    del materials
    words = ["--images", str(path.parent), "--out", str(folder / "out"), "--workers", "0", "--size", "16"]
    return ["prepare", *words]


def _sample(path: Path, folder: Path, materials: Materials) -> list[str]:
    words = ["--run", str(materials.run), "--prompts", str(path), "--n", "1", "--out", str(folder / "a.png")]
    return ["sample", *words]


READERS: dict[str, Reader] = {
    "dataset.json": Reader(
        place=in_data("dataset.json"),
        read=by_command(_train),
        contents=of_json(in_data("dataset.json")),
        may_pass=changed_entry,
    ),
    "images.npy": Reader(place=in_data("images.npy"), read=by_command(_train), contents=by_sentinel(arrays)),
    "labels.npy": Reader(place=in_data("labels.npy"), read=by_command(_train), contents=by_sentinel(arrays)),
    "a factor": Reader(place=in_data("factors/yaw.npy"), read=by_command(_train), contents=by_sentinel(arrays)),
    "texts.txt": Reader(place=_in_tagged("texts.txt"), read=by_command(_train), contents=of_plain(texts)),
    "skipped.jsonl": Reader(
        place=in_data("skipped.jsonl"), read=by_command(_train), contents=of_json(), may_pass=anything
    ),
    "a shard": Reader(place=_in_shards, read=by_command(_train), contents=by_sentinel(arrays)),
    "prepare --tags": Reader(
        place=alone("tags.csv"),
        read=by_command(_prepare("--tags")),
        contents=of_plain(texts),
        may_pass=lambda name: "colons" in name,
    ),
    "prepare --labels": Reader(
        place=alone("labels.csv"), read=by_command(_prepare("--labels")), contents=of_plain(texts)
    ),
    "sample --prompts": Reader(place=alone("prompts.txt"), read=by_command(_sample), contents=of_plain(texts)),
    "prepare --images": Reader(
        place=lambda materials, folder: (folder / "photos").mkdir() or folder / "photos" / "1.png",
        read=by_command(_prepare_folder),
        contents=of_plain(pictures),
    ),
}
