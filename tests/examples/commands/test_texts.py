"""From a tag file to a report with recipes that read texts."""

import html
import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

import gankit as gk
from examples.anime_faces.__main__ import main
from examples.anime_faces.data import Dataset, as_argument


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(list(arguments))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


PROMPTS = (
    "blue hair blue eyes",
    "blue hair green eyes",
    "blue hair red eyes",
    "green hair blue eyes",
    "touhou onozuka komachi shikieiki yamaxanadu",
)


def test_sample_takes_free_text(trained_texts_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    usual = ("--run", str(trained_texts_folder), "--out", str(sheet))
    code, out, _ = run("sample", *PROMPTS, "--n", "3", *usual, capsys=capsys)
    assert code == 0
    assert "5 prompts, 3 pictures each, from step 5" in out
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a,touhou onozuka komachi\nb,yellow hair", encoding="utf-8")
    pictures = ("--pictures", str(tmp_path / "each"))
    code, out, _ = run("sample", "--prompts", str(prompts), "--n", "1", *usual, *pictures, capsys=capsys)
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == ["sample_a_1.png", "sample_b_1.png"]
    code, _, err = run("sample", "red hair", " -- ", *usual, capsys=capsys)
    assert code == 2
    assert err.startswith("error: a prompt must have a word in it, got ' -- '")
    prompts.write_text("a,touhou\nb,!\n", encoding="utf-8")
    code, _, err = run("sample", "--prompts", str(prompts), *usual, capsys=capsys)
    assert code == 2
    assert "prompts.txt, line 2: a prompt must have a word" in err
    prompts.write_text("a,touhou\nb,77\n", encoding="utf-8")  # of a tag file's texts nothing is left without digits
    code, _, err = run("sample", "--prompts", str(prompts), *usual, capsys=capsys)
    assert code == 2
    assert "prompts.txt, line 2: a prompt must have a word in it, got '77'" in err


def test_sample_without_prompts_shows_texts_of_the_data(
    trained_texts_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "sheet.png")
    code, said, _ = run("sample", "--run", str(trained_texts_folder), "--out", out, "--n", "2", capsys=capsys)
    assert code == 0
    assert "8 prompts, 2 pictures each" in said


def test_recipes_of_labels_still_refuse_unknown_words(
    trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "sheet.png")
    code, _, err = run("sample", "blu hair", "--run", str(trained_folder), "--out", out, capsys=capsys)
    assert code == 2
    assert "'blu hair' is not known. Did you mean 'blue hair'" in err


def test_grids_show_texts_of_the_data(trained_texts_folder: Path, tagged_folder: Path) -> None:
    settings = json.loads((trained_texts_folder / "settings.json").read_text())
    text = settings["description"]["text"]
    assert (text["encoder"], text["features"], text["pictures"]) == ("hashed n-grams", 2400, 59)
    assert settings["pictures"] == 59
    assert len(text["examples"]) == 8
    written = (tagged_folder / "texts.txt").read_text().splitlines()
    assert set(text["examples"]) <= set(written)
    with Image.open(trained_texts_folder / "grids" / "step-0000005.png") as grid:
        assert grid.size[1] > 8 * 64


def test_own_pictures_are_asked_for_in_their_own_words(
    trained_texts_folder: Path,
    tagged_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from examples.anime_faces.run import LoadedGenerator

    calls: list[list[str]] = []
    original = LoadedGenerator.generate_texts

    def generate_texts(self: LoadedGenerator, texts: list[str], *, seed: int):
        calls.append(list(texts))
        return original(self, texts, seed=seed)

    monkeypatch.setattr(LoadedGenerator, "generate_texts", generate_texts)
    monkeypatch.setattr("examples.anime_faces.metrics._run.metrics_path", lambda run: tmp_path / "metrics.json")
    code, out, _ = run("evaluate", str(trained_texts_folder), "--device", "cpu", capsys=capsys)
    assert code == 0
    written = (tagged_folder / "texts.txt").read_text().splitlines()
    asked = calls[-1]  # those before measure how long drawing takes
    assert len(asked) == 29  # half of the 59 pictures with a text
    assert set(asked) <= set(written)
    assert "" not in asked
    assert "fid" in out


def test_the_report_tells_what_reads_the_texts(
    trained_texts_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copied = tmp_path / "run"
    shutil.copytree(trained_texts_folder, copied)
    assert run("report", str(copied), capsys=capsys)[0] == 0
    page = (copied / "report.html").read_text(encoding="utf-8")
    assert "boosted steps" in page
    assert "skip thoughts" not in page  # an option that was not given has no empty line
    assert "hashed n-grams, 2400 numbers each" in page
    example = json.loads((copied / "settings.json").read_text())["description"]["text"]["examples"][0]
    assert f"sample {as_argument(example)} --n 16" in html.unescape(page)
    assert "1 of them have no text that this recipe can use" in page


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["matching_wgan", "gan_cls"])
def test_all_commands_on_rendered_faces(
    recipe: str, faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    small = ("--width", "2", "--batch-size", "4", "--steps", "30", "--threads", "1", "--precision", "float32")
    few = ("--critic-steps", "1", "--boosted-steps", "1") if recipe == "matching_wgan" else ()
    code, said, _ = run(
        "train", "--recipe", recipe, "--data", str(faces_folder), "--out", str(out), *small, *few, capsys=capsys
    )
    assert code == 0
    assert "texts     hashed n-grams, 2400 numbers each" in said
    sheet = str(out / "samples.png")
    assert run("sample", *PROMPTS, "--run", str(out), "--n", "4", "--out", sheet, capsys=capsys)[0] == 0
    code, said, _ = run("evaluate", str(out), "--samples", "264", "--device", "cpu", capsys=capsys)
    assert code == 0
    assert "hair_accuracy" in said
    assert run("report", str(out), capsys=capsys)[0] == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "hashed n-grams, 2400 numbers each" in page
    assert "Losses of both networks" in page
    assert "mismatched" in page
    assert f"--recipe {recipe}" in page


def test_a_table_that_was_changed_is_noticed(
    tagged_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = sorted(set(Dataset.open(tagged_folder).texts()) - {""})
    vectors, table, names = torch.randn(len(texts), 5), tmp_path / "vectors.npy", tmp_path / "vectors.txt"
    gk.embedders.VectorTable(texts, vectors).save(table, names)
    folder, sheet = str(tmp_path / "run"), str(tmp_path / "sheet.png")
    train = ("train", "--recipe", "matching_wgan", "--data", str(tagged_folder), "--out", folder, "--width", "2")
    train += ("--batch-size", "4", "--boosted-steps", "1", "--text-vectors", str(table), "--precision", "float32")
    assert run(*train, "--steps", "2", capsys=capsys)[0] == 0
    sample = ("sample", texts[0], "--n", "1", "--run", folder, "--out", sheet)
    code, out, _ = run(*sample, capsys=capsys)
    assert code == 0
    assert "note" not in out
    names.write_text("\n".join([texts[1], texts[0], *texts[2:]]) + "\n", encoding="utf-8")
    code, out, _ = run(*sample, capsys=capsys)
    assert code == 0
    assert "note: the run was trained with the table vectors.npy (sha256 " in out
    code, _, err = run(*train, "--steps", "3", capsys=capsys)
    assert code == 2
    assert "description.text.encoder: was the table vectors.npy" in err
    assert run(*train[:-2], "--width", "0", capsys=capsys)[2] == "error: --width must be at least 1, but it is 0\n"
