import dataclasses

import pytest

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.recipes import OPTIONS, find_recipe
from examples.anime_faces.recipes._description import Description
from examples.anime_faces.recipes._hardware import Hardware


@pytest.mark.parametrize("name", OPTIONS)
def test_every_recipe_is_found_under_its_name(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert recipe.options is OPTIONS[name]
    assert recipe.description.endswith(".")


def test_unknown_recipes_are_named() -> None:
    with pytest.raises(ValueError, match=r"--recipe must be one of default, acgan, .*, gan_cls, but it is 'stylegan'"):
        find_recipe("stylegan")


@pytest.mark.parametrize("options", OPTIONS.values())
def test_options_are_plain_and_have_defaults(options: type) -> None:
    for value in dataclasses.asdict(options()).values():
        assert isinstance(value, int | float | bool | str)


def test_a_description_survives_json() -> None:
    attributes = (*FACE_ATTRIBUTES, Attribute("Frisur", ("länger", "kurz")))
    description = Description(size=48, kind="table", attributes=attributes, incomplete=(True, False, True))
    assert Description.from_dict(description.to_dict()) == description
    assert description.classes == (12, 11, 2)


@pytest.mark.parametrize(
    ("wrong", "message"), [({"precision": "half"}, "precision must be one of"), ({"threads": 0}, "threads")]
)
def test_hardware_is_checked(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Hardware(**wrong)  # pyright: ignore[reportArgumentType]
