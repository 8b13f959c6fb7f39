import json
from pathlib import Path

import pytest
import torch

from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.run import read_log
from examples.anime_faces.run._record import Record


def scalars(**values: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_averages_run_over_the_last_hundred_steps(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20)
    for step in range(1, 251):
        record.add(step, scalars(loss=float(step)))
        if step % 30 == 0:
            record.read()
    assert record.read() == {"loss": pytest.approx(sum(range(151, 251)) / 100)}


def test_the_gap_is_real_minus_fake(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20)
    record.add(1, {"scores/real": torch.tensor(2.0), "scores/fake": torch.tensor(-0.5)})
    assert record.read()["critic gap"] == 2.5


def test_a_term_of_some_steps_counts_in_those_alone(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20)
    for step in range(8):
        lazy = {"critic/penalty": torch.tensor(4.0)} if step % 4 == 0 else {}
        record.add(step + 1, {"critic/score": torch.tensor(1.0), **lazy, "generator/score": torch.tensor(-float(step))})
    averages = record.read()
    assert averages["critic/penalty"] == 4.0
    assert averages["losses/critic"] == 2.0
    assert averages["losses/generator"] == averages["generator/score"] == -3.5


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_the_first_broken_step_and_term_are_named(tmp_path: Path, bad: float) -> None:
    record = Record(tmp_path / "log.jsonl", every=20)
    record.add(41, scalars(a=1.0, b=1.0))
    record.add(42, scalars(a=1.0, b=bad))
    record.add(43, scalars(a=bad, b=bad))
    with pytest.raises(TrainingDivergedError, match="step 42: b is"):
        record.read()


def test_averages_survive_a_checkpoint(tmp_path: Path) -> None:
    record, other = Record(tmp_path / "a", every=20), Record(tmp_path / "b", every=20)
    for step in range(1, 131):
        record.add(step, scalars(loss=step**0.5))
    record.read()
    other.load_state_dict(record.state_dict())
    assert other.averages() == record.averages()
    for one in (record, other):
        one.add(131, scalars(loss=0.0))
    assert other.read() == record.read()


def test_lines_after_the_checkpoint_are_dropped_on_resuming(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines = [{"step": step, "seconds": step / 2, "images": 0, "averages": {}} for step in (20, 40, 60)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 80, "sec', encoding="utf-8")
    assert [line["step"] for line in read_log(path)] == [20, 40, 60]
    record = Record(path, every=20)
    record.open(45)
    assert record.seconds == pytest.approx(20, abs=1)
    record.add(46, scalars(loss=3.0))
    record.read()
    record.write(46, images=5, images_per_second=1.0)
    record.close()
    assert [line["step"] for line in read_log(path)] == [20, 40, 46]
    assert read_log(path)[-1]["averages"] == {"loss": 3.0}


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_where_steps_may_be_skipped_their_values_are_left_out(tmp_path: Path, bad: float) -> None:
    record = Record(tmp_path / "log.jsonl", every=20, losses=tmp_path / "losses.csv", skips=True)
    record.open(0)
    record.add(1, scalars(a=1.0, b=bad))
    record.add(2, scalars(a=3.0, b=5.0))
    assert record.read() == {"a": 2.0, "b": 5.0}
    record.close()
