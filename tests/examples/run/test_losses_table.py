"""The text of the table of losses, how it continues after a stop, and which tables are refused."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.anime_faces.run._losses import LossTable, read_losses, running_means


@contextmanager
def opened(path: Path, step: int = 0) -> Iterator[LossTable]:
    table = LossTable(path)
    table.open(step)
    yield table
    table.close()


def test_a_table_has_a_row_a_step_with_nine_digits_and_nan_where_a_round_had_no_such_loss(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with opened(path) as table:
        assert path.read_bytes() == b"step\n"
        table.append([(1, {"critic/score": 1 / 3, "scores/real": 9.0}), (2, {"critic/score": 2.0, "criticism": 5.0})])
        assert path.read_text() == "step,losses/critic,critic/score\n1,0.333333333,0.333333333\n2,2,2\n"
        table.append([(3, {"critic/penalty, lazy": -0.5, "critic/score": 1.0}), (5, {"scores/real": 9.0})])
        table.append([(6, {"generator/score": 1e-9})])
    assert path.read_text().splitlines() == [
        'step,losses/critic,critic/score,"critic/penalty, lazy",losses/generator,generator/score',
        "1,0.333333333,0.333333333,nan,nan,nan",
        "2,2,2,nan,nan,nan",
        "3,0.5,1,-0.5,nan,nan",
        "6,nan,nan,nan,1e-09,1e-09",
    ]


def test_a_resumed_table_continues_in_the_columns_of_the_rows_that_stay(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with opened(path) as table:
        table.append([(1, {"critic/b": 1.0}), (2, {"critic/b": 2.0}), (3, {"critic/b": 3.0})])
    with opened(path, 2) as table:
        table.append([(3, {"critic/b": 4.0, "critic/a": 5.0})])
    assert path.read_text() == "step,losses/critic,critic/b,critic/a\n1,1,1,nan\n2,2,2,nan\n3,9,4,5\n"
    with opened(path, 0) as table:  # no row stays, so neither do their columns
        table.append([(1, {"critic/a": 5.0})])
    assert path.read_text() == "step,losses/critic,critic/a\n1,5,5\n"


def test_rows_that_wait_for_room_on_the_disk_are_not_lost_where_a_column_is_added(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with opened(path) as table:
        table.append([(1, {"critic/a": 1.0})])
        file: Any = table._file._file

        class Full:
            def write(self, data: object) -> int:
                raise OSError(ENOSPC, os.strerror(ENOSPC))

            def truncate(self, size: int) -> None:
                file.truncate(size)

        table._file._file = Full()  # pyright: ignore[reportAttributeAccessIssue]
        table.append([(2, {"critic/a": 2.0})])
        assert path.read_text() == "step,losses/critic,critic/a\n1,1,1\n"
        table._file._file = file
        table.append([(3, {"critic/a": 3.0, "critic/b": 4.0})])
    assert path.read_text() == "step,losses/critic,critic/a,critic/b\n1,1,1,nan\n2,2,2,nan\n3,7,3,4\n"


def test_a_table_waits_until_its_rows_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synchronized: list[int] = []
    with opened(tmp_path / "losses.csv") as table:
        monkeypatch.setattr(os, "fsync", lambda file: synchronized.append(os.fstat(file).st_ino))
        table.sync()
    assert synchronized == [(tmp_path / "losses.csv").stat().st_ino]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("epoch,critic/a\n1,2\n", "line 1: it must begin with step"),
        ("step,critic/a\n1,2\n\n", "line 3: it must begin with the number of a step"),
        ("step,critic/a\n-1,2\n", "line 2: it must begin with the number of a step"),
        ("step,critic/a,critic/a\n1,2,3\n", "two of its columns have one name"),
        ("step,critic/a\n2,2\n2,2\n", "its steps must ascend"),
        ("step,critic/a\n2,2\n1,2\n", "its steps must ascend"),
        ("step,critic/a\n1e999,2\n", "its steps must ascend"),
        ("step,critic/a\n1,2\n1e999,2\n1e999,2\n", "its steps must ascend"),
        (f"step,critic/a\n{2**53},2\n", "its steps must ascend"),  # a number from which the next one cannot be told
    ],
)
def test_a_table_that_cannot_be_one_is_refused_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "losses.csv"
    path.write_text(text)
    words = f"{path} is damaged, remove it to continue without the losses of earlier steps: {why}"
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        read_losses(path)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        LossTable(path).open(0)
    assert path.read_text() == text


@pytest.mark.parametrize("text", ["", "step\n", "step,critic/a\n", "step,critic/a", "step,critic/a\n1,2"])
def test_a_table_without_a_whole_row_holds_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "losses.csv").write_text(text)
    assert read_losses(tmp_path / "losses.csv") is None


def test_a_table_of_one_row_is_read_and_says_whether_it_begins_with_the_first_step(tmp_path: Path) -> None:
    path, whole = tmp_path / "losses.csv", []
    for step in (0, 1, 2, 2**53 - 1):
        path.write_text(f"step,critic/a\n{step},2.5\n")
        losses = read_losses(path)
        assert losses is not None
        assert (losses.steps.dtype, losses.steps.tolist()) == (np.int64, [step])
        assert {name: values.tolist() for name, values in losses.columns.items()} == {"critic/a": [2.5]}
        whole.append(losses.is_whole)
    assert whole == [False, True, False, False]


def test_the_mean_at_a_step_is_that_of_the_hundred_values_before(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    path.write_text("step,critic/a\n" + "".join(f"{step},{'nan' if step % 2 else step}\n" for step in range(1, 501)))
    losses = read_losses(path)
    assert losses is not None
    steps, means = losses.averaged("critic/a")
    assert steps.tolist() == list(range(2, 501, 2))
    assert means[[0, 1, 98, 99, 100, 249]] == pytest.approx([2, 3, 100, 101, 103, 401])


@pytest.mark.parametrize(("window", "expected"), [(1, [8.0, 2.0, 5.0]), (3, [8.0, 5.0, 5.0]), (4, [8.0, 5.0, 5.0])])
def test_running_means_over_fewer_values_than_a_window_are_those_of_what_there_is(
    window: int, expected: list[float]
) -> None:
    assert running_means(np.array([8.0, 2.0, 5.0]), window).tolist() == expected
