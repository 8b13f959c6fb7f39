import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.toys.coverage import Bar
from benchmarks.toys.dirac_toy import DIRAC
from benchmarks.toys.plane import GRID, RING
from benchmarks.toys.runs import Record, all_runs, load, make_record, play, save
from benchmarks.toys.tables import joined, percent, short, table
from benchmarks.toys.training import PAIRS, PLAIN, PLAIN_DCGAN

PROTOCOL: dict[str, object] = {"steps": 3, "betas": (0.0, 0.99)}


def _record(protocol: dict[str, object] = PROTOCOL) -> Record:
    return make_record("ring", "GAN + R1, gamma 0.3", 2, protocol=protocol, figures={"modes": 7}, seconds=1.26)


def test_a_record_comes_back(tmp_path: Path) -> None:
    save(tmp_path / "deep", _record())
    kept = load(tmp_path / "deep", "ring", "GAN + R1, gamma 0.3", 2, protocol=PROTOCOL)
    assert kept == _record()
    assert kept is not None
    assert (kept.torch, kept.threads, kept.seconds) == (torch.__version__, torch.get_num_threads(), 1.3)


def test_a_record_of_other_settings_is_stale(tmp_path: Path) -> None:
    save(tmp_path, _record())
    assert load(tmp_path, "ring", "GAN + R1, gamma 0.3", 2, protocol={**PROTOCOL, "steps": 4}) is None


def test_a_missing_record_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, "ring", "GAN + R1, gamma 0.3", 2, protocol=PROTOCOL) is None


def test_a_divergence_that_is_infinite_comes_back(tmp_path: Path) -> None:
    save(tmp_path, replace(_record(), figures={"reverse_divergence": math.inf}))
    kept = load(tmp_path, "ring", "GAN + R1, gamma 0.3", 2, protocol=PROTOCOL)
    assert kept is not None
    assert kept.figures["reverse_divergence"] == math.inf


def test_every_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    runs = all_runs([RING, GRID, DIRAC], range(3))
    for run in runs:
        save(tmp_path, replace(_record(), experiment=run.experiment.name, arm=run.arm, seed=run.seed))
    assert len(list(tmp_path.iterdir())) == len(runs) == 2 * 3 * 3 + len(DIRAC.arms)


def test_what_draws_nothing_is_run_once() -> None:
    assert {run.seed for run in all_runs([DIRAC], [4, 5])} == {4}
    assert {run.seed for run in all_runs([RING], [4, 5])} == {4, 5}


def test_only_missing_runs_are_made(tmp_path: Path) -> None:
    tiny = replace(RING.quick(), course=replace(RING.course, steps=2))
    runs = all_runs([tiny], [0])
    made = list(play(runs, tmp_path, workers=1))
    assert sorted(record.arm for record in made) == sorted(tiny.arms)
    assert all(
        record.threads == 1 and record.figures.keys() == {"modes", "high_quality", "reverse_divergence"}
        for record in made
    )
    assert [run.kept(tmp_path) for run in runs] == [next(r for r in made if r.arm == run.arm) for run in runs]
    assert list(play(runs, tmp_path, workers=1)) == []


def test_protocols_name_what_a_run_depends_on_and_nothing_else() -> None:
    for toy in (RING, GRID, DIRAC):
        for arm in toy.arms:
            assert json.loads(json.dumps(toy.protocol(arm)))
            assert toy.quick().protocol(arm) != toy.protocol(arm)
    assert replace(RING, bar=Bar(modes=1)).protocol(PAIRS) == RING.protocol(PAIRS)
    assert replace(RING, gamma=0.5).protocol(PAIRS) != RING.protocol(PAIRS)
    assert RING.protocol(PLAIN) == RING.protocol(PAIRS) != RING.protocol(PLAIN_DCGAN)


@pytest.mark.parametrize(
    ("words", "expected"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined(words: list[str], expected: str) -> None:
    assert joined(words) == expected


def test_tables_and_numbers() -> None:
    assert table(["x", "y"], [["1", "2"]]) == ["| x | y |", "| --- | --- |", "| 1 | 2 |", ""]
    assert (percent(0.98889), short(0.123456), short(3.0), short(None)) == ("98.9 %", "0.1235", "3", "-")
