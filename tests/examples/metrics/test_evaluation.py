"""Figures, the evaluation that gathers them, and metrics.json."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.judge import load_card
from examples.anime_faces.metrics import Evaluation, Figure, _evaluation, summary, write_metrics
from examples.anime_faces.metrics._evaluation import revision


@pytest.mark.parametrize(
    ("value", "at_least", "at_most", "passed"),
    [
        (0.5, None, None, None),
        (0.5, 0.5, None, True),
        (0.4, 0.5, None, False),
        (0.5, None, 0.5, True),
        (0.6, None, 0.5, False),
        (1.0, 0.6, 1.4, True),
        (1.5, 0.6, 1.4, False),
        (0.5, 0.6, 1.4, False),
        (float("nan"), 0.6, None, False),
        (float("nan"), None, 1.0, False),
    ],
)
def test_passes_within_its_bounds(value: float, at_least: float | None, at_most: float | None, passed: bool | None):
    assert Figure(value=value, at_least=at_least, at_most=at_most, about="a number").passed is passed


@pytest.mark.parametrize(
    ("interval", "at_least", "at_most", "undecided"),
    [
        ((0.4, 0.6), 0.45, None, True),
        ((0.4, 0.6), 0.3, None, False),
        ((0.4, 0.6), 0.7, None, False),
        ((0.4, 0.6), None, 0.55, True),
        ((0.4, 0.6), 0.3, 0.7, False),
        ((0.4, 0.6), 0.3, 0.55, True),
        ((0.4, 0.6), None, None, False),
        (None, 0.45, None, False),
    ],
)
def test_is_undecided_where_the_interval_has_the_bound(
    interval: tuple[float, float] | None, at_least: float | None, at_most: float | None, undecided: bool
):
    figure = Figure(value=0.5, interval=interval, at_least=at_least, at_most=at_most, about="a number")
    assert figure.undecided is undecided


def test_what_takes_long_is_announced(capsys: pytest.CaptureFixture[str]):
    evaluation = Evaluation(samples=1, reference=1, seed=0)
    with evaluation.timed("thinking", 40.2):
        assert "evaluate: thinking: about 40 s" in capsys.readouterr().out
    with evaluation.timed("blinking", 0.2):
        assert "about" not in capsys.readouterr().out


def test_the_summary_shows_intervals_and_doubts_and_reads_old_files():
    figure = Figure(value=0.5, floor=0.9, interval=(0.4, 0.6), at_least=0.45, about="a number")
    record = Evaluation(samples=1, reference=1, seed=0, figures={"share": figure}).record()
    assert record["undecided"] == 1
    lines = summary(record).splitlines()
    assert "0.4 to 0.6" in lines[1]
    assert "on target (undecided): at least 0.45" in lines[1]
    assert "1 could come out the other way" in lines[2]
    old = json.loads(json.dumps(record))
    del old["undecided"]
    for name in ("low", "high", "undecided"):
        del old["figures"]["share"][name]
    assert "on target: at least 0.45" in summary(old)


def test_an_evaluation_counts_what_passed(capsys: pytest.CaptureFixture[str]):
    evaluation = Evaluation(samples=7, reference=5, seed=3)
    with evaluation.timed("thinking"):
        evaluation.add({"good": Figure(value=1.0, floor=0.9, at_least=0.5, about="up")}, {"table": {"a": 1.0}})
    evaluation.add({"bad": Figure(value=0.1234567, at_least=0.5, about="down"), "free": Figure(value=2.0, about="any")})
    record = json.loads(json.dumps(evaluation.record()))
    assert (record["passed"], record["bounded"]) == (1, 2)
    assert (record["samples"], record["reference"], record["seed"]) == (7, 5, 3)
    assert record["figures"]["bad"] == {
        "value": 0.123457,
        "floor": None,
        "at_least": 0.5,
        "at_most": None,
        "low": None,
        "high": None,
        "passed": False,
        "undecided": False,
        "about": "down",
    }
    assert record["details"] == {"table": {"a": 1.0}}
    assert record["seconds"]["thinking"] >= 0.0
    assert "thinking took" in capsys.readouterr().out


def evaluation() -> Evaluation:
    figures = {
        "good": Figure(value=0.99, floor=1.0, at_least=0.98, about="up"),
        "bad": Figure(value=2.5, floor=1.0, at_least=0.6, at_most=1.4, about="between"),
        "free": Figure(value=3.0, about="any"),
    }
    return Evaluation(samples=7, reference=5, seed=3, figures=figures, notes=["Read this."])


def test_writes_all_that_is_needed_to_find_it_again(tmp_path: Path):
    path = tmp_path / "metrics.json"
    record = write_metrics(path, evaluation(), {"run": "runs/mine"})
    assert json.loads(path.read_text(encoding="utf-8")) == record
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.json"]
    assert record["run"] == "runs/mine"
    assert (record["samples"], record["seed"], record["passed"], record["bounded"]) == (7, 3, 1, 2)
    assert record["figures"]["bad"]["passed"] is False
    assert {"python", "torch", "numpy", "torchmetrics"} <= record["versions"].keys()
    assert record["networks"]["judge"] == load_card("judge")["file"]["sha256"]
    assert record["renderer"]["judge_trained_on"] == record["renderer"]["now"]


def test_writing_that_fails_leaves_the_old_file(tmp_path: Path):
    path = tmp_path / "metrics.json"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(TypeError):
        write_metrics(path, evaluation(), {"run": object()})
    assert path.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_revision_is_that_of_the_checkout(monkeypatch: pytest.MonkeyPatch):
    found = revision()
    assert found is None or re.fullmatch(r"[0-9a-f]{40,64}(\+changes)?", found)
    monkeypatch.setattr(_evaluation, "_output", lambda command, folder: "abc" if "rev-parse" in command else "M file")
    monkeypatch.setattr("shutil.which", lambda name: "git")
    assert revision() == "abc+changes"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert revision() is None


def test_the_summary_says_what_passed_and_why_not():
    lines = summary(json.loads(json.dumps(evaluation().record()))).splitlines()
    assert re.search(r"^good +0.99 +1 +on target: at least 0.98$", lines[1])
    assert re.search(r"^bad +2.5 +1 +above target: at least 0.6 and at most 1.4$", lines[2])
    assert re.search(r"^free +3$", lines[3])
    assert lines[4:] == ["1 of 2 thresholds passed", "Read this."]


@pytest.mark.parametrize(
    "error", [subprocess.TimeoutExpired("git", 20), PermissionError("git"), FileNotFoundError("git")]
)
def test_a_git_that_does_not_answer_costs_only_the_revision(error: Exception, monkeypatch: pytest.MonkeyPatch):
    def run(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", run)
    assert revision() is None


def test_bounds_that_do_not_apply_are_neither_passed_nor_failed() -> None:
    """A recipe that changes pictures failed for colors that it does not set."""
    evaluation = Evaluation(samples=9, reference=9, seed=0)
    low = {"value": 0.2, "at_least": 0.98, "interval": (0.1, 0.3), "about": "share"}
    evaluation.add({"hair_accuracy": Figure(**low), "eye_accuracy": Figure(**low), "fid": Figure(value=1.0, about="x")})
    evaluation.exempt({"hair_accuracy", "fid"}, "the recipe changes pictures of data/x")
    record: dict[str, Any] = evaluation.record()
    assert (record["passed"], record["bounded"]) == (0, 1)
    hair, eyes, fid = record["figures"].values()
    assert (hair["passed"], hair["at_least"], hair["value"]) == (None, None, 0.2)
    assert "not_applied" not in eyes
    assert "not_applied" not in fid
    lines = summary(record).splitlines()
    assert lines[1].endswith("not applied: the recipe changes pictures of data/x")
    assert lines[2].endswith("below target: at least 0.98")
