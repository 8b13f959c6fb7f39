"""Files of labels as long as anybody has: the time of every parser grows with the length alone, and memory is bounded."""

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from examples.anime_faces.data import FACE_ATTRIBUTES, parse_prompt, read_prompts, table_source, tag_source

Lines = Callable[[int], Iterator[str]]


def tags(count: int) -> Iterator[str]:
    return (f"{k},original:25774\tblonde hair:25457\tdoll:1040\tpink eyes:3896\ttagme:13190\t\n" for k in range(count))


def colors(count: int) -> Iterator[str]:
    return (f"{k},blonde hair pink eyes\n" for k in range(count))


def table(count: int) -> Iterator[str]:
    yield "file,coat,mood\n"
    yield from (f"{k:07d}.jpg,long;soft,{'calm' if k % 3 else 'wild'}\n" for k in range(count))


def table_of_one(count: int) -> Iterator[str]:
    yield "file,coat\n"
    yield from (f"1.jpg,{k % 900}\n" for k in range(count))


def celeba(count: int) -> Iterator[str]:
    yield f"{count}\n"
    yield "Young Male Smiling\n"
    yield from (f"{k:06d}.jpg 1 -1 {1 if k % 2 else -1}\n" for k in range(count))


def prompts(count: int) -> Iterator[str]:
    yield from (f"{k},blue hair\n" for k in range(count // 2 + 1, count + 1))
    yield from ("red eyes\n" for _ in range(count // 2))


def read(kind: str, folder: Path, path: Path) -> int:
    if kind == "prompts":
        return len(read_prompts(path, lambda text: parse_prompt(text, FACE_ATTRIBUTES)))
    if kind in ("tags", "colors"):
        return len(tag_source(folder, path).notes)
    return len(table_source(folder, path).pictures)


KINDS: dict[str, Lines] = {
    "tags": tags,
    "colors": colors,
    "table": table,
    "table_of_one": table_of_one,
    "celeba": celeba,
    "prompts": prompts,
}
QUICK = 10_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


@pytest.mark.parametrize("kind", KINDS)
def test_twice_the_lines_take_about_twice_the_time(kind: str, folder: Path, tmp_path: Path) -> None:
    seconds: list[float] = []
    for count in (QUICK, QUICK, 4 * QUICK):  # the first fills caches
        path = tmp_path / "labels.csv"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(KINDS[kind](count))
        gc.disable()  # a collection looks at the objects of all tests that this process has run
        try:
            begun = time.process_time()
            assert read(kind, folder, path)
            seconds.append(time.process_time() - begun)
        finally:
            gc.enable()
    assert seconds[2] < 10 * max(seconds[1], 0.05)  # a square would be 16 times


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.parametrize("kind", KINDS)
def test_a_million_lines_take_15_seconds_and_500_megabytes(kind: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(KINDS[kind](10**6))
    program = (
        "import importlib.util, resource, sys, time; from pathlib import Path\n"
        f"spec = importlib.util.spec_from_file_location('sizes', {__file__!r})\n"
        "sizes = importlib.util.module_from_spec(spec); spec.loader.exec_module(sizes)\n"
        "begun = time.process_time(); sizes.read(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))\n"
        "print(time.process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)"
    )
    command = [sys.executable, "-c", program, kind, str(folder), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path.cwd())
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 15, done.stdout
    assert megabytes < 500, done.stdout
