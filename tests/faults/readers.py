"""What a way is by which a file gets into the library or the example, and what is put in the place of that file."""

import json
import os
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.archives import files, sealed
from tests.faults.children import command
from tests.faults.contents import Made, Write, changed_json, json_texts, made, writing
from tests.faults.materials import Materials

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
        quick: Whether it belongs to the quick form: where it is cheap, and no other reads the same file.
    """

    place: Place
    read: Read
    contents: Contents
    may_pass: Callable[[str], bool] = lambda _: False
    quick: bool = True


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


def alone(name: str) -> Place:
    """Return the place of a file with nothing around it."""
    return lambda materials, folder: folder / name


def in_run(name: str) -> Place:
    """Return the place of a file in a copy of a run."""
    return lambda materials, folder: materials.run_in(folder / "run") / name


def in_data(name: str) -> Place:
    """Return the place of a file in a copy of a data set."""
    return lambda materials, folder: materials.faces_in(folder / "data") / name


def of_archives(*, seal: bool) -> Contents:
    """Return archives of torch, with a right checksum if they are sealed."""

    def contents(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
        del materials
        return {name: writing(partial(_sealed, data) if seal else data) for name, data in files(sentinel).items()}

    return contents


def _sealed(data: Made) -> bytes:
    """Seal what is an archive; anything else stays as it is."""
    whole = made(data)
    return sealed(whole) if whole[-2:] == b"\0\0" else whole


def of_json(place: Place | None = None) -> Contents:
    """Return JSON texts, and the right file with changed entries if there is a place of it."""

    def contents(materials: Materials, sentinel: Path) -> Mapping[str, Write]:
        found = dict(json_texts())
        if place is not None:
            folder = sentinel.parent / "whole"
            folder.mkdir()
            whole: Any = json.loads(place(materials, folder).read_text(encoding="utf-8"))
            shutil.rmtree(folder)
            found |= changed_json(whole)
        return {name: writing(data) for name, data in found.items()}

    return contents


def of_plain(make: Callable[[], Mapping[str, Made]]) -> Contents:
    """Return contents that do not depend on anything."""
    return lambda materials, sentinel: {name: writing(data) for name, data in make().items()}


def by_sentinel(make: Callable[[Path], Mapping[str, Made]]) -> Contents:
    """Return contents that make a sentinel if they are executed."""
    return lambda materials, sentinel: {name: writing(data) for name, data in make(sentinel).items()}


def changed_entry(name: str) -> bool:
    """Whether a change leaves a file that may still be right: an entry that is not used, or a value that is allowed."""
    return name.startswith("entry ")


def anything(name: str) -> bool:
    """Return that whatever is there may be used or skipped."""
    del name
    return True
