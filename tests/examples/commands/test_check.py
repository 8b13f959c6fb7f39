"""The command `check`: it says what a training would do, and ends with 0, or with 8 and a list of problems."""

from dataclasses import fields
from pathlib import Path

import pytest

from examples.anime_faces.__main__ import exit_code_of
from examples.anime_faces.commands.check import Check
from examples.anime_faces.commands.train import Train

TINY = ("--width", "4", "--batch-size", "8", "--threads", "1", "--trial-seconds", "0.1")
STARTS = (
    "data      70 of 70 pictures in use",
    "recipe    default, parameters: generator ",
    "plan      12,000 steps",
    "hardware  cpu",
    "time      a step takes ",
    "room      disk: up to ",
    "room      memory: ",
    "warning   only 70 pictures in use",
)


def check(data: Path, *options: str) -> int:
    return exit_code_of(["check", "--data", str(data), *options])


def test_a_training_that_works_is_described_and_nothing_is_written(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert check(faces_folder, *TINY) == 0
    said = capsys.readouterr().out
    for start in STARTS:
        assert any(line.startswith(start) for line in said.splitlines()), start
    assert ", critic " in said
    assert "12,000 steps take about " in said
    assert said.strip().endswith("result    it can be trained; see the warnings")
    assert list(tmp_path.iterdir()) == []


def test_problems_are_listed_and_exit_with_8(faces_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(faces_folder, "--batch-size", "400", "--learning-rate", "50") == 8
    said = capsys.readouterr().out
    assert "warning   a batch has 400 pictures, and only 70 are in use, so it holds some twice or more: " in said
    assert ": give --batch-size 32, or add pictures" in said
    assert "problem 1 the learning rate of critic is 25: training would diverge" in said
    assert "problem 2 the learning rate of generator is 50" in said
    assert "time " not in said


def test_a_recipe_that_does_not_fit_the_data_is_a_problem(
    faces_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(faces_folder, "--recipe", "stargan", "--targets", "glasses=yes") == 8
    assert "problem 1 stargan cannot be trained on " in capsys.readouterr().out


def test_mistakes_in_the_command_are_errors(faces_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options, message in (
        (("--steps", "0"), "--steps must be above 0"),
        (("--steps", "9", "--minutes", "3"), "--steps and --minutes must not both be given"),
        (("--from", "nowhere"), "--from nowhere does not exist"),
        (("--trial-seconds", "0"), "--trial-seconds must be at least 0.1"),
        (("--recipe", "wgangp"), "did you mean tags_wgan_gp?"),
        (("--out", str(faces_folder)), "contains a data set"),
        (("--score-weight", "1"), "--score-weight is an option of acgan"),
    ):
        assert check(faces_folder, *options) == 2
        assert message in capsys.readouterr().err


def test_own_recipes_are_checked_too(
    faces_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "recipes"))
    assert check(faces_folder, "--recipe", "own.tiny", "--threads", "1", "--trial-seconds", "0.1") == 0
    assert "recipe    own.tiny:RECIPE, parameters: generator " in capsys.readouterr().out


def test_all_options_of_train_are_taken(
    faces_folder: Path, trained_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same = ("--recipe", "acgan", "--width", "4", "--batch-size", "6", "--threads", "1", "--trial-seconds", "0.1")
    rest = ("--seed", "3", "--grid-every", "5", "--strict", "--profile", "--gradients", "eager")
    assert check(faces_folder, *same, *rest, "--minutes", "3", "--from", str(trained_folder)) == 0
    said = capsys.readouterr().out
    assert "plan      3 minutes with 3 pictures in a batch" in said
    assert "time      3 minutes are about " in said
    assert f"entries of the networks of {trained_folder} fit; 0 would keep their fresh start" in said
    assert check(faces_folder, *same, "--plan", str(trained_folder)) == 0
    assert "plan      7 steps with 3 pictures in a batch" in capsys.readouterr().out
    assert {one.name for one in fields(Train)} <= {one.name for one in fields(Check)}
