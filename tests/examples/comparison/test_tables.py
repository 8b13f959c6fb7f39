"""What differs between runs, and which figures are the best."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.comparison import Entry, differing, figures_beside, read_entries


@pytest.fixture
def entries(labels: Path, texts: Path) -> list[Entry]:
    return read_entries([labels, texts])


def record(step: int, fingerprint: str = "a", samples: int = 100, **values: float) -> dict[str, Any]:
    figures = {name: {"value": value, "floor": 2.0} for name, value in values.items()}
    return {"step": step, "samples": samples, "data": {"fingerprint": fingerprint}, "figures": figures}


def test_options_that_differ_are_kept_apart_from_those_of_some_recipes_and_from_equal_ones(
    entries: list[Entry],
) -> None:
    found = differing(entries)
    values = {setting.name: setting.values for setting in found.different}
    assert values["recipe"] == ["acgan", "matching_wgan"]
    assert values["width"] == ["4", "2"]
    assert values["steps planned"] == ["7", "5"]
    some = {setting.name: setting.values for setting in found.of_some}
    assert some["boosted steps"] == ["\u2013", "2"]
    assert {setting.name for setting in found.same} >= {"batch size", "seed", "picture size"}
    assert "batch size" not in values


def test_an_option_that_is_younger_than_a_run_has_what_the_run_did(entries: list[Entry]) -> None:
    first = entries[0]
    older = {name: value for name, value in first.settings.options.items() if name != "class_weight"}
    found = differing([first, replace(first, number=2, settings=replace(first.settings, options=older))])
    assert found.different == found.of_some == []
    other = differing([first, replace(first, settings=replace(first.settings, seed=5))])
    assert [(setting.name, setting.values) for setting in other.different] == [("seed", ["0", "5"])]


def measured(entries: list[Entry], *records: dict[str, Any] | None) -> list[Entry]:
    return [replace(entry, metrics=one) for entry, one in zip(entries, records, strict=True)]


def test_the_best_figure_is_marked_where_both_were_measured_alike(entries: list[Entry]) -> None:
    beside = figures_beside(measured(entries, record(7, fid=9.0, kid=2.5), record(5, fid=3.0, kid=1.0)))
    assert beside.best == {"fid": 2, "kid": 1}
    assert beside.notes == []
    assert list(beside.records) == [1, 2]


@pytest.mark.parametrize(
    ("other", "words"),
    [({"fingerprint": "b"}, "different data"), ({"samples": 99}, "different numbers of samples")],
)
def test_no_best_is_marked_where_they_were_measured_differently(
    entries: list[Entry], other: dict[str, Any], words: str
) -> None:
    beside = figures_beside(measured(entries, record(7, fid=9.0), record(5, **other, fid=3.0)))
    assert beside.best == {}
    assert words in beside.notes[0]


def test_what_was_not_measured_or_at_another_step_is_said(entries: list[Entry]) -> None:
    beside = figures_beside(measured(entries, record(4, fid=9.0), None))
    assert [entry.label for entry in beside.measured] == ["1 labels"]
    assert f"2 texts was not measured: run evaluate {entries[1].given}." in beside.notes
    (late,) = beside.late
    assert late.startswith("1 labels was measured at step 4, and its pictures are of step 7: run evaluate ")
    assert beside.best == {}
    json.dumps(beside.records)
