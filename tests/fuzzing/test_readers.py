"""Every reader of files, fed with changed files: a record or one error, and nothing else; and files that fuzzers kept."""

import itertools
import os
import random
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from support.strategies import seeds

from tests.fuzzing.corpus import CORPUS, files_of, folder_of
from tests.fuzzing.mutators import BYTES, LINES
from tests.fuzzing.target import FindingError, Target, check, quick_folder
from tests.fuzzing.targets import BINARY, TARGETS

HEAVY = {"checkpoint of a run", "judge", "critic of StarGAN"}
"""Targets that build networks: they get fewer files in the quick suite."""
MOST_KEPT = 64_000
"""Bytes of all files that are kept."""


@cache
def valid(name: str) -> dict[str, bytes]:
    return dict(TARGETS[name].seeds())


def try_one(name: str, place: Path, seed: int) -> tuple[str, Any]:
    """Change a valid file of a target at random, and read it."""
    target, rng = TARGETS[name], random.Random(seed)
    data = target.finish(target.mutate(rng, rng.choice(list(valid(name).values()))))
    return check(target, data, place / folder_of(name))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


@pytest.mark.parametrize("name", TARGETS)
def test_valid_files_are_read(name: str, place: Path) -> None:
    target = TARGETS[name]
    for what, data in valid(name).items():
        kind, found = check(target, target.finish(data), place / folder_of(name))
        assert kind == "record", f"{what}: {found}"


@pytest.mark.parametrize("name", sorted(set(TARGETS) - HEAVY))
@given(seed=seeds)
def test_a_changed_file_gives_a_record_or_one_error(name: str, place: Path, seed: int) -> None:
    try_one(name, place, seed)


@pytest.mark.parametrize("name", sorted(HEAVY))
@settings(max_examples=5)
@given(seed=seeds)
def test_a_changed_file_of_networks_does_so_too(name: str, place: Path, seed: int) -> None:
    try_one(name, place, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=3000)
@given(seed=seeds)
def test_thousands_of_changed_files_give_a_record_or_one_error(name: str, place: Path, seed: int) -> None:
    try_one(name, place, seed)


@pytest.mark.parametrize("name", TARGETS)
def test_files_that_were_kept_give_a_record_or_one_error(name: str, place: Path) -> None:
    target = TARGETS[name]
    for path in files_of(name):
        check(target, target.finish(path.read_bytes()), place / folder_of(name))


def test_the_files_that_were_kept_are_few_and_all_of_a_target() -> None:
    kept = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) <= MOST_KEPT
    assert {path.parent.name for path in kept} <= set(map(folder_of, TARGETS))
    assert set(BINARY) <= set(TARGETS)


def test_changed_pickles_get_past_the_first_instructions(place: Path) -> None:
    found = [try_one("pickle of a checkpoint", place, seed) for seed in range(60)]
    words = {str(what).rpartition("plain data: ")[2][:30] for kind, what in found if kind == "error"}
    assert len(words) >= 8
    assert sum(kind == "record" for kind, _ in found) >= 10


def _broken(read: Callable[[Path], Any], **more: Any) -> Target:
    return Target(name="a.txt", seeds=dict, read=read, mutate=BYTES, **more)


def _raises(error: Exception) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        raise error

    return read


def _warns(path: Path) -> None:
    warnings.warn("strange", stacklevel=1)


def _sleeps(path: Path) -> None:
    start = os.times().user
    while os.times().user - start < 2.2:
        pass


COUNT = itertools.count()
BROKEN: dict[str, Callable[[Path], Any]] = {
    "KeyError": _raises(KeyError("a")),
    "without a word": _raises(ValueError("")),
    "several lines": _raises(ValueError("a.txt\nis wrong")),
    "does not name 'a.txt'": _raises(ValueError("wrong")),
    "an error of the system": _raises(OSError(22, "Invalid argument", "a.txt")),
    "warns: strange": _warns,
    "reads record": lambda path: next(COUNT),
    "changes what is in the folder": lambda path: path.with_name("b").touch(),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_a_reader_must_not_do_is_found(fault: str, tmp_path: Path) -> None:
    with pytest.raises(FindingError, match=fault):
        check(_broken(BROKEN[fault]), b"a", tmp_path / "files")


@pytest.mark.slow
def test_a_slow_reader_is_found(tmp_path: Path) -> None:
    with pytest.raises(FindingError, match=r"took \d"):
        check(_broken(_sleeps), b"a", tmp_path / "files")


def test_a_reader_that_does_as_it_should_passes(tmp_path: Path) -> None:
    fine = _broken(lambda path: {"a": [1.5, float("nan"), path.read_bytes()]})
    assert check(fine, b"a", tmp_path / "files")[0] == "record"
    assert check(_broken(_raises(ValueError("a.txt is wrong"))), b"a", tmp_path / "files") == (
        "error",
        "a.txt is wrong",
    )


def test_changes_are_changes_and_repeat() -> None:
    text = b"1,blue hair red eyes\n2,black hair\n" * 3
    for change in (BYTES, LINES):
        made = [change(random.Random(seed), text) for seed in range(200)]
        assert made == [change(random.Random(seed), text) for seed in range(200)]
        assert Counter(made)[text] < 20
        assert len(set(made)) > 150
