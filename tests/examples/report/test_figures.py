"""Figures of several checkpoints beside each other."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.report import marked_rows, write_report
from examples.anime_faces.report._figures import by_step_of, figures_of


def record(step: int, **values: float) -> dict[str, Any]:
    return {"step": step, "figures": {name: {"value": value, "floor": 1.0} for name, value in values.items()}}


def test_the_best_value_of_a_row_is_marked_and_of_equal_ones_none() -> None:
    records = {1: record(1, noise_usage=0.5, recall=0.0, late=3.0), 2: record(2, noise_usage=0.9, recall=0.0)}
    rows = {name: (values, floor) for name, values, floor in marked_rows(records, {"noise_usage": 2, "recall": 1})}
    assert rows["noise usage"] == ([("0.5", False), ("0.9", True)], "1")
    assert rows["recall"] == ([("0", False), ("0", False)], "1")
    assert rows["late"] == ([("3", False), ("", False)], "1")


def test_one_measured_step_is_no_table() -> None:
    assert by_step_of({7: record(7, fid=1.0)}) is None
    assert by_step_of({}) is None


def test_the_page_shows_the_figures_of_kept_steps(trained_folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained_folder, tmp_path / "run"))
    (run / "kept").mkdir()
    (run / "kept" / "checkpoint-4000.pt").touch()
    (run / "kept" / "metrics-4000.json").write_text(json.dumps(record(4000, fid=30.0, kid=7.0)))
    assert "<h3>By step</h3>" not in write_report(run).read_text()
    (run / "metrics.json").write_text(json.dumps(record(7, fid=50.0, kid=5.0)))
    page = write_report(run).read_text()
    section = page.split("<h3>By step</h3>")[1].split("</table>")[0]
    assert '<th class="number">7</th><th class="number">4,000</th><th class="number">real pictures</th>' in section
    assert '<td class="number best" data-label="step 4,000">30</td>' in section
    assert '<td class="number best" data-label="step 7">5</td>' in section
    assert section.count('best"') == 2


def test_a_bound_that_is_not_applied_is_neither_passed_nor_failed() -> None:
    kept = {"value": 0.2, "floor": 1.0, "about": "share of samples", "passed": None}
    figures = figures_of(
        {"figures": {"hair_accuracy": kept | {"not_applied": "the recipe changes pictures of x"}, "b": kept}}
    )
    assert figures is not None
    assert figures.bounded == []
    assert [row.about for row in figures.others] == [
        "share of samples; no bound is applied: the recipe changes pictures of x",
        "share of samples",
    ]


@pytest.mark.parametrize(
    ("value", "passed", "verdict"),
    [(0.7, True, "on target"), (0.2, False, "below target"), (1.9, False, "above target"), (0.2, None, "")],
)
def test_a_verdict_says_on_which_side_of_its_target_a_figure_is(
    value: float, passed: bool | None, verdict: str
) -> None:
    figure = {"value": value, "at_least": 0.6, "at_most": 1.4, "passed": passed, "floor": 1.0}
    found = figures_of({"figures": {"noise_usage": figure}})
    assert found is not None
    assert [row.verdict for row in (*found.bounded, *found.others)] == [verdict]
    undecided = figures_of({"figures": {"noise_usage": {**figure, "undecided": True}}})
    assert undecided is not None
    assert [row.verdict for row in (*undecided.bounded, *undecided.others)] == ["undecided" if verdict else ""]


def test_figures_of_an_earlier_step_say_so(trained_folder: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(trained_folder, tmp_path / "run"))
    passed = record(4, fid=50.0)
    passed["figures"]["fid"] |= {"at_most": 60.0, "passed": True}
    (run / "metrics.json").write_text(json.dumps(passed))
    page = write_report(run).read_text()
    assert "<b>Measured at step 4 of 7:</b> run <code>evaluate</code> again" in page
    assert "<b>1</b><span>of 1 targets reached at step 4: measured before the last training</span>" in page
    (run / "metrics.json").write_text(json.dumps(passed | {"step": 7}))
    page = write_report(run).read_text()
    assert "Measured at step" not in page
    assert "of 1 targets reached</span>" in page
