"""The lines of the log: what one says, and how a resumed session continues those of the session before."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.anime_faces.run import read_log
from examples.anime_faces.run._monitors import ALIKE, CONVERGED, NO_GRADIENT
from examples.anime_faces.run._pace import Stopwatch
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._settings import PlanChange

GRADIENT = "gradients/generator"
Opener = Callable[..., Record]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the record's clock shows."""
    seconds = [100.0]
    monkeypatch.setattr("examples.anime_faces.run._record.Stopwatch", partial(Stopwatch, lambda: seconds[0]))
    return seconds


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Open records, which are closed after the test."""
    records: list[Record] = []

    def open_at(path: Path, step: int = 0) -> Record:
        records.append(Record(path, every=20))
        records[-1].open(step)
        return records[-1]

    yield open_at
    for record in records:
        record.close()


def add(record: Record, first: int, last: int, **numbers: float) -> None:
    for step in range(first, last + 1):
        record.add(step, {name.replace("__", "/"): torch.tensor(number) for name, number in numbers.items()})
    record.read()


def write(record: Record, step: int, **more: Any) -> list[str]:
    """Write a line, and return its states."""
    record.write(step, images=8 * step, images_per_second=1.0, **more)
    assert record._file is not None
    return read_log(record._file.path)[-1]["states"]


def written(path: Path, *lines: Mapping[str, Any]) -> Path:
    whole = [{"seconds": line["step"] / 2, "images": 0, "averages": {}, **line} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in whole), encoding="utf-8")
    return path


def test_a_line_says_all_of_its_step_with_the_digits_that_count(
    tmp_path: Path, opened: Opener, now: list[float]
) -> None:
    record = opened(tmp_path / "log.jsonl")
    for step, score in enumerate((1.0, 0.0, 0.0), 1):
        now[0] += 0.5
        record.add(step, {"critic/score": torch.tensor(score)})
    record.read()
    record.write(3, images=24, images_per_second=12.3456)
    now[0] += 0.12345
    record.write(
        4,
        images=32,
        images_per_second=12.3,
        change=PlanChange(step=4, before=9, after=7),
        grid={"variety, raw": 2 / 3, "use of noise, raw": math.nan},
    )
    averages = {"critic/score": 0.333333, "losses/critic": 0.333333}
    first = {"step": 3, "seconds": 1.5, "images": 24, "images_per_second": 12.35, "averages": averages, "states": []}
    second = {
        **first,
        "step": 4,
        "seconds": 1.623,
        "images": 32,
        "images_per_second": 12.3,
        "grid": {"variety, raw": 0.6667},
        "plan": {"step": 4, "before": 9, "after": 7},
    }
    assert read_log(tmp_path / "log.jsonl") == [first, second]


def test_an_average_that_is_not_finite_is_left_out_of_the_line(tmp_path: Path, opened: Opener) -> None:
    record = opened(tmp_path / "log.jsonl")
    record.load_state_dict({"scores/real": [1.5e308], "scores/fake": [-1.5e308]})
    record.write(1, images=8, images_per_second=1.0)
    assert read_log(tmp_path / "log.jsonl")[0]["averages"] == {"scores/real": 1.5e308, "scores/fake": -1.5e308}


def test_the_step_of_the_last_line_is_known(tmp_path: Path, opened: Opener) -> None:
    record = opened(tmp_path / "log.jsonl")
    assert record.logged is None
    record.write(20, images=160, images_per_second=1.0)
    assert record.logged == 20


def test_the_seconds_are_those_of_all_sessions_without_pauses_and_without_the_time_before_it_is_opened(
    tmp_path: Path, opened: Opener, now: list[float]
) -> None:
    assert Record(None, every=20).seconds == 0.0
    record = Record(written(tmp_path / "log.jsonl", {"step": 20, "seconds": 7.25}), every=20)
    now[0] += 50.0
    record.open(20)
    assert record.seconds == 7.25
    for step in range(21, 25):
        now[0] += 2.0
        record.add(step, {"critic/score": torch.tensor(0.0)})
    assert record.seconds == 7.25 + 4 * 2
    now[0] += 3600.0  # the computer slept: a step is counted as those before it
    assert record.seconds == 7.25 + 5 * 2
    record.close()


def test_a_line_of_the_step_itself_is_kept_and_a_later_one_is_not(tmp_path: Path, opened: Opener) -> None:
    path = written(tmp_path / "log.jsonl", {"step": 20}, {"step": 40}, {"step": 41})
    opened(path, 40).close()
    assert [line["step"] for line in read_log(path)] == [20, 40]


def test_states_need_a_hundred_steps(tmp_path: Path, opened: Opener) -> None:
    record = opened(tmp_path / "log.jsonl")
    add(record, 1, 99, accuracy__real=1.0, accuracy__fake=1.0)
    assert write(record, 99) == []
    add(record, 100, 100, accuracy__real=1.0, accuracy__fake=1.0)
    assert write(record, 100) == [CONVERGED]


def test_a_gradient_vanishes_beside_the_longest_one_that_a_line_of_this_session_had(
    tmp_path: Path, opened: Opener
) -> None:
    record = opened(tmp_path / "log.jsonl")
    add(record, 1, 99, gradients__generator=9000.0)
    assert write(record, 99) == []  # of fewer than a hundred steps: it does not count
    lengths = (0.5, []), (0.006, []), (500.0, []), (20.0, []), (4.9, [NO_GRADIENT]), (5.1, [])
    for last, (length, expected) in zip(range(199, 700, 100), lengths, strict=True):
        add(record, last - 99, last, gradients__generator=length, gradients__critic=900.0)
        assert write(record, last) == expected


@pytest.mark.parametrize(("step", "expected"), [(99, []), (100, [NO_GRADIENT])])
def test_after_a_restart_the_gradients_of_lines_from_the_hundredth_step_on_count(
    tmp_path: Path, opened: Opener, step: int, expected: list[str]
) -> None:
    averages = {GRADIENT: 500.0, "gradients/critic": 900.0}
    path = written(tmp_path / "log.jsonl", {"step": step, "averages": averages}, {"step": 120})
    record = opened(path, 120)
    add(record, 121, 220, gradients__generator=4.9)
    assert write(record, 220) == expected


def test_the_last_three_grids_count_and_a_restart_forgets_none_of_them(tmp_path: Path, opened: Opener) -> None:
    path, alike = tmp_path / "log.jsonl", {"grid": {"variety, raw": 0.1}}
    record = opened(path)
    assert [write(record, step, **alike) for step in (1, 2, 3, 4)] == [[], [], [ALIKE], [ALIKE]]
    record.close()
    for last, expected in ((1, []), (2, [ALIKE]), (4, [ALIKE])):
        written(path, *({"step": step, **alike} for step in (1, 2, 3, 4)))
        assert write(opened(path, last), last + 1, **alike) == expected


def test_a_grid_without_a_figure_ends_a_row_of_grids_after_a_restart_too(tmp_path: Path, opened: Opener) -> None:
    alike, unknown = {"grid": {"variety, raw": 0.1}}, {"grid": {"variety, raw": math.nan}}
    record = opened(tmp_path / "log.jsonl")
    assert [write(record, step, **grid) for step, grid in enumerate((alike, alike, unknown, alike), 1)] == [[]] * 4
    record.close()
    assert write(opened(tmp_path / "log.jsonl", 3), 4, **alike) == []


def test_a_resumed_log_can_be_appended_to(tmp_path: Path, opened: Opener) -> None:
    path = written(tmp_path / "log.jsonl", {"step": 20, "states": [ALIKE]}, {"step": 40})
    write(opened(path, 20), 33)
    assert [(line["step"], line["seconds"] >= 10.0) for line in read_log(path)] == [(20, True), (33, True)]
