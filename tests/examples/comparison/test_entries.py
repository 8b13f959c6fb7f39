"""Which runs are compared, under which names, and with which curves."""

import json
import shutil
from pathlib import Path

import pytest

from examples.anime_faces.comparison import read_entries
from examples.anime_faces.comparison._entries import common_steps
from examples.anime_faces.run import read_losses


def test_runs_have_numbers_names_and_their_losses(labels: Path, texts: Path) -> None:
    first, second = read_entries([labels, texts])
    assert (first.label, second.label) == ("1 labels", "2 texts")
    assert (first.step, second.step) == (7, 5)
    assert (first.settings.recipe, second.settings.recipe) == ("acgan", "matching_wgan")
    losses = read_losses(texts / "losses.csv")
    assert losses is not None
    steps, values = second.curves["critic"]
    assert list(steps) == [1, 2, 3, 4, 5]
    assert values[-1] == pytest.approx(losses.columns["losses/critic"].mean())
    assert second.curves.keys() == {"critic", "generator"}
    assert first.metrics is None


def test_a_run_of_an_earlier_version_has_the_curves_of_its_log(labels: Path, texts: Path) -> None:
    (labels / "losses.csv").unlink()
    first, _ = read_entries([labels, texts])
    lines = [json.loads(line) for line in (labels / "log.jsonl").read_text().splitlines()]
    steps, losses = [line["step"] for line in lines], [line["averages"]["losses/generator"] for line in lines]
    assert steps[-1] == 7
    assert first.curves["generator"] == (steps, losses)


def test_names_are_as_long_as_they_need_to_be(labels: Path, tmp_path: Path) -> None:
    for place in ("a/x", "b/x", "c"):
        shutil.copytree(labels, tmp_path / place)
    entries = read_entries([tmp_path / "a/x", tmp_path / "b/x", tmp_path / "c"])
    assert [entry.name for entry in entries] == ["a/x", "b/x", "c"]


def test_a_kept_checkpoint_is_an_entry_with_figures_of_its_own(labels: Path) -> None:
    kept = labels / "kept" / "checkpoint-7.pt"
    kept.parent.mkdir()
    shutil.copy(labels / "checkpoints" / "checkpoint-7.pt", kept)
    record = {"step": 7, "figures": {"fid": {"value": 3.0}}}
    (labels / "kept" / "metrics-7.json").write_text(json.dumps(record))
    whole, one = read_entries([labels, kept])
    assert (whole.name, one.name) == ("labels", "labels, step 7")
    assert (whole.metrics, one.metrics) == (None, record)
    assert one.curves == whole.curves


def test_what_cannot_be_compared_is_named(labels: Path, texts: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    cases = [
        ([labels], "compare needs 2 to 8 runs, but 1 was given"),
        ([labels] * 9, "but 9 were given"),
        ([labels, tmp_path / "texts" / ".." / "labels"], "labels is given twice"),
        ([labels, tmp_path / "nowhere"], "nowhere does not exist: name folders of runs"),
        ([labels, empty], "empty does not contain a run: there is no settings.json"),
        ([labels, texts / "log.jsonl"], "does not contain a run"),
    ]
    for given, message in cases:
        with pytest.raises(ValueError, match=message):
            read_entries(given)
    (labels / "checkpoints" / "other.pt").touch()
    with pytest.raises(
        ValueError, match=r"other.pt is not a checkpoint of a run: its name should be checkpoint-STEP\.pt"
    ):
        read_entries([texts, labels / "checkpoints" / "other.pt"])
    for text in ("{", "[]", '{"figures": {"fid": {}}}', '{"figures": {"fid": {"value": "x"}}}'):
        (labels / "metrics.json").write_text(text)
        with pytest.raises(ValueError, match=r"metrics.json is damaged .*; run evaluate again"):
            read_entries([labels, texts])


def test_a_run_without_checkpoints_draws_nothing_and_has_curves(labels: Path, texts: Path) -> None:
    shutil.rmtree(labels / "checkpoints")
    first, _ = read_entries([labels, texts])
    assert first.step is None
    assert first.curves


def test_long_curves_are_thinned_at_common_steps() -> None:
    long, short = (
        (list(range(1, 10_001)), [step / 2 for step in range(10_000)]),
        ([20, 40, 60, 80], [1.0, 2.0, 3.0, 4.0]),
    )
    first, second = common_steps([long, short], 101)
    assert 101 <= len(first[0]) <= 102
    assert (first[0][0], first[0][-1], first[1][-1]) == (1, 10_000, 4999.5)
    assert second == ([20, 80], [1.0, 4.0])
    assert common_steps([([], [])], 5) == [([], [])]
