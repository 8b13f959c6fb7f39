"""Every trial passes at a tiny count, and reports a failure where gankit is broken; records and the page."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.asked import read_options
from tests.faults.broken import ways_to_break
from tests.faults.children import ROOT, start
from tests.faults.page import kept_records, page, table, with_promises
from tests.faults.program import TRIALS, Job, failed, jobs, play
from tests.faults.tally import Arm, Setting, Tally, Trial, UntriedError

SECONDS = 1800  # a busy machine is slow, not wrong


def _program(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.faults", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS)


QUICKLY = ["kills", "damage", "updates", "poison", "disks", "hostile", "parsers", "memory"]
SLOWLY = ["resume", "starts", "ranks"]


@pytest.mark.parametrize(
    "names", [pytest.param(QUICKLY, id="most"), pytest.param(SLOWLY, id="others", marks=pytest.mark.slow)]
)
def test_every_trial_passes_at_a_tiny_count(tmp_path: Path, names: list[str]) -> None:
    ended = _program("--quick", "--records", str(tmp_path), *names)
    assert {trial for trial, _ in kept_records(tmp_path)} == set(names)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]


def test_no_trial_is_left_out() -> None:
    assert {*QUICKLY, *SLOWLY} == {trial.name for trial in TRIALS}


BROKEN_QUICKLY = ["kills", "damage", "updates", "hostile", "parsers"]
BROKEN_SLOWLY = ["resume", "starts", "poison", "disks", "memory"]


@pytest.mark.parametrize(
    "names", [pytest.param(BROKEN_QUICKLY, id="most"), pytest.param(BROKEN_SLOWLY, id="others", marks=pytest.mark.slow)]
)
def test_every_trial_fails_where_gankit_is_broken(tmp_path: Path, names: list[str]) -> None:
    ended = _program("--broken", "--records", str(tmp_path), *names)
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    assert ended.stdout.count("FAILED ") >= len(names)


def test_there_is_a_way_to_break_gankit_for_every_trial() -> None:
    names = {trial.name for trial in TRIALS} - {"ranks"}  # whose processes are new interpreters
    assert set(ways_to_break()) == {*BROKEN_QUICKLY, *BROKEN_SLOWLY} == names


def _trial(run: Callable[[Setting, int, Tally], None]) -> Trial:
    return Trial(
        name="made up",
        promise="Nothing fails.",
        how="None.",
        arms={"a kind": Arm(run=run, long=3, quick=2, limits={"s": 1.0})},
    )


def _half_fail(setting: Setting, count: int, tally: Tally) -> None:
    del setting
    for number in range(count):
        with tally.attempt(f"fault {number}") as attempt:
            attempt.expect(number % 2 == 0, "it | failed")
        tally.most("seconds", number)


def _escape(setting: Setting, count: int, tally: Tally) -> None:
    del setting, count
    with tally.attempt("a fault"):
        raise KeyError("what escaped")


def _break_off(setting: Setting, count: int, tally: Tally) -> None:
    raise RuntimeError("no training began")


def _cannot(setting: Setting, count: int, tally: Tally) -> None:
    raise UntriedError("there is no disk")


def _play(run: Callable[[Setting, int, Tally], None], folder: Path) -> list[str]:
    records = list(play(jobs([_trial(run)], quick=False), folder))
    return [*table(records).splitlines(), str(failed(records))]


def test_the_table_reports_failures(tmp_path: Path) -> None:
    lines = _play(_half_fail, tmp_path)
    assert lines[1].split() == ["made", "up", "a", "kind", "3", "1", "failed", "2", "seconds"]
    assert "FAILED made up, a kind: fault 1: it | failed" in lines
    assert lines[-2:] == ["3 faults tried, 1 failures, 0 kinds of faults not tried", "True"]


def test_what_escapes_is_a_failure_and_a_trial_that_breaks_off_has_failed(tmp_path: Path) -> None:
    assert "FAILED made up, a kind: a fault: KeyError: 'what escaped'" in _play(_escape, tmp_path / "a")
    lines = _play(_break_off, tmp_path / "b")
    assert "FAILED made up, a kind: the trial broke off: RuntimeError: no training began" in lines
    assert lines[-1] == "True"


def test_what_cannot_be_tried_is_not_called_passed(tmp_path: Path) -> None:
    lines = _play(_cannot, tmp_path)
    assert "not tried" in lines[1]
    assert lines[1].endswith("there is no disk")


def test_records_are_kept_until_the_protocol_changes(tmp_path: Path) -> None:
    counts: list[int] = []

    def run(setting: Setting, count: int, tally: Tally) -> None:
        assert setting.place.is_dir()
        counts.append(count)
        with tally.attempt("a fault"):
            pass

    trial = _trial(run)
    for _ in range(2):
        list(play(jobs([trial], quick=False), tmp_path))
    assert counts == [3]
    list(play(jobs([trial], quick=False), tmp_path, again=True))
    stricter = replace(trial, arms={"a kind": replace(trial.arms["a kind"], limits={"s": 0.5})})
    list(play(jobs([stricter], quick=False), tmp_path))
    list(play(jobs([trial], quick=False, at_most=1), tmp_path))
    assert counts == [3, 3, 3, 1]


def test_quick_and_long_forms_have_all_trials() -> None:
    for quick in (True, False):
        assert {job.trial.name for job in jobs(TRIALS, quick=quick)} == {trial.name for trial in TRIALS}
    assert [job.count for job in jobs(TRIALS, quick=False, at_most=7) if job.count > 7] == []


def test_the_page_shows_what_failed_and_what_was_cut_short(tmp_path: Path) -> None:
    arm = TRIALS[0].arms["TMPDIR on the same file system"]
    trial = replace(TRIALS[0], arms={"TMPDIR on the same file system": replace(arm, run=_half_fail)})
    list(play([Job(trial=trial, name="TMPDIR on the same file system", count=2, fresh=True)], tmp_path))
    text = page(tmp_path)
    assert "| TMPDIR on the same file system | 2 | 100 | 1 failed | 1 seconds |" in text
    assert "- TMPDIR on the same file system: fault 1: it \\| failed" in text
    assert "| TMPDIR on another file system | 0 | 100 | not tried yet |  |" in text
    assert all(f"## {one.name}\n" in text for one in TRIALS)


def test_the_guide_has_the_figures_of_the_records() -> None:
    guide = (ROOT / "docs" / "guides" / "promises.md").read_text(encoding="utf-8")
    assert with_promises(guide, ROOT / "benchmarks" / "results" / "faults") == guide
    assert all(trial.promise in guide and f"`{trial.name}`" in guide for trial in TRIALS)


def test_a_record_is_json_with_the_sources(tmp_path: Path) -> None:
    list(play(jobs([_trial(_half_fail)], quick=True), tmp_path))
    (path,) = tmp_path.glob("*.json")
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["protocol"] == {"attempts": 2, "limits": {"s": 1.0}, "fresh": False}
    assert len(kept["figures"]["sources"]) == 12


def test_children_are_measured_and_ended(tmp_path: Path) -> None:
    def work() -> int:
        kept = bytearray(b"x" * 80_000_000)
        os.write(2, b"note: a\ntraining: 1\rerror: no\n")
        return 7 if kept else 0

    small, large = start(lambda: 0, tmp_path / "a").wait(), start(work, tmp_path / "b").wait()
    assert (small.status, large.status, large.is_one_line) == (0, 7, True)
    assert large.peak - small.peak > 70_000_000
    hung = start(lambda: time.sleep(600), tmp_path / "c").wait(0.2)
    assert hung.hung
    assert "hung" in hung.in_short


@pytest.mark.parametrize(
    ("words", "message"),
    [(["nothing"], "there is no trial nothing"), (["--quick"], "need --records"), (["--broken"], "need --records")],
)
def test_mistakes_on_the_command_line_are_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(words, None)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_all_trials_are_tried_where_none_is_named() -> None:
    assert read_options([], None).trials == [trial.name for trial in TRIALS]
    assert read_options(["kills", "--at-most", "3"], None).trials == ["kills"]
