"""The table of the losses of every step: whole, exact, and without gaps or doubles after a stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.run import read_losses
from examples.anime_faces.run._losses import LossTable, running_means
from examples.anime_faces.run._record import Record


def rows(first: int, last: int) -> list[tuple[int, dict[str, float]]]:
    return [
        (step, {"critic/score": step / 3, "critic/penalty": 1.0, "generator/score": -float(step), "scores/real": 9.0})
        for step in range(first, last + 1)
    ]


@contextmanager
def opened(path: Path, step: int = 0) -> Iterator[LossTable]:
    table = LossTable(path)
    table.open(step)
    yield table
    table.close()


def test_names_with_ends_of_lines_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    for step in (1, 2):
        with opened(path, step - 1) as table:
            table.append([(step, {"critic/a\rb\nc": float(step)})])
    losses = read_losses(path)
    assert losses is not None
    assert losses.columns["critic/a b c"].tolist() == [1.0, 2.0]


def test_every_step_has_the_losses_of_both_networks_and_their_terms(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with opened(path) as table:
        table.append(rows(1, 5))
        table.append(rows(6, 7))
    losses = read_losses(path)
    assert losses is not None
    assert losses.steps.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert list(losses.columns) == [
        "losses/critic",
        "losses/generator",
        "critic/score",
        "critic/penalty",
        "generator/score",
    ]
    assert losses.columns["losses/critic"] == pytest.approx(np.arange(1, 8) / 3 + 1)
    assert losses.columns["losses/generator"].tolist() == [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0, -7.0]
    assert losses.is_whole
    assert (
        path.read_text().splitlines()[0]
        == "step,losses/critic,losses/generator,critic/score,critic/penalty,generator/score"
    )


def test_float32_comes_back_exactly(tmp_path: Path) -> None:
    numbers = torch.randn(200, generator=torch.Generator().manual_seed(0)) * torch.logspace(-9, 9, 200)
    with opened(tmp_path / "losses.csv") as table:
        table.append([(step, {"critic/a, b": number}) for step, number in enumerate(numbers.tolist(), 1)])
    losses = read_losses(tmp_path / "losses.csv")
    assert losses is not None
    assert losses.columns["critic/a, b"].astype(np.float32).tolist() == numbers.tolist()


def test_a_term_that_appears_late_gets_a_column(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with opened(path) as table:
        table.append([(1, {"critic/score": 1.0})])
        table.append(
            [(2, {"critic/score": 2.0, "critic/penalty": 4.0}), (3, {"generator/score": 5.0}), (4, {"scores/a": 1.0})]
        )
    losses = read_losses(path)
    assert losses is not None
    assert losses.steps.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(losses.columns["critic/penalty"], [np.nan, 4, np.nan])
    np.testing.assert_array_equal(losses.columns["losses/critic"], [1, 6, np.nan])
    steps, means = losses.averaged("losses/critic")
    assert (steps.tolist(), means.tolist()) == ([1, 2], [1.0, 3.5])


def test_rows_after_the_checkpoint_and_unfinished_ones_are_dropped_on_resuming(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    with opened(path) as table:
        table.append(rows(1, 9))
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])  # a process was killed while it wrote
    cut = read_losses(path)
    assert cut is not None
    assert cut.steps[-1] == 8
    with opened(path, 6) as again:
        again.append(rows(7, 9))
    assert path.read_bytes() == whole
    with opened(path, 0) as new:  # a new run begins in the folder
        new.append(rows(1, 2))
    fresh = read_losses(path)
    assert fresh is not None
    assert fresh.steps.tolist() == [1, 2]


def test_what_is_no_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    assert read_losses(path) is None
    for text in ("step,critic/a\n1,2,3\n", "step,critic/a\n1,red\n", "\nx\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"losses\.csv is damaged, remove it"), opened(path):
            pass
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match=r"losses\.csv is damaged, remove it .*line 1: it has more than 1,048,576"):
        read_losses(path)


def test_nothing_is_written_before_it_is_opened_or_after_it_is_closed(tmp_path: Path) -> None:
    table = LossTable(tmp_path / "losses.csv")
    table.append(rows(1, 2))
    assert not (tmp_path / "losses.csv").exists()
    table.open(0)
    table.close()
    table.append(rows(1, 2))
    assert read_losses(tmp_path / "losses.csv") is None


def test_the_steps_before_a_broken_one_are_kept(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20, losses=tmp_path / "losses.csv")
    record.open(0)
    for step, value in enumerate((1.0, 2.0, float("nan"), 4.0), 1):
        record.add(step, {"critic/score": torch.tensor(value)})
    with pytest.raises(TrainingDivergedError, match="step 3"):
        record.read()
    record.close()
    losses = read_losses(tmp_path / "losses.csv")
    assert losses is not None
    assert losses.steps.tolist() == [1, 2]


def test_nothing_waits_for_the_device_between_two_readings(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20, losses=tmp_path / "losses.csv")
    record.open(0)
    for step in range(1, 41):
        record.add(step, {"critic/score": torch.tensor(1.0, device="meta")})  # which has no value to wait for
    record.close()
    assert read_losses(tmp_path / "losses.csv") is None


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 350])
def test_running_means_are_those_of_the_last_hundred(count: int) -> None:
    values = np.random.default_rng(0).standard_normal(count)
    expected = [values[max(0, end - 100) : end].mean() for end in range(1, count + 1)]
    assert running_means(values) == pytest.approx(expected)


def test_losses_that_are_written_to_a_device_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._losses.lines_of", lambda path: 1 / 0)
    assert read_losses(Path("/dev/null")) is None
