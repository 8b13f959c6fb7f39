"""What is said where a run was named and there is none."""

from pathlib import Path

import pytest

from examples.anime_faces.asked import check_there
from examples.anime_faces.asked_runs import instead_of_run, runs_near
from examples.anime_faces.run import load_any_checkpoint


def make_run(path: Path) -> None:
    (path / "checkpoints").mkdir(parents=True)
    (path / "settings.json").touch()


def make_data(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "dataset.json").touch()


def test_a_data_set_is_called_so(tmp_path: Path) -> None:
    make_data(tmp_path / "data" / "mine")
    said = instead_of_run(tmp_path / "data" / "mine")
    assert said.startswith("it is a data set: train on it first, `")
    assert said.endswith(f"train --data {tmp_path / 'data' / 'mine'} --out runs/NAME`")
    with pytest.raises(ValueError, match=r"mine holds no checkpoint; it is a data set: train on it first"):
        load_any_checkpoint(tmp_path / "data" / "mine")
    make_run(tmp_path / "demo")
    make_data(tmp_path / "demo" / "data")
    assert instead_of_run(tmp_path / "demo" / "data") == f"it is the data set of the run {tmp_path / 'demo'}"


def test_runs_below_and_beside_are_named(tmp_path: Path) -> None:
    tmp_path = tmp_path / "alone" / "runs"  # beside the folder of a test are those of others, and their runs
    tmp_path.mkdir(parents=True)
    assert instead_of_run(tmp_path) == "train there first"
    for name in "ab":
        make_run(tmp_path / name)
    both = f"{tmp_path / 'a'}, {tmp_path / 'b'}"
    assert instead_of_run(tmp_path) == f"runs below it: {both}"
    assert instead_of_run(tmp_path / "c") == f"runs beside it: {both}"
    assert instead_of_run(tmp_path / "a") == f"a run beside it: {tmp_path / 'b'}"
    for number in range(9):
        make_run(tmp_path / f"a{number}")
    assert runs_near(tmp_path).endswith("a3 and 6 more")
    with pytest.raises(ValueError, match=r"^--run .*x does not exist; runs beside it: .*a, "):
        check_there(tmp_path / "x", "--run")
    with pytest.raises(ValueError, match=r"^--images .*x does not exist$"):
        check_there(tmp_path / "x", "--images")
