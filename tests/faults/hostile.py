"""Hostile files in the place of every file that the library or the example reads."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gankit as gk
from tests.faults.children import Ended, command, start
from tests.faults.contents import (
    NODES,
    Write,
    arrays,
    changed_json,
    json_texts,
    pictures,
    texts,
    writing,
)
from tests.faults.materials import Materials, training
from tests.faults.pickles import check_forging, files, sealed
from tests.faults.tally import Arm, Setting, Tally, Trial

OWN_SECONDS = 1.0
MEGABYTES = 100.0
LIMITS = {"seconds": OWN_SECONDS, "MB": MEGABYTES}
MISTAKE = 2
ALL = 100_000
"""More than there are cases: the long form tries all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A way by which a file gets into the project.

    Args:
        place: Returns the path of the file, after what is around it was put into a folder.
        read: Reads it; for the library it raises `ValueError` or `OSError`, for a command the status is 2.
        contents: What is put there.
        may_pass: Whether contents may also be used as they are, or skipped: where not all of them are wrong.
    """

    place: Callable[[Materials, Path], Path]
    read: Callable[[Path, Path, Materials], Callable[[], int]]
    contents: Callable[[Materials, Path], Mapping[str, Write]]
    may_pass: Callable[[str], bool] = lambda _: False


def try_reader(setting: Setting, count: int, tally: Tally, *, reader: Reader) -> None:
    """Put hostile contents at the place of a file, one after the other, and have it read by a process of its own."""
    check_forging()
    sentinel = setting.materials.folder / "sentinel"  # the same for all readers: hostile files are made once
    cases = {**reader.contents(setting.materials, sentinel), **NODES}
    names = list(cases) if count >= len(cases) else setting.rng.sample(list(cases), count)
    # The memory of a reader that finds an empty file: what is loaded before anything hostile is looked at.
    baseline = min(_read(setting, reader, writing(b""), f"baseline-{number}").peak for number in range(3))
    for number, name in enumerate(names):
        with tally.attempt(name) as attempt:
            ended = _read(setting, reader, cases[name], f"case-{number}")
            more = max(0.0, (ended.peak - baseline) / 1e6)
            executed = sentinel.exists()
            if executed:
                shutil.rmtree(sentinel) if sentinel.is_dir() else sentinel.unlink()
            passed = ended.status == 0 and reader.may_pass(name)
            attempt.expect(not executed, "code in it was executed")
            attempt.expect(not ended.hung, "it was never refused")
            attempt.expect("Traceback" not in ended.errors, f"a traceback: {ended.in_short}")
            if passed:
                tally.add("used or skipped")
                continue
            attempt.expect(ended.own_seconds < OWN_SECONDS, f"it took {ended.own_seconds:.1f} s")
            attempt.expect(more < MEGABYTES, f"it took {more:.0f} MB")
            attempt.expect(ended.status == MISTAKE, f"it was not refused: {ended.in_short}")
            attempt.expect(ended.is_one_line, f"not one line: {ended.in_short}")
            tally.most("seconds", round(ended.own_seconds, 2))
            tally.most("MB", round(more, 1))


def _read(setting: Setting, reader: Reader, write: Write, name: str) -> Ended:
    folder = setting.place / name
    folder.mkdir()
    path = reader.place(setting.materials, folder)
    if path.is_symlink() or path.exists():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write(path)
    work = reader.read(path, folder, setting.materials)
    ended = start(work, folder.with_suffix(".output"), own_seconds=10 * OWN_SECONDS).wait(60)
    shutil.rmtree(folder)
    return ended


def library(load: Callable[[Path], object]) -> Callable[[Path, Path, Materials], Callable[[], int]]:
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


def _alone(name: str) -> Callable[[Materials, Path], Path]:
    return lambda materials, folder: folder / name


def _in_run(name: str) -> Callable[[Materials, Path], Path]:
    return lambda materials, folder: materials.run_in(folder / "run") / name


def _in_data(name: str) -> Callable[[Materials, Path], Path]:
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


def _archives(*, seal: bool) -> Callable[[Materials, Path], Mapping[str, Write]]:
    def contents(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
        del materials
        found = {name: writing(data) for name, data in files(sentinel).items()}
        if seal:  # what is no archive cannot be sealed, and stays as it is
            archives = {name: data for name, data in files(sentinel).items() if data[-2:] == b"\0\0"}
            found = {name: write for name, write in found.items() if name not in archives}
            found |= {f"sealed, {name}": writing(sealed(data)) for name, data in archives.items()}
        return found

    return contents


def _json(place: Callable[[Materials, Path], Path] | None = None) -> Callable[[Materials, Path], Mapping[str, Write]]:
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


def _plain(make: Callable[[], Mapping[str, bytes]]) -> Callable[[Materials, Path], Mapping[str, Write]]:
    return lambda materials, sentinel: {name: writing(data) for name, data in make().items()}


def _arrays(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
    del materials
    return {name: writing(data) for name, data in arrays(sentinel).items()}


def _train(path: Path, folder: Path, materials: Materials) -> list[str]:
    del path, materials
    return training(folder / "data", "--out", str(folder / "out"), steps=1)


def _prepare(*flags: str) -> Callable[[Path, Path, Materials], list[str]]:
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
        read=library(lambda path: gk.training.load_checkpoint(path)),
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
QUICK = 4

HOSTILE = Trial(
    name="hostile",
    promise=(
        "Nothing in a file that the library or the example reads is executed; a hostile file is refused in one line, in under 1 s "
        "of processor time and 100 MB."
    ),
    arms={
        name: Arm(run=partial(try_reader, reader=reader), long=ALL, quick=QUICK, limits=LIMITS)
        for name, reader in READERS.items()
    },
)
