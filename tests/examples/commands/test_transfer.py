"""The command `transfer`: a strip by a run and by published weights, and mistakes in one line."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from support.stargan_files import published_critic, published_generator

from examples.anime_faces.__main__ import main
from examples.anime_faces.run import read_layout


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["transfer", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def headings(strip: Path) -> tuple[list[str], int]:
    """The headings of a strip, and how many rows it has."""
    with Image.open(strip) as picture:
        layout = read_layout(picture)
    assert layout is not None
    return list(layout.headings), len(layout.labels)


OWN = ["original", "black hair", "brown hair", "blonde hair", "glasses flipped", "ribbon flipped"]
CELEBA = ["original", "Black_Hair", "Blond_Hair", "Brown_Hair", "Male flipped", "Young flipped"]


def test_a_run_changes_files_and_data_sets(
    stargan_run: Path, labeled_folder: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strip = tmp_path / "new" / "strip.png"
    code, said, _ = run("--run", stargan_run, "--images", photos, "--out", strip, capsys=capsys)
    assert code == 0
    assert "critic" not in said  # there are no labels that could leave something open
    assert f"{strip}: 5 pictures, 5 changes each, by step 2 of {stargan_run}" in said
    assert headings(strip) == (OWN, 5)
    code, said, _ = run("--run", stargan_run, "--images", labeled_folder, "--n", 3, "--out", strip, capsys=capsys)
    assert code == 0
    assert "critic" not in said
    assert headings(strip) == (OWN, 3)
    first = strip.read_bytes()
    run("--run", stargan_run, "--images", labeled_folder, "--n", 3, "--out", strip, capsys=capsys)
    assert strip.read_bytes() == first


def test_a_run_of_gray_then_color_colors_pictures(
    gray_run: Path, stargan_run: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strip = tmp_path / "colors.png"
    usual = ("--images", photos, "--n", 2, "--out", strip)
    code, said, _ = run("--run", gray_run, *usual, "--prompts", "blue hair red eyes", "red hair", capsys=capsys)
    assert code == 0
    assert f"{strip}: 2 pictures in 2 ways, by step 2 of {gray_run}" in said
    assert headings(strip) == (["original", "gray", "blue hair red eyes", "red hair"], 2)
    code, _, err = run("--run", gray_run, *usual, "--labels", photos / "x.csv", capsys=capsys)
    assert (code, err) == (
        2,
        "error: --labels is for runs of stargan and for --weights: --prompts says what to color pictures as\n",
    )
    code, _, err = run("--run", stargan_run, *usual, "--prompts", "blue hair", capsys=capsys)
    assert (code, err) == (
        2,
        "error: --prompts is for runs of gray_then_color: other strips have one change a column\n",
    )


def test_published_weights_need_labels_or_their_critic(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights, critic, table = tmp_path / "1-G.ckpt", tmp_path / "1-D.ckpt", tmp_path / "list_attr_celeba.txt"
    torch.save(published_generator(), weights)
    torch.save(published_critic(), critic)
    names = "Young Black_Hair Blond_Hair Brown_Hair Male"
    table.write_text(f"2\n{names}\n1.jpg 1 -1 1 -1 -1\n2.jpg -1 1 -1 -1 1\n")
    usual = ("--weights", weights, "--images", photos, "--n", 2, "--out", tmp_path / "strip.png")
    code, _, err = run(*usual, "--size", 16, capsys=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(
        "error: nothing says whether 1.jpg has Black_Hair: give a table of labels by --labels, or the cr"
    )
    assert run(*usual, "--size", 16, "--labels", table, capsys=capsys)[0] == 0
    assert headings(tmp_path / "strip.png") == (CELEBA, 2)
    assert run(*usual, "--critic", critic, capsys=capsys)[0] == 0
    assert headings(tmp_path / "strip.png") == (CELEBA, 2)
    code, _, err = run(*usual, "--size", 16, "--critic", critic, "--attributes", "a,b,c", capsys=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert "--attributes must name the 5 attributes" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "one of --run and --weights must be given, and not both"),
        (("--run", "r", "--weights", "w"), "one of --run and --weights must be given, and not both"),
        (("--run", "r", "--size", "64"), "--size is for --weights: a run has its own"),
        (("--run", "r", "--critic", "c"), "--critic is for --weights: a run has its own"),
        (("--run", "r", "--attributes", "a"), "--attributes is for --weights: a run has its own"),
        (("--run", "r", "--n", "0"), "--n must be at least 1, but it is 0"),
        (("--run", "r", "--out", "."), "--out must be a file, such as strip.png, but . is a folder"),
        (("--run", "nowhere"), "--run nowhere does not exist"),
        (("--weights", "nowhere"), "--weights must be a file of weights, but nowhere does not exist"),
    ],
)
def test_mistakes_are_one_clear_line(
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    code, _, err = run("--images", "pictures", *arguments, capsys=capsys)
    assert code == 2
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1
