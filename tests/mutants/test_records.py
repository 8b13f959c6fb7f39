"""Records of earlier calls hold as long as what they depend on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.mutation import Mutation, mutations
from tests.mutants.reach import Reach
from tests.mutants.records import Records
from tests.mutants.verdict import Verdict

OPEN = Callable[[], Records]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in ("mutation", "records"):
        monkeypatch.setattr(f"tests.mutants.{module}.ROOT", tmp_path)
    path = tmp_path / "sample.py"
    path.write_text("def f(x):\n    return x + 1\n")
    return path


@pytest.fixture
def reopen(source: Path, request: pytest.FixtureRequest) -> OPEN:
    return lambda: Records(source.parent / "records", [request.node], [source])


def _mutant(source: Path) -> Mutation:
    return mutations(source)[0]


def test_what_a_test_reaches_is_known_until_the_source_changes(source: Path, reopen: OPEN) -> None:
    reach = Reach(passed=True, seconds=0.5, lines=frozenset({(str(source), 2)}))
    reopen().keep_reach(0, reach)
    assert reopen().reaches() == {0: reach}
    source.write_text("def f(x):\n    return x + 2\n")
    assert reopen().reaches() == {}


def test_a_test_that_failed_is_run_again(source: Path, reopen: OPEN) -> None:
    reopen().keep_reach(0, Reach(passed=False, seconds=0.5, lines=frozenset()))
    assert reopen().reaches() == {}


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(killed_by=("a",), killers=(0,), tests=2),
        Verdict(tests=2, passed=(0,)),
        Verdict(out_of_time=True, tests=1),
    ],
)
def test_a_verdict_is_known_until_the_source_changes(source: Path, reopen: OPEN, verdict: Verdict) -> None:
    reopen().keep_verdict(_mutant(source), verdict)
    assert reopen().verdicts([_mutant(source)]) == {0: replace(verdict, recorded=True)}
    source.write_text("def f(x):\n    return x + 1  # changed\n")
    assert reopen().verdicts([_mutant(source)]) == {}


@pytest.mark.parametrize(
    ("verdict", "left"),
    [
        (Verdict(killed_by=("a",), killers=(0,), tests=2), {}),
        (Verdict(tests=2, passed=(0,)), {0: Verdict(tests=2, recorded=True)}),
    ],
    ids=["killed", "survived"],
)
def test_a_test_that_changed_has_not_killed_and_not_passed(
    source: Path, reopen: OPEN, verdict: Verdict, left: dict[int, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant = _mutant(source)
    with monkeypatch.context() as before:
        before.setattr("tests.mutants.records._text_of", lambda item: "as it was")
        reopen().keep_verdict(mutant, verdict)
    assert reopen().verdicts([mutant]) == left
