"""A pytest session, collected once, that puts each mutant into a forked copy of itself and runs the tests that reach it."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import pytest
import torch

from tests.mutants.mutation import ROOT, Mutation
from tests.mutants.reach import Reach, reach_of
from tests.mutants.swap import swap_in
from tests.mutants.trial import CrashedError, OutOfTimeError, bound_next, in_child

FIXED_SECONDS = 10.0
TEST_SECONDS = 3.0
EXPECTED_SECONDS = 2.0
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Task:
    """A mutant to try."""

    mutation: Mutation
    kills: int = 1  # how many test functions have to fail
    expected: bool = False  # it is known to survive: the most promising tests alone are run, to see that it still does


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result for a mutant."""

    killed_by: tuple[str, ...] = ()  # the test functions that failed, in the order they ran
    killers: tuple[int, ...] = ()  # the same tests by their place in the session
    out_of_time: bool = False
    tests: int = 0  # how many reach it

    @property
    def survived(self) -> bool:
        """Whether every test passed."""
        return not self.killed_by and not self.out_of_time


class MutantSession:
    """The pytest plugin; `verdicts` holds the result, `problem` says why there is none."""

    def __init__(self, tasks: Sequence[Task], *, folders: Sequence[str], tests: str, processes: int) -> None:
        self.tasks = tasks
        self.folders = tuple(folders)
        self.tests = tests  # only tests whose path holds this
        self.processes = processes
        self.verdicts: list[Verdict] = []  # one a mutant, in their order
        self.problem = ""
        self._reports: list[pytest.TestReport] = []
        self._items: list[pytest.Item] = []
        self._reach: list[Reach] = []
        self._killed: Counter[tuple[str, int]] = Counter()
        self._killers_of_all: list[int] = []

    def run(self) -> None:
        """Collect, run the unchanged library, then every mutant."""
        tests = [ROOT / "tests" / folder.lstrip("_") for folder in self.folders]  # those of _core lie in core
        doctests = [ROOT / "src" / "gankit" / folder for folder in self.folders]
        paths = [str(path) for path in (*tests, *doctests, ROOT / "tests" / "test_contract.py") if path.exists()]
        quiet = ["-qq", "-s", "--no-header", "--no-summary", "--tb=line", "-p", "no:cacheprovider"]
        status = pytest.main([*quiet, f"--rootdir={ROOT}", *paths], plugins=[self])
        if not self.problem and status != pytest.ExitCode.OK:
            self.problem = f"the tests cannot be collected (pytest's exit status {status})"

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the contract of other folders, and tests that were not asked for."""
        items[:] = [item for item in items if self.tests in item.nodeid and self._is_own(item)]

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
        _warm_up()
        _session.append(self)
        try:
            # Two pools: mutants start from a process in which no test has run, as each test file may expect.
            self._reach = self._share(_baseline, len(self._items), "tests")
            failed = [item.nodeid for item, reach in zip(self._items, self._reach, strict=True) if not reach.passed]
            if failed:
                self.problem = "these tests fail without any mutant: " + ", ".join(failed)
            else:
                self.verdicts = self._share(_verdict, len(self.tasks), "mutants")
                self.problem = self._doubts()
        finally:
            _session.remove(self)
        return True

    def baseline(self, index: int) -> Reach:
        """Run one test in the unchanged library."""
        files = frozenset(str(ROOT / file) for file in {task.mutation.file for task in self.tasks})
        return reach_of(lambda: self._passes(index, None), files)

    def passes_again(self, index: int) -> bool:
        """Run one of the tests that killed, in the unchanged library once more."""
        return self._passes(self._killers_of_all[index], None)

    def verdict(self, index: int) -> Verdict:
        """Try one mutant."""
        task = self.tasks[index]
        mutation, kills = task.mutation, task.kills
        order = self._order(mutation)
        if task.expected:
            spent = accumulate(self._reach[test].seconds for test in order)
            order = [test for test, total in zip(order, spent, strict=True) if total < EXPECTED_SECONDS]
        seconds = FIXED_SECONDS + 2 * sum(self._reach[test].seconds for test in order)
        killers: tuple[int, ...] = ()
        try:
            killers = in_child(lambda: self._killers(mutation, order, kills), seconds=seconds)
        except OutOfTimeError:
            return Verdict(out_of_time=True, tests=len(order))
        except CrashedError:
            return Verdict(killed_by=("the interpreter crashed",) * kills, tests=len(order))
        self._killed.update((mutation.file, test) for test in killers)
        names = tuple(_function_of(self._items[test]) for test in killers if test >= 0)
        on_import = ("the module cannot be imported",) * kills
        return Verdict(killed_by=on_import if -1 in killers else names, killers=killers, tests=len(order))

    def _share(self, work: Callable[[int], Result], count: int, what: str) -> list[Result]:
        done: list[Result] = []
        died_after = -1
        while len(done) < count:
            try:
                with ProcessPoolExecutor(self.processes, get_context("fork"), initializer=_be_quiet) as pool:
                    for result in pool.map(work, range(len(done), count), chunksize=1):
                        done.append(result)
                        self._report(done, count, what)
            except BrokenProcessPool:  # somebody ended a process, or memory ran out: one more try from there on
                if died_after == len(done):
                    raise
                died_after = len(done)
                sys.stderr.write(f"a process died after {died_after} of {count} {what}; going on from there\n")
        return done

    def _report(self, done: Sequence[object], count: int, what: str) -> None:
        result = done[-1]
        if isinstance(result, Verdict) and result.survived and not self.tasks[len(done) - 1].expected:
            sys.stderr.write(f"{result.tests:5} tests pass: {self.tasks[len(done) - 1].mutation}\n")
        if len(done) % 100 == 0 or len(done) == count:
            sys.stderr.write(f"{len(done)} of {count} {what}\n")

    def _doubts(self) -> str:
        """Name tests that killed mutants and now fail without one: by chance, or because files changed in the meantime."""
        self._killers_of_all = sorted({test for verdict in self.verdicts for test in verdict.killers if test >= 0})
        passed = self._share(_passes_again, len(self._killers_of_all), "tests that killed, once more")
        failed = [test for test, well in zip(self._killers_of_all, passed, strict=True) if not well]
        names = ", ".join(self._items[test].nodeid for test in failed)
        return f"these tests killed mutants, and fail without any, too: {names}" if failed else ""

    def _order(self, mutation: Mutation) -> list[int]:
        """The tests that reach a mutant: first those that killed many in its file and are fast."""
        file = str(ROOT / mutation.file)
        reaching = [index for index, reach in enumerate(self._reach) if reach.covers(file, mutation.lines)]
        if not reaching:  # a line that runs in compiled code alone is not seen; the function around it is
            reaching = [index for index, reach in enumerate(self._reach) if reach.covers(file, mutation.around)]
        own = Path(mutation.file).stem.lstrip("_")

        def promise(index: int) -> float:
            mirrored = 3 if own in self._items[index].nodeid else 1
            return (self._killed[mutation.file, index] + mirrored) / (self._reach[index].seconds + 0.01)

        return sorted(reaching, key=promise, reverse=True)

    def _killers(self, mutation: Mutation, order: list[int], kills: int) -> tuple[int, ...]:
        """Put the mutant in and run tests until enough of them have failed; -1 stands for the import."""
        name = ".".join(Path(mutation.file).with_suffix("").parts[1:])
        try:
            swap_in(sys.modules[name], mutation.code)
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
        item = self._items[index]
        next_item = self._items[following[0]] if following else None
        self._reports.clear()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=next_item)
        return not any(report.failed for report in self._reports)

    def _is_own(self, item: pytest.Item) -> bool:
        return "test_contract.py" not in item.nodeid or any(f"[{folder}." in item.nodeid for folder in self.folders)


_session: list[MutantSession] = []  # for the functions below, which run in processes that inherit it


def _baseline(index: int) -> Reach:
    return _session[0].baseline(index)


def _passes_again(index: int) -> bool:
    return _session[0].passes_again(index)


def _verdict(index: int) -> Verdict:
    return _session[0].verdict(index)


def _function_of(item: pytest.Item) -> str:
    return item.nodeid.split("[")[0]


def _warm_up() -> None:
    """Load what would make the first test of a kind slow."""
    # Before the first compilation, which in CUDA builds of torch would start threads of autograd that a fork does not have.
    torch.ones(1, requires_grad=True).sum().backward()
    torch.compile(lambda x: x + 1, backend="aot_eager", fullgraph=True)(
        torch.ones(1, requires_grad=True)
    ).sum().backward()
    torch.compiler.reset()


def _be_quiet() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
