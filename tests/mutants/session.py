"""A pytest session, collected once, that puts each mutant into a forked copy of itself and runs the tests that reach it."""

import importlib
import math
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest

from tests.mutants.mutation import Mutation
from tests.mutants.places import ROOT, Place, module_of
from tests.mutants.pool import share
from tests.mutants.reach import Reach, reach_of
from tests.mutants.records import Records
from tests.mutants.swap import swap_in
from tests.mutants.trial import CrashedError, OutOfTimeError, bound_next, in_child, warm_up
from tests.mutants.verdict import Task, Verdict

FIXED_SECONDS = 10.0
TEST_SECONDS = 3.0
EXPECTED_SECONDS = 2.0


class MutantSession:
    """The pytest plugin; `verdicts` holds the result, `problem` says why there is none."""

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        places: Sequence[Place],
        tests: Callable[[str], bool],
        processes: int,
        seconds: float,
        own: bool,
        records: Path | None,
    ) -> None:
        self.tasks = tasks
        self.places = places
        self.tests = tests  # whether a test of this name may run
        self.processes = processes
        self.seconds = seconds  # of tests that a mutant has to pass
        self.own = own  # only tests in files that are named for the file of a mutant
        self.verdicts: dict[int, Verdict] = {}  # by the place of the task
        self.problem = ""
        self._folder = records
        self._files = [path for place in places for path in place.files]
        self._reports: list[pytest.TestReport] = []
        self._items: list[pytest.Item] = []
        self._reach: dict[int, Reach] = {}
        self._killed: Counter[tuple[str, int]] = Counter()

    def run(self) -> None:
        """Collect, run the unchanged sources, then every mutant."""
        paths = dict.fromkeys(str(path) for place in self.places for path in place.tests if path.exists())
        quiet = ["-qq", "-s", "--no-header", "--no-summary", "--tb=line", "-p", "no:cacheprovider"]
        status = pytest.main([*quiet, f"--rootdir={ROOT}", *paths], plugins=[self])
        if not self.problem and status != pytest.ExitCode.OK:
            self.problem = f"the tests cannot be collected (pytest's exit status {status})"

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the contract of other folders, and tests that were not asked for."""
        items[:] = [item for item in items if self.tests(item.nodeid) and self._is_own(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep pytest's reports of the current test."""
        self._reports.append(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Replace pytest's own loop."""
        if session.testsfailed:
            self.problem = "the tests cannot be collected"
            return True
        self._items = session.items
        warm_up()
        _session.append(self)
        try:
            self._try_all(None if self._folder is None else Records(self._folder, self._items, self._files))
        finally:
            _session.remove(self)
        return True

    def _try_all(self, records: Records | None) -> None:
        """Try all mutants by the tests of their own files, then the survivors by all tests."""
        known_reach = {} if records is None else records.reaches()
        self.verdicts = {} if records is None else self._recorded(records)
        stems = {Path(task.mutation.file).stem.lstrip("_") for task in self.tasks}
        everything = range(len(self._items))
        near = [index for index in everything if _is_named_for(self._items[index], stems)]
        for tests in [near] if self.own else [near, everything]:
            self._reach = {index: known_reach[index] for index in tests if index in known_reach}
            if not self._try_by(tests, records):
                return
            known_reach.update(self._reach)
            if not any(map(self._lacks, range(len(self.tasks)))):
                return

    def _try_by(self, tests: Sequence[int], records: Records | None) -> bool:
        """Two pools: mutants start from a process in which no test has run, as each test file may expect."""

        def keep_reach(index: int, reach: Reach) -> None:
            self._reach[index] = reach
            if records is not None:
                records.keep_reach(index, reach)

        unknown = [index for index in tests if index not in self._reach]
        share(_baseline, unknown, self.processes, "tests", keep_reach)
        failed = [self._items[index].nodeid for index, reach in sorted(self._reach.items()) if not reach.passed]
        if failed:
            self.problem = "these tests fail without any mutant: " + ", ".join(failed)
            return False

        def keep_verdict(index: int, verdict: Verdict) -> None:
            task = self.tasks[index]
            self.verdicts[index] = verdict
            if records is not None and task.kills == 1:
                records.keep_verdict(task.mutation, verdict)
            if verdict.survived and not task.expected and (self.own or len(tests) == len(self._items)):
                sys.stderr.write(f"{verdict.tests:5} tests pass: {task.mutation}\n")

        open_tasks = [index for index in range(len(self.tasks)) if self._is_open(index)]
        share(_verdict, open_tasks, self.processes, "mutants", keep_verdict)
        self.problem = self._doubts({test for index in open_tasks for test in self.verdicts[index].killers})
        return not self.problem

    def _recorded(self, records: Records) -> dict[int, Verdict]:
        known = records.verdicts([task.mutation for task in self.tasks])
        return {index: verdict for index, verdict in known.items() if self.tasks[index].kills == 1}

    def _is_open(self, index: int) -> bool:
        """Whether a mutant has to be tried: it is new, or there are tests that it has not passed yet."""
        known = self.verdicts.get(index)
        return known is None or (self._lacks(index) and bool(set(self._order(self.tasks[index])) - set(known.passed)))

    def _lacks(self, index: int) -> bool:
        """Whether more tests could still kill a mutant."""
        known = self.verdicts.get(index, Verdict())
        return not known.out_of_time and len(known.killed_by) < self.tasks[index].kills

    def baseline(self, index: int) -> Reach:
        """Run one test in the unchanged sources."""
        return reach_of(lambda: self._passes(index, None), frozenset(map(str, self._files)))

    def passes_again(self, index: int) -> bool:
        """Run one of the tests that killed, in the unchanged sources once more."""
        return self._passes(index, None)

    def verdict(self, index: int) -> Verdict:
        """Try one mutant."""
        task = self.tasks[index]
        mutation, kills = task.mutation, task.kills
        known = self.verdicts.get(index, Verdict())
        full = self._order(task)
        order = [test for test in full if test not in set(known.passed)]
        seconds = FIXED_SECONDS + 2 * sum(self._reach[test].seconds for test in order)
        result = Verdict(tests=len(full), passed=tuple({*known.passed, *full}))
        try:
            killers = in_child(lambda: self._killers(mutation, order, kills), seconds=seconds)
        except OutOfTimeError:
            return replace(result, out_of_time=True, passed=())
        except CrashedError:
            return replace(result, killed_by=("the interpreter crashed",) * kills, passed=())
        if not killers:
            return result
        self._killed.update((mutation.file, test) for test in killers)
        names = tuple(_function_of(self._items[test]) for test in killers if test >= 0)
        on_import = ("the module cannot be imported",) * kills
        return replace(result, killed_by=on_import if -1 in killers else names, killers=killers, passed=())

    def _doubts(self, killers: set[int]) -> str:
        """Name tests that killed mutants and now fail without one: by chance, or because files changed in the meantime."""
        passed: dict[int, bool] = {}
        again = sorted(test for test in killers if test >= 0)
        share(_passes_again, again, self.processes, "tests that killed, once more", passed.__setitem__)
        failed = [test for test in again if not passed[test]]
        names = ", ".join(self._items[test].nodeid for test in failed)
        return f"these tests killed mutants, and fail without any, too: {names}" if failed else ""

    def _order(self, task: Task) -> list[int]:
        """The tests that reach a mutant, within its time: first those that killed many in its file and are fast."""
        mutation = task.mutation
        file = str(ROOT / mutation.file)
        reaching = [index for index, reach in self._reach.items() if reach.covers(file, mutation.lines)]
        if not reaching:  # a line that runs in compiled code alone is not seen; the function around it is
            reaching = [index for index, reach in self._reach.items() if reach.covers(file, mutation.around)]
        own = Path(mutation.file).stem.lstrip("_")

        def promise(index: int) -> float:
            mirrored = 3 if own in self._items[index].nodeid else 1
            return (self._killed[mutation.file, index] + mirrored) / (self._reach[index].seconds + 0.01)

        order = sorted(sorted(reaching), key=promise, reverse=True)
        limit = EXPECTED_SECONDS if task.expected else self.seconds if task.kills == 1 else math.inf
        spent = accumulate(self._reach[test].seconds for test in order)
        return [test for test, total in zip(order, spent, strict=True) if total < limit]

    def _killers(self, mutation: Mutation, order: list[int], kills: int) -> tuple[int, ...]:
        """Put the mutant in and run tests until enough of them have failed; -1 stands for the import."""
        try:
            swap_in(importlib.import_module(module_of(mutation.file)), mutation.code)
        except Exception:  # noqa: BLE001
            return (-1,)
        killers: dict[str, int] = {}
        for position, test in enumerate(order):
            function = _function_of(self._items[test])
            bound_next(TEST_SECONDS + 5 * self._reach[test].seconds)
            if function not in killers and not self._passes(test, order[position + 1 : position + 2]):
                killers[function] = test
                if len(killers) == kills:
                    break
        return tuple(killers.values())

    def _passes(self, index: int, following: Sequence[int] | None) -> bool:
        item, next_item = self._items[index], self._items[following[0]] if following else None
        self._reports.clear()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=next_item)
        return not any(report.failed for report in self._reports)

    def _is_own(self, item: pytest.Item) -> bool:
        return "test_contract.py" not in item.nodeid or any(f"[{place.name}." in item.nodeid for place in self.places)


_session: list[MutantSession] = []  # for the functions below, which run in processes that inherit it


def _baseline(index: int) -> Reach:
    return _session[0].baseline(index)


def _passes_again(index: int) -> bool:
    return _session[0].passes_again(index)


def _verdict(index: int) -> Verdict:
    return _session[0].verdict(index)


def _function_of(item: pytest.Item) -> str:
    return item.nodeid.split("[")[0]


def _is_named_for(item: pytest.Item, stems: Collection[str]) -> bool:
    """Whether a test file, or the file of a doctest, is named for one of these files: for it alone, or for a part of it."""
    own = item.path.stem.removeprefix("test_").lstrip("_")
    return any(f"{own}_".startswith(f"{stem}_") for stem in stems)
