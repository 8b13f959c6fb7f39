"""Which prompts a run has seen, and the table of both kinds."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from examples.anime_faces.__main__ import main
from examples.anime_faces.data import Dataset, write_rendered
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.report import write_report
from examples.anime_faces.run import load_generator, read_layout, seen, table_prompts, training_data


def test_a_text_is_seen_where_exactly_it_stands_beside_a_picture(
    trained_texts_folder: Path, tagged_folder: Path
) -> None:
    generator, dataset = load_generator(trained_texts_folder), Dataset.open(tagged_folder)
    texts = [text for text in dataset.texts() if text]
    words = texts[3]
    asked = [words, f"{words} more", words.split()[0], f"{words}:7", " ".join(reversed(words.split()))]
    assert seen(asked, generator, dataset) == [True, False, False, True, False]  # colons and digits are cleaned away
    with pytest.raises(ValueError, match="a prompt must have a word in it"):
        seen([words, "!"], generator, dataset)


def test_labels_are_seen_where_a_picture_has_all_of_them(trained_folder: Path, tmp_path: Path) -> None:
    generator = load_generator(trained_folder)
    write_rendered(tmp_path / "data", 60, 32, 0, Knobs(withheld_pairs=((8, 7),)), workers=0)
    dataset = Dataset.open(tmp_path / "data")
    assert seen(["blue hair green eyes", "blue hair", "green eyes"], generator, dataset) == [False, True, True]


def test_the_table_has_the_prompts_of_report_a_and_a_text_of_the_training(
    trained_texts_folder: Path, tagged_folder: Path
) -> None:
    generator, dataset = load_generator(trained_texts_folder), Dataset.open(tagged_folder)
    *colors, known = table_prompts(generator, dataset)
    assert colors == ["blue hair blue eyes", "blue hair green eyes", "blue hair red eyes", "green hair blue eyes"]
    assert known in dataset.texts()


def table_of(path: Path) -> list[tuple[str, str]]:
    with Image.open(path) as sheet:
        layout = read_layout(sheet)
    assert layout is not None
    return list(zip(layout.labels, layout.notes, strict=True))


def test_sample_marks_prompts_and_the_report_shows_them(
    trained_texts_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained_texts_folder, run)
    assert main(["report", str(run)]) == 0
    assert f"{run / 'table.png'}: 5 prompts, 8 pictures each, from step 5" in capsys.readouterr().out
    rows = table_of(run / "table.png")
    assert [note for _, note in rows] == ["not in training"] * 4 + ["in training"]
    page = (run / "report.html").read_text(encoding="utf-8")
    section = page.split('<h2 id="table">')[1].split("<h2")[0]
    assert section.count('<span class="pill open">not in training</span>') == 4
    assert section.count('<span class="pill good">in training</span>') == 1
    assert section.count("<img") == 40
    known = rows[-1][0]
    assert (
        main(["sample", "--table", known, "touhou", "--n", "3", "--run", str(run), "--out", str(tmp_path / "a.png")])
        == 0
    )
    assert table_of(tmp_path / "a.png") == [(known, "in training"), ("touhou", "not in training")]
    assert main(["sample", "--table", known, "--n", "2", "--run", str(run)]) == 0
    assert main(["report", str(run)]) == 0  # which leaves a table that is newer than the run
    assert [label for label, _ in table_of(run / "table.png")] == [known]


def test_sheets_without_marks_are_as_they_were(trained_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "samples.png"
    assert main(["sample", "blue hair", "--n", "2", "--run", str(trained_folder), "--out", str(out)]) == 0
    with Image.open(out) as sheet:
        layout = read_layout(sheet)
    assert layout is not None
    assert list(layout.notes) == []


def test_a_label_recipe_has_a_table_when_it_is_asked_for(trained_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained_folder, run)
    assert main(["report", str(run)]) == 0
    assert not (run / "table.png").exists()
    assert main(["sample", "--table", "--run", str(run), "--n", "2"]) == 0
    assert len(table_of(run / "table.png")) == 5
    page = write_report(run).read_text(encoding="utf-8")
    assert "Seen and unseen prompts" in page


def test_data_that_is_not_there_any_more_is_named(
    trained_texts_folder: Path, faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = load_generator(trained_texts_folder)
    moved = replace(generator, settings=replace(generator.settings, data=str(tmp_path / "gone")))
    with pytest.raises(ValueError, match="if the data of the run was moved, give its folder by --data"):
        training_data(moved)
    other = replace(generator, data=faces_folder)
    with pytest.raises(ValueError, match="faces is not the data set that the run was trained on"):
        training_data(other)
    run = tmp_path / "run"
    shutil.copytree(trained_texts_folder, run)
    assert main(["sample", "--table", "--run", str(run), "--data", str(faces_folder)]) == 2
    assert "is not the data set that the run was trained on" in capsys.readouterr().err


def test_a_recipe_without_prompts_has_no_table(trained_folder: Path, faces: Dataset) -> None:
    generator = load_generator(trained_folder)
    silent = replace(generator.settings.description, reads_labels=False)
    with pytest.raises(ValueError, match="--table compares prompts, but acgan draws without any"):
        table_prompts(replace(generator, settings=replace(generator.settings, description=silent)), faces)
