"""What the guide says of all recipes of the faces holds for those that there are."""

import re
from pathlib import Path

import pytest

from examples.anime_faces.__main__ import main
from examples.anime_faces.data import Dataset, write_rendered
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.recipes import find_options, find_recipe, recipe_names

FACES = Path(__file__).resolve().parents[2] / "docs" / "guides" / "faces"


def test_the_error_of_an_unknown_recipe_is_the_one_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--recipe", "biggan", "--data", "x", "--out", "y"]) == 2
    assert capsys.readouterr().err.strip() in (FACES / "index.md").read_text(encoding="utf-8").splitlines()


def test_the_page_of_texts_says_of_each_recipe_what_it_reads(tmp_path: Path) -> None:
    write_rendered(tmp_path / "data", 24, 32, knobs=Knobs(glasses_rate=0.5), binary_labels=True, workers=0)
    dataset = Dataset.open(tmp_path / "data")
    expected: dict[str, set[str]] = {"no labels": set(), "classes": set(), "texts": set()}
    for name in recipe_names():
        description = find_recipe(name).conditioning(find_options(name)()).select(dataset).description
        kind = "texts" if description.text is not None else "classes" if description.reads_labels else "no labels"
        expected[kind].add(name)
    first = (FACES / "recipes" / "texts.md").read_text(encoding="utf-8").split("```")[0]
    said = {
        kind: set(re.findall(r"`(\w+)`", sentence))
        for sentence in re.split(r"[.:](?=\s)", first)
        for kind in expected
        if re.search(rf"\breads?\s+{kind}\b", sentence)
    }
    assert said == expected
