"""Every way by which a file gets into the library or the example, and what is put in the place of that file."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gankit as gk
from tests.faults.archives import files, sealed
from tests.faults.children import command
from tests.faults.contents import Write, arrays, changed_json, json_texts, pictures, texts, writing
from tests.faults.materials import Materials, training

MISTAKE = 2

Place = Callable[[Materials, Path], Path]
Contents = Callable[[Materials, Path], Mapping[str, Write]]
Words = Callable[[Path, Path, Materials], list[str]]
Read = Callable[[Path, Path, Materials], Callable[[], int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A way by which a file gets into the project.

    Args:
        place: Returns the path of the file, after what is around it was put into a folder.
        read: Reads it; for the library it raises `ValueError` or `OSError`, for a command the status is 2.
        contents: What is put there.
        may_pass: Whether contents may also be used as they are, or skipped: where not all of them are wrong.
    """

    place: Place
    read: Read
    contents: Contents
    may_pass: Callable[[str], bool] = lambda _: False


def library(load: Callable[[Path], object]) -> Read:
    """Return a reader of the library, whose errors are shown as a command would show them."""

    def read(path: Path, folder: Path, materials: Materials) -> Callable[[], int]:
        del folder, materials

        def work() -> int:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    load(path)
                except (ValueError, OSError) as error:
                    os.write(2, f"error: {error}\n".encode(errors="replace"))
                    return MISTAKE
            return 0

        return work

    return read


def by_command(
    words: Callable[[Path, Path, Materials], list[str]],
) -> Callable[[Path, Path, Materials], Callable[[], int]]:
    """Return a reader that is a command of the example."""
    return lambda path, folder, materials: command(*words(path, folder, materials))


def _load(path: Path) -> object:
    return gk.training.load_checkpoint(path)  # looked up at each call: a test replaces it


def _alone(name: str) -> Place:
    return lambda materials, folder: folder / name


def _in_run(name: str) -> Place:
    return lambda materials, folder: materials.run_in(folder / "run") / name


def _in_data(name: str) -> Place:
    return lambda materials, folder: materials.faces_in(folder / "data") / name


def _newest(materials: Materials, folder: Path) -> Path:
    """Leave one checkpoint of a run, and return its path."""
    run = materials.run_in(folder / "run")
    checkpoints = sorted((run / "checkpoints").glob("*.pt"), key=lambda path: int(path.stem.rpartition("-")[2]))
    for path in checkpoints[:-1]:
        path.unlink()
    return checkpoints[-1]


def _in_shards(materials: Materials, folder: Path) -> Path:
    shutil.copytree(materials.shards(2), folder / "data")
    return next((folder / "data" / "shards").iterdir())


def _archives(*, seal: bool) -> Contents:
    def contents(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
        del materials
        found = {name: writing(data) for name, data in files(sentinel).items()}
        if seal:  # what is no archive cannot be sealed, and stays as it is
            archives = {name: data for name, data in files(sentinel).items() if data[-2:] == b"\0\0"}
            found = {name: write for name, write in found.items() if name not in archives}
            found |= {f"sealed, {name}": writing(sealed(data)) for name, data in archives.items()}
        return found

    return contents


def _json(place: Place | None = None) -> Contents:
    def contents(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
        found = json_texts()
        if place is not None:
            folder = sentinel.parent / "whole"
            folder.mkdir()
            whole: Any = json.loads(place(materials, folder).read_text(encoding="utf-8"))
            shutil.rmtree(folder)
            found |= changed_json(whole)
        return {name: writing(data) for name, data in found.items()}

    return contents


def _plain(make: Callable[[], Mapping[str, bytes]]) -> Contents:
    return lambda materials, sentinel: {name: writing(data) for name, data in make().items()}


def _arrays(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
    del materials
    return {name: writing(data) for name, data in arrays(sentinel).items()}


def _train(path: Path, folder: Path, materials: Materials) -> list[str]:
    del path, materials
    return training(folder / "data", "--out", str(folder / "out"), steps=1)


def _prepare(*flags: str) -> Words:
    def words(path: Path, folder: Path, materials: Materials) -> list[str]:
        out = str(folder / "out")
        return ["prepare", "--out", out, "--images", str(materials.photos), "--workers", "0", *flags, str(path)]

    return words


def _changed_entry(name: str) -> bool:
    """Whether a change leaves a file that may still be right: an entry that is not used, or a value that is allowed."""
    return name.startswith("entry ")


def _any(name: str) -> bool:
    del name
    return True


READERS: dict[str, Reader] = {
    "load_checkpoint": Reader(
        place=_alone("a.pt"),
        read=library(_load),
        contents=_archives(seal=True),
    ),
    "Checkpoints.load_latest": Reader(
        place=_alone("checkpoint-3.pt"),
        read=library(lambda path: gk.training.Checkpoints(path.parent).load_latest()),
        contents=_archives(seal=True),
    ),
    "sample --run": Reader(
        place=_newest,
        read=by_command(lambda path, folder, _: ["sample", "--run", str(path), "--out", str(folder / "a.png")]),
        contents=_archives(seal=True),
    ),
    "train, to go on": Reader(
        place=_newest,
        read=by_command(lambda path, folder, m: training(m.faces, "--out", str(folder / "run"), steps=4)),
        contents=_archives(seal=True),
    ),
    "train --from": Reader(
        place=_alone("a.pt"),
        read=by_command(
            lambda path, folder, m: training(m.faces, "--out", str(folder / "out"), "--from", str(path), steps=1)
        ),
        contents=_archives(seal=True),
    ),
    "digest": Reader(
        place=_alone("a.pt"), read=by_command(lambda path, *_: ["digest", str(path)]), contents=_archives(seal=True)
    ),
    "transfer --weights": Reader(
        place=_alone("200000-G.ckpt"),
        read=by_command(
            lambda path, folder, m: [
                *("transfer", "--weights", str(path), "--images", str(m.photos), "--out", str(folder / "strip.png"))
            ]
        ),
        contents=_archives(seal=False),
    ),
    "settings.json": Reader(
        place=_in_run("settings.json"),
        read=by_command(lambda path, *_: ["report", str(path.parent)]),
        contents=_json(_in_run("settings.json")),
        may_pass=_changed_entry,
    ),
    "settings.json, by train --plan": Reader(
        place=_in_run("settings.json"),
        read=by_command(
            lambda path, folder, m: training(m.faces, "--out", str(folder / "out"), "--plan", str(path.parent), steps=1)
        ),
        contents=_json(),
    ),
    "metrics.json": Reader(
        place=_in_run("metrics.json"),
        read=by_command(lambda path, *_: ["report", str(path.parent)]),
        contents=_json(),
        may_pass=lambda name: "an empty object" in name or "exponent" in name or "NaN" in name or "half" in name,
    ),
    "metrics.json, by compare": Reader(
        place=_in_run("metrics.json"),
        read=by_command(
            lambda path, folder, _: ["compare", str(path.parent), str(path.parent), "--out", str(folder / "c")]
        ),
        contents=_json(),
        may_pass=lambda name: "an empty object" in name or "exponent" in name or "NaN" in name or "half" in name,
    ),
    "system.json": Reader(
        place=_in_run("system.json"),
        read=by_command(lambda path, *_: ["report", str(path.parent)]),
        contents=_json(_in_run("system.json")),
        may_pass=_any,
    ),
    "log.jsonl": Reader(
        place=_in_run("log.jsonl"),
        read=by_command(lambda path, *_: ["report", str(path.parent)]),
        contents=_json(),
        may_pass=_any,
    ),
    "losses.csv": Reader(
        place=_in_run("losses.csv"),
        read=by_command(lambda path, *_: ["report", str(path.parent)]),
        contents=_plain(texts),
        may_pass=_any,
    ),
    "dataset.json": Reader(
        place=_in_data("dataset.json"),
        read=by_command(_train),
        contents=_json(_in_data("dataset.json")),
        may_pass=_changed_entry,
    ),
    "images.npy": Reader(place=_in_data("images.npy"), read=by_command(_train), contents=_arrays),
    "labels.npy": Reader(place=_in_data("labels.npy"), read=by_command(_train), contents=_arrays),
    "skipped.jsonl": Reader(place=_in_data("skipped.jsonl"), read=by_command(_train), contents=_json(), may_pass=_any),
    "a shard": Reader(place=_in_shards, read=by_command(_train), contents=_arrays),
    "prepare --tags": Reader(
        place=_alone("tags.csv"),
        read=by_command(_prepare("--tags")),
        contents=_plain(texts),
        may_pass=lambda n: "colons" in n,
    ),
    "prepare --labels": Reader(
        place=_alone("labels.csv"), read=by_command(_prepare("--labels")), contents=_plain(texts)
    ),
    "sample --prompts": Reader(
        place=_alone("prompts.txt"),
        read=by_command(
            lambda path, folder, m: [
                *("sample", "--run", str(m.run), "--prompts", str(path), "--n", "1", "--out", str(folder / "a.png"))
            ]
        ),
        contents=_plain(texts),
    ),
    "prepare --images": Reader(
        place=lambda materials, folder: (folder / "photos").mkdir() or folder / "photos" / "1.png",
        read=by_command(
            lambda path, folder, _: [
                *(
                    "prepare",
                    "--images",
                    str(path.parent),
                    "--out",
                    str(folder / "out"),
                    "--workers",
                    "0",
                    "--size",
                    "16",
                )
            ]
        ),
        contents=_plain(pictures),
    ),
}
