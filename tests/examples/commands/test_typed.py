"""Arguments as people type them."""

from pathlib import Path

import pytest

from examples.anime_faces.__main__ import exit_code_of
from examples.anime_faces.commands._typed import quoted, refuse_mistaken, with_home

TRAIN = ["train", "--data", "x", "--out", "y"]
LINES = [
    ([*TRAIN, "--minutes", "3min"], "error: --minutes must be a number, but it is '3min'\n"),
    ([*TRAIN, "--steps", "1e3"], "error: --steps must be a whole number, but it is '1e3'\n"),
    (["sample", "--n", "many"], "error: --n must be a whole number, but it is 'many'\n"),
    (["sample", "--temperature", "hot"], "error: --temperature must be a number, but it is 'hot'\n"),
    ([*TRAIN, "--epochs", "10"], "error: train has no --epochs: give the length as --steps or --minutes; "),
    ([*TRAIN, "--size=64"], "error: train has no --size: pictures have the size that their data set was prepared with"),
    ([*TRAIN, "--images", "p"], "error: train has no --images: make a data set of the pictures first"),
    (
        ["evaluate", "--run", "runs/a"],
        "error: evaluate has no --run: give the folder without it, as in `evaluate runs/a`\n",
    ),
    (["report", "--run=a"], "error: report has no --run: give the folder without it, as in `report a`\n"),
]


@pytest.mark.parametrize("columns", ["60", "200"])
@pytest.mark.parametrize(("arguments", "line"), LINES, ids=lambda one: " ".join(one) if isinstance(one, list) else "")
def test_mistakes_are_explained_in_one_line(
    arguments: list[str],
    line: str,
    columns: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert exit_code_of(arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(line)
    assert err.count("\n") == 1


def test_a_path_with_spaces_is_shown_in_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["train", "--data", "my", "cat", "pictures", "--out", "y"]) == 2
    err = capsys.readouterr().err
    assert "Unrecognized options" in err
    assert err.endswith('must be in quotes; did you mean --data "my cat pictures"?\n')
    assert exit_code_of([*TRAIN, "--nonsense", "1"]) == 2
    assert "in quotes" not in capsys.readouterr().err


def test_words_are_joined_only_with_their_neighbors() -> None:
    assert quoted(["runs/my", "run", "--seed", "1"], ["run"]) == '"runs/my run"'
    assert quoted(["--strict", "stray", "--seed", "1"], ["stray"]) == ""
    assert quoted(["--nonsense", "1"], ["--nonsense", "1"]) == ""


def test_the_home_folder_is_found_in_quotes_and_after_an_equals_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("USERPROFILE", "/home/me")
    assert with_home(["~/pics", "--out=~/runs", "~", "a~/b", "blue hair", "~me", "--n=~"]) == [
        *("/home/me/pics", "--out=/home/me/runs", "/home/me", "a~/b", "blue hair", "~me"),
        "--n=/home/me",
    ]


def test_options_that_a_command_has_are_let_through() -> None:
    refuse_mistaken("prepare", ["--size", "64", "--images", str(Path("p"))])
    refuse_mistaken("sample", ["--run", "runs/a"])
    refuse_mistaken("demo", ["--size", "32", "--images", "p"])
