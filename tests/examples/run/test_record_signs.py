"""What a record says of a training that diverges, what it refuses to continue, and what it leaves on the disk."""

import os
from pathlib import Path

import pytest
import torch

from examples.anime_faces.run import read_log, read_losses
from examples.anime_faces.run._record import Record

LOSS = "the loss of the critic was 3e+03 or more in half of the last 20 steps"
WEIGHTS = "the weights of the generator are 7 on average"


def add(record: Record, first: int, last: int, score: float) -> None:
    for step in range(first, last + 1):
        record.add(step, {"critic/score": torch.tensor(score)})
    record.read()


def test_a_training_that_has_just_diverged_is_an_alarm_once() -> None:
    assert Record(None, every=20).alarm(0) == ""
    record = Record(None, every=20)
    add(record, 1, 20, 3000.0)
    record.heavy = [WEIGHTS]
    assert record.signs() == [LOSS, WEIGHTS]
    assert record.alarm(20) == f"step 20: the training has diverged: {LOSS}; {WEIGHTS}"
    assert record.alarm(21) == ""
    record.heavy = []
    add(record, 21, 60, 1.0)
    assert (record.signs(), record.alarm(60)) == ([], "")
    record.heavy = [WEIGHTS]  # once more
    assert record.alarm(61) == f"step 61: the training has diverged: {WEIGHTS}"


def test_a_line_of_a_training_that_has_diverged_says_so(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20)
    record.open(0)
    record.write(1, images=8, images_per_second=1.0)
    record.heavy = [WEIGHTS]
    record.write(2, images=8, images_per_second=1.0)
    record.close()
    assert [line["states"] for line in read_log(tmp_path / "log.jsonl")] == [[], ["training diverged"]]


def test_damaged_files_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    log, losses = tmp_path / "log.jsonl", tmp_path / "losses.csv"
    Record(None, every=20).check()
    Record(log, every=20, losses=losses).check()  # there is nothing yet
    log.write_text('{"step": 1}\n', encoding="utf-8")
    losses.write_text("red\n", encoding="utf-8")
    words = "is damaged, remove it to continue without the"
    with pytest.raises(ValueError, match=rf"log\.jsonl {words} log of earlier steps: line 1: seconds is missing"):
        Record(log, every=20).check()
    with pytest.raises(ValueError, match=rf"losses\.csv {words} losses of earlier steps: line 1"):
        Record(None, every=20, losses=losses).check()
    assert (log.read_text(), losses.read_text()) == ('{"step": 1}\n', "red\n")


def test_a_rank_that_is_not_the_first_keeps_averages_and_writes_nothing(tmp_path: Path) -> None:
    record = Record(None, every=20)
    record.open(0)
    add(record, 1, 2, 4.0)
    record.write(2, images=8, images_per_second=1.0)
    record.sync()
    record.close()
    assert (record.every, record.averages()) == (20, {"critic/score": 4.0, "losses/critic": 4.0})
    assert list(tmp_path.iterdir()) == []


def test_more_steps_than_an_average_has_are_read_without_being_asked_for() -> None:
    record = Record(None, every=20)
    for step in range(1, 251):
        record.add(step, {"loss": torch.tensor(float(step))})
    assert record.read() == {"loss": sum(range(151, 251)) / 100}


def test_the_losses_of_a_session_are_cut_back_and_stay_as_they_are_once_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    for begin, score in ((0, 1.5), (2, 2.5)):
        record = Record(tmp_path / "log.jsonl", every=20, losses=path)
        record.open(begin)
        add(record, begin + 1, begin + 3, score)
        record.close()
        record.write(begin + 4, images=8, images_per_second=1.0)
        add(record, begin + 4, begin + 4, score)
    losses = read_losses(path)
    assert losses is not None
    assert losses.columns["critic/score"].tolist() == [1.5, 1.5, 2.5, 2.5, 2.5]
    assert read_log(tmp_path / "log.jsonl") == []


def test_a_record_waits_until_its_losses_are_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synchronized: list[int] = []
    record = Record(None, every=20, losses=tmp_path / "losses.csv")
    record.open(0)
    monkeypatch.setattr(os, "fsync", lambda file: synchronized.append(os.fstat(file).st_ino))
    record.sync()
    assert synchronized == [(tmp_path / "losses.csv").stat().st_ino]
    record.close()


def test_what_cannot_hold_a_log_has_none(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.jsonl") == []
    assert read_log(Path("/dev/null")) == []
