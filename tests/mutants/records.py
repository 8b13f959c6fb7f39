"""What earlier calls found, so that a call tries only what changed: which lines tests reach, and what came of mutants."""

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.mutants.mutation import ROOT, Mutation
from tests.mutants.reach import Reach
from tests.mutants.verdict import Verdict


class Records:
    """Lines of JSON in a folder.

    A record holds as long as the texts it depends on: of the test functions, and of the source files that they reach. What
    they import from elsewhere is not looked at. It holds for every checkout.
    """

    def __init__(self, folder: Path, items: Sequence[pytest.Item], files: Iterable[Path]) -> None:
        self._folder = folder
        self._items = items
        self._sources = {str(path): _digest(path.read_text(encoding="utf-8")) for path in files}
        self._places = _digest(" ".join(sorted(str(Path(path).relative_to(ROOT)) for path in self._sources)))

    @cached_property
    def tests(self) -> list[str]:
        """The digest of each test: of its name and of its text."""
        return [_digest(f"{item.nodeid} {_text_of(item)}") for item in self._items]

    @cached_property
    def _indices(self) -> Mapping[str, int]:
        return {digest: index for index, digest in enumerate(self.tests)}

    def reaches(self) -> dict[int, Reach]:
        """What is known about tests, by their place in the session."""
        found = {}
        for record in self._read("reach"):
            index = self._indices.get(record["test"])
            files = record["lines"]
            if index is None or record["places"] != self._places or record["sources"] != self._digest_of(files):
                continue
            lines = frozenset((str(ROOT / file), line) for file, numbers in files.items() for line in numbers)
            found[index] = Reach(passed=True, seconds=record["seconds"], lines=lines)
        return found

    def keep_reach(self, index: int, reach: Reach) -> None:
        """Keep what a test does, if it passed."""
        files: dict[str, list[int]] = {}
        for file, line in sorted(reach.lines):
            files.setdefault(str(Path(file).relative_to(ROOT)), []).append(line)
        record = {"test": self.tests[index], "places": self._places, "sources": self._digest_of(files)}
        if reach.passed:
            self._append("reach", {**record, "seconds": reach.seconds, "lines": files})

    def verdicts(self, mutations: Sequence[Mutation]) -> dict[int, Verdict]:
        """What is known about mutants, by their place: of survivors, the tests that need not run again."""
        names = {self._name(mutation): index for index, mutation in enumerate(mutations)}
        found = {}
        for record in self._read("verdicts"):
            index = names.get(record["mutant"])
            killers = [self._indices.get(test) for test in record["killers"]]
            if index is None or None in killers:
                continue
            found[index] = Verdict(
                killed_by=tuple(record["killed_by"]),
                killers=tuple(killer for killer in killers if killer is not None),
                out_of_time=record["out_of_time"],
                tests=record["tests"],
                passed=tuple(self._indices[test] for test in record["passed"] if test in self._indices),
                recorded=True,
            )
        return found

    def keep_verdict(self, mutation: Mutation, verdict: Verdict) -> None:
        """Keep what came of a mutant."""
        record = {
            "mutant": self._name(mutation),
            "killed_by": verdict.killed_by,
            "killers": [self.tests[test] for test in verdict.killers if test >= 0],
            "out_of_time": verdict.out_of_time,
            "tests": verdict.tests,
            "passed": [self.tests[test] for test in verdict.passed],
        }
        self._append("verdicts", record)

    def _name(self, mutation: Mutation) -> str:
        place = (self._sources[str(ROOT / mutation.file)], str(mutation.before_it))
        return _digest("\0".join([*mutation.key, *place]))

    def _digest_of(self, files: Iterable[str]) -> str:
        return _digest(" ".join(self._sources.get(str(ROOT / file), "gone") for file in sorted(files)))

    def _read(self, what: str) -> list[dict[str, Any]]:
        path = self._folder / f"{what}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def _append(self, what: str, record: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{what}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def _text_of(item: pytest.Item) -> str:
    """The test function, or the file of a doctest."""
    function = getattr(item, "function", None)
    try:
        return inspect.getsource(inspect.unwrap(function)) if function else item.path.read_text(encoding="utf-8")
    except (OSError, TypeError):  # made by a program
        return item.path.read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
