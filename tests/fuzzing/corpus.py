"""The corpus: files that reach each part of the readers, a few for each target, which tests replay."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzzing.target import FindingError, Target, check, outcome, quick_folder
from tests.fuzzing.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
MOST_BYTES = 6_000
"""Of the files of one target."""
OWN = ("gankit", "anime_faces")

Line = tuple[str, int, int]


def folder_of(name: str) -> str:
    """Return the name of the folder of a target's files."""
    return name.replace(" ", "-").replace(".", "-")


def files_of(name: str) -> list[Path]:
    """Return the files of a target's corpus."""
    return sorted((CORPUS / folder_of(name)).glob("*"))


def minimized(name: str, *sources: Path) -> None:
    """Write the smallest files that together run all pairs of lines that any file of the sources or of the corpus runs.

    Args:
        name: The target.
        sources: Folders of files.
    """
    own = CORPUS / folder_of(name)
    every = {data for folder in (own, *sources) if folder.is_dir() for data in map(Path.read_bytes, folder.iterdir())}
    kept = chosen(TARGETS[name], sorted(every, key=lambda data: (len(data), data)))
    own.mkdir(parents=True, exist_ok=True)
    for path in own.iterdir():
        path.unlink()
    for number, data in enumerate(kept):
        (own / f"{number:03d}").write_bytes(data)


def chosen(target: Target, files: Iterable[bytes]) -> list[bytes]:
    """Return those files that run something that no smaller one runs, up to `MOST_BYTES` in all."""
    kept: list[bytes] = []
    known: set[Line] = set()
    size = 0
    with quick_folder() as place:
        folder = place / "files"
        for data in target.seeds().values():
            known |= _lines(target, data, folder)
        for data in files:
            lines = _lines(target, data, folder) - known
            if lines and size + len(data) <= MOST_BYTES:
                known |= lines
                size += len(data)
                kept.append(data)
    return kept


def _lines(target: Target, data: bytes, folder: Path) -> set[Line]:
    """Return the pairs of lines, one after the other, that reading a file runs in the project."""
    found: set[Line] = set()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        del argument
        name = frame.f_code.co_filename
        if event != "call" or not any(part in name for part in OWN) or "fuzzing" in name:
            return None
        last = [0]

        def line(inner: FrameType, event: str, argument: Any) -> Any:
            del event, argument
            found.add((name, last[0], inner.f_lineno))
            last[0] = inner.f_lineno
            return line

        return line

    whole = target.finish(data)
    with suppress(FindingError):
        check(target, whole, folder)  # makes the folder
        sys.settrace(trace)
        try:
            outcome(target, folder / target.name)
        finally:
            sys.settrace(None)
    return found
