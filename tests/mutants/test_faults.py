"""The faults by hand fit the library, and tests detect them; how mutants are made and put in."""

import subprocess
import sys
import types
from pathlib import Path

import pytest

from tests.mutants.domain import FAULTS, KILLS, Fault
from tests.mutants.mutation import ROOT, keys_of, mutations
from tests.mutants.survivors import listed
from tests.mutants.swap import swap_in
from tests.mutants.trial import CrashedError, OutOfTimeError, bound_next, in_child

SOURCE = '''
from dataclasses import dataclass

LIMIT = 3


def clipped(x, *, bound=2, both=True):
    """Text with 1 number."""
    if x > LIMIT:
        raise ValueError(f"x must be at most {LIMIT + 0}")
    return max(-bound if both else 0, min(x, bound))


@dataclass(frozen=True, slots=True)
class Line:
    slope: float = 1.0

    @property
    def twice(self):
        return self.slope + self.slope

    @staticmethod
    def length(a, b):
        return abs(a - b) + 0 * pow(a, b)
'''


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.mutants", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_still_fits_the_library(fault: Fault) -> None:
    mutation = fault.mutation()
    assert mutation.before != mutation.after
    assert fault.imitates


def test_there_are_enough_faults_of_different_names() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 20


@pytest.mark.parametrize(
    ("fault", "tests"),
    [
        ("halved hinge", "test_objectives"),
        pytest.param("a parameter left out", "constraints/test_weights", marks=pytest.mark.slow),
    ],
)
def test_faults_are_noticed(fault: str, tests: str) -> None:
    done = _run("--faults", "--only", fault, "--tests", tests)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"1 of 1 noticed by {KILLS} tests" in done.stdout


@pytest.mark.slow
def test_every_fault_is_noticed() -> None:
    done = _run("--faults")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_fault_that_no_test_looks_at_survives() -> None:
    done = _run("--faults", "--only", "halved hinge", "--tests", "constraints/test_weights")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "SURVIVES" in done.stdout


def test_survivors_are_of_this_library() -> None:
    known = {one.key for one in listed()}
    made = {key for file in {key[0] for key in known} for key in keys_of(ROOT / file)}
    assert not known - made, "these mutants are no longer made"


def _texts(source: str, where: Path) -> dict[tuple[str, str], list[str]]:
    path = where / "sample.py"
    path.write_text(source)
    found: dict[tuple[str, str], list[str]] = {}
    for mutation in mutations(path):
        found.setdefault((mutation.operator, mutation.before), []).append(mutation.after)
    return found


def test_mutants_are_small_changes_of_code_and_not_of_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutants.mutation.ROOT", tmp_path)
    found = _texts(SOURCE, tmp_path)
    assert found["constant", "LIMIT = 3"] == ["LIMIT = 4"]
    assert found["constant", "bound=2"] == ["bound=3"]
    assert found["constant", "both=True"] == ["both=False"]
    assert found["constant", "slope: float = 1.0"] == ["slope: float = 2.0"]
    assert found["comparison", "x > LIMIT"] == ["x >= LIMIT"]
    assert found["statement", "if x > LIMIT: raise ValueError"] == ["if x > LIMIT: pass"]
    assert found["fellow", "min(x, bound)"] == ["max(x, bound)"]
    assert found["minus", "-bound"] == ["bound"]
    assert found["swap", "pow(a, b)"] == ["pow(b, a)"]
    assert ("swap", "min(x, bound)") not in found
    assert found["through", "abs(a - b)"] == ["a - b"]
    assert found["arithmetic", "self.slope + self.slope"] == ["self.slope - self.slope"]
    assert not any("LIMIT +" in before or "frozen" in before or "Text" in before for _, before in found)


def test_a_mutant_is_seen_by_whoever_imported_the_functions_before(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(SOURCE)
    module = types.ModuleType("sample")
    module.__file__ = str(path)
    sys.modules["sample"] = module
    try:
        exec(compile(SOURCE, str(path), "exec"), vars(module))
        clipped, line = module.clipped, module.Line
        changed = (
            SOURCE.replace("LIMIT = 3", "LIMIT = 9").replace("bound=2", "bound=5").replace("float = 1.0", "float = 7.0")
        )
        changed = changed.replace("self.slope + self.slope", "self.slope * 10").replace("abs(a - b)", "a - b")
        swap_in(module, compile(changed, str(path), "exec"))
        assert clipped(8) == 5
        assert line().slope == 7.0
        assert line(2.0).twice == 20.0
        assert line.length(1, 3) == -2
        assert isinstance(line(), module.Line)
    finally:
        del sys.modules["sample"]


CONSTANTS = """
from dataclasses import dataclass
from typing import NamedTuple


class Pair(NamedTuple):
    first: int
    second: int


@dataclass(frozen=True)
class Line:
    slope: float = 1.0


PAIRS = (Pair(1, 2), Pair(3, 4))
LINES = (Line(1.0), Line(2.0))
STEPS = {1: lambda x: x + 1, 2: lambda x: x + 2, 3: [5, 6]}
KINDS = {Line: {"a", "b"}}


def total():
    return sum(pair.first for pair in PAIRS) + sum(line.slope for line in LINES)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ("x + 1", "x + 1", (7.0, 11, 6)),
        ("Pair(3, 4)", "Pair(4, 4)", (8.0, 11, 6)),
        ("Line(2.0)", "Line(3.0)", (8.0, 11, 6)),
        ("x + 1", "x - 1", (7.0, 9, 6)),
        ("[5, 6]", "[5, 7]", (7.0, 11, 7)),
        ("{1: ", "{2: ", (7.0, 12, 6)),
        ("(Line(1.0), Line(2.0))", "(Line(n) for n in (1.0, 3.0))", (8.0, 11, 6)),
    ],
)
def test_constants_are_changed_wherever_they_were_imported(
    right: str, wrong: str, expected: tuple[float, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, importer = types.ModuleType("tests.sample"), types.ModuleType("tests.importer")
    module.__file__ = "sample"
    exec(compile(CONSTANTS, "sample", "exec"), vars(module))
    vars(importer).update({"PAIRS": module.PAIRS, "STEPS": module.STEPS, "LINES": module.LINES})
    monkeypatch.setitem(sys.modules, "tests.sample", module)
    monkeypatch.setitem(sys.modules, "tests.importer", importer)
    swap_in(module, compile(CONSTANTS.replace(right, wrong), "sample", "exec"))
    steps = list(importer.STEPS.values())
    assert (module.total(), steps[0](10), steps[-1][-1]) == expected
    assert importer.PAIRS is module.PAIRS
    assert importer.STEPS is module.STEPS
    assert importer.LINES is module.LINES
    assert not isinstance(importer.LINES, tuple) or all(type(line) is module.Line for line in importer.LINES)


def test_a_trial_ends_with_its_result_or_its_time() -> None:
    def forever() -> None:
        while True:
            pass

    def crash() -> None:
        raise KeyboardInterrupt

    assert in_child(lambda: {"a": 1}, seconds=5) == {"a": 1}
    with pytest.raises(OutOfTimeError):
        in_child(forever, seconds=0)
    with pytest.raises(OutOfTimeError):
        in_child(lambda: (bound_next(0.1), forever()), seconds=60)
    with pytest.raises(CrashedError):
        in_child(crash, seconds=5)
