"""A training that diverged says so at its end, keeps its checkpoint, and exits with a code of its own."""

from pathlib import Path

import pytest

from examples.anime_faces.__main__ import exit_code_of
from examples.anime_faces.errors import DIVERGED
from examples.anime_faces.run import load_any_checkpoint

TINY = (
    "--steps",
    "24",
    "--threads",
    "1",
    "--precision",
    "float32",
    "--width",
    "4",
    "--batch-size",
    "8",
    "--grid-every",
    "24",
)


def train(data: Path, out: Path, *options: str) -> int:
    return exit_code_of(["train", "--data", str(data), "--out", str(out), *TINY, *options])


def test_a_diverged_training_is_said_and_exits_with_7(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    for _ in range(2):  # the same command again says the same of the finished run
        assert train(faces_folder, out, "--learning-rate", "8") == DIVERGED == 7
        said = capsys.readouterr().out
        assert "diverged  the loss of the critic was " in said
        assert "the critic's gap was " in said
        assert "the checkpoint is kept" in said
        assert (
            "lower --learning-rate (8.0 here, the default of the recipe is 0.001); see docs/guides/failures.md" in said
        )
    assert load_any_checkpoint(out)["step"] == 24
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "This training diverged" in page
    assert "with a lower --learning-rate (8.0 here, the default of the recipe is 0.001)" in page


def test_numbers_that_are_not_finite_are_said_in_plain_words_with_the_cure(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert train(faces_folder, out, "--learning-rate", "1e18") == 4
    said = capsys.readouterr().err
    assert "error: the training diverged: its numbers became too large" in said
    assert "the last good checkpoint is of step 0, before the training" in said
    assert "with a lower --learning-rate (1e+18 here, the default of the recipe is 0.001)" in said
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "the training diverged: its numbers became too large" in page
    assert "with a lower --learning-rate (1e+18 here" in page
    monkeypatch.chdir(tmp_path)
    assert exit_code_of(["sample", "--run", str(out), "--n", "1"]) == 0
    assert "warning: the generator is untrained" in capsys.readouterr().out


def test_a_training_that_learns_exits_with_0(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(faces_folder, tmp_path / "run") == 0
    assert "diverged" not in capsys.readouterr().out
    assert "This training diverged" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_clipped_critic_hides_it_and_the_weights_do_not(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--recipe", "matching_wgan", "--boosted-steps", "1", "--learning-rate", "50")
    assert train(faces_folder, tmp_path / "run", *words) == DIVERGED
    said = capsys.readouterr().out
    assert "diverged  the weights of the generator are " in said
    assert "This training diverged" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "the critic's gap" not in said
