"""Figures of several metrics files: which is nearest to real pictures, and which files are read."""

import json
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.run import RunFolder
from examples.anime_faces.run._figures import best_of_each, distance, read_kept, read_metrics
from examples.anime_faces.run._kept import keep_checkpoint


@pytest.mark.parametrize(
    ("figure", "expected"),
    [
        ({"value": None, "floor": 1.0}, None),
        ({"value": 3.0, "floor": 5.0, "at_least": 1.0}, 2.0),
        ({"value": 7.0, "floor": 5.0, "at_most": 9.0}, 2.0),
        ({"value": 7.0, "floor": None, "at_most": 9.0, "at_least": None}, 7.0),
        ({"value": 7.0, "at_least": 0.0}, -7.0),
        ({"value": 7.0, "at_least": 0.0, "at_most": 9.0}, None),
        ({"value": 7.0}, None),
    ],
)
def test_the_distance_is_that_from_real_pictures_or_from_the_best_end(figure: Any, expected: float | None) -> None:
    assert distance(figure) == expected


def test_the_best_is_the_nearest_and_of_equal_ones_the_earlier() -> None:
    def record(*values: float | None, more: dict[str, Any] | None = None) -> dict[str, Any]:
        near, small, unknown = values
        figures = {
            "near": {"value": near, "floor": 1.0},
            "small": {"value": small, "at_most": 9.0},
            "unknown": {"value": unknown, "floor": 0.0},
            "free": {"value": 1.0},
        }
        return {"figures": {**figures, **(more or {})}}

    lacking = record(1.5, 2.0, 1.0, more={"rare": {"value": 0.0, "floor": 0.0}})
    records = {30: lacking, 10: record(0.5, 3.0, 1.0), 20: record(5.0, 2.0, None)}
    assert best_of_each(records) == {"near": 30, "small": 30}
    assert best_of_each(dict(reversed(records.items()))) == {"near": 10, "small": 20}
    assert best_of_each({}) == {}
    assert best_of_each({30: lacking}) == {"near": 30, "small": 30, "unknown": 30, "rare": 30}


def test_what_was_measured_of_a_run_is_read_by_step(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert read_kept(folder) == {}
    for step in (9, 40, 100):
        keep_checkpoint(folder, step, {"step": step})
    for path, step in ((folder.metrics, 50), (folder.kept_metrics(40), 40), (folder.kept_metrics(100), 100)):
        path.write_text(json.dumps({"step": step, "figures": {}}))
    assert [(step, record["step"]) for step, record in read_kept(folder).items()] == [(40, 40), (50, 50), (100, 100)]
    folder.metrics.write_text(json.dumps({"figures": {}}))
    assert list(read_kept(folder)) == [40, 100]
    folder.metrics.write_text("{}")
    with pytest.raises(ValueError, match=r"metrics.json is damaged \(figures is missing\); run evaluate again"):
        read_kept(folder)


def test_a_kept_file_goes_before_that_of_the_run_at_the_same_step(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    keep_checkpoint(folder, 40, {"step": 40})
    for path, value in ((folder.metrics, 1.0), (folder.kept_metrics(40), 2.0)):
        path.write_text(json.dumps({"step": 40, "figures": {"distance": {"value": value}}}))
    assert read_kept(folder) == {40: {"step": 40, "figures": {"distance": {"value": 2.0}}}}


def test_a_file_that_is_there_and_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert read_metrics(folder.metrics) is None
    folder.metrics.symlink_to(tmp_path / "gone.json")
    with pytest.raises(FileNotFoundError):
        read_metrics(folder.metrics)
