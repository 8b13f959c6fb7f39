import json
from dataclasses import replace
from pathlib import Path

import pytest

from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.run import Settings, TrainRequest
from examples.anime_faces.run._planning import plan_run
from examples.anime_faces.run._settings import differences


def test_settings_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text in ("{}", "not json", '{"recipe": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not the settings of a run"):
            Settings.load(path)


def test_names_that_no_attribute_has_are_an_error_that_names_the_file(faces_folder: Path, tmp_path: Path) -> None:
    request = TrainRequest(
        recipe=find_recipe("acgan"), options=find_options("acgan")(), data=faces_folder, out=Path("x"), threads=1
    )
    dataset = Dataset.open(faces_folder)
    settings, _ = plan_run(request, dataset, request.recipe.conditioning(request.options).select(dataset))
    path = tmp_path / "settings.json"
    settings.save(path)
    plain = json.loads(path.read_text())
    plain["description"]["attributes"][0]["name"] = ""
    path.write_text(json.dumps(plain))
    with pytest.raises(
        ValueError, match=r"settings\.json is not the settings of a run: names of an attribute .+ got ''"
    ):
        Settings.load(path)


def test_attributes_that_differ_are_named_alone_and_only_for_the_same_recipe(faces_folder: Path) -> None:
    """Two whole lists of attributes were printed."""
    request = TrainRequest(
        recipe=find_recipe("acgan"), options=find_options("acgan")(), data=faces_folder, out=Path("x"), threads=1
    )
    dataset = Dataset.open(faces_folder)
    old, _ = plan_run(request, dataset, request.recipe.conditioning(request.options).select(dataset))
    hair, eyes = old.description.attributes
    fewer = replace(old.description, attributes=(replace(hair, classes=hair.classes[:-1]), eyes))
    assert differences(old, replace(old, description=fewer)) == [
        "  description.attributes.hair.classes: was with blonde, now without"
    ]
    assert differences(old, replace(old, description=fewer, recipe="dcgan")) == ["  recipe: was acgan, now dcgan"]
