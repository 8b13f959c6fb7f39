"""Recipes from outside have an address, and every mistake in it is one line that says where it is."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from examples.anime_faces.recipes import find_options, find_recipe, own_name

TINY = (Path(__file__).parent / "own" / "tiny.py").read_text(encoding="utf-8")
Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Return what writes a module into the current folder, and returns its name."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])

    def written(source: str) -> str:
        (tmp_path / "outside_recipe.py").write_text(source, encoding="utf-8")
        return "outside_recipe"

    yield written
    for name in set(sys.modules) - before:
        if name.startswith("outside_recipe"):
            del sys.modules[name]


def test_an_address_names_a_recipe_in_a_module_of_the_current_folder(write: Write) -> None:
    module = write(f"{TINY}\nfrom dataclasses import replace\nOTHER = replace(RECIPE, description='Other.', steps=7)\n")
    assert find_recipe(f"{module}:OTHER").steps == 7
    assert find_recipe(f"{module}:OTHER").name == f"{module}:OTHER"
    assert find_recipe(f"{module}:RECIPE").description == "Small."
    assert find_options(f"{module}:OTHER") is find_options(f"{module}:RECIPE")


def test_a_module_alone_means_its_constant_recipe() -> None:
    assert own_name("mine.hinge") == own_name("mine.hinge:RECIPE") == "mine.hinge:RECIPE"


def test_other_names_in_the_module_are_listed(write: Write) -> None:
    module = write(f"{TINY}\nSMALL = RECIPE\n")
    with pytest.raises(
        ValueError, match=rf"{module}\.py must have a Recipe named BIG, but it has none; its recipes are RECIPE, SMALL$"
    ):
        find_recipe(f"{module}:BIG")
    with pytest.raises(
        ValueError, match=r"^networks of --recipe outside_recipe:networks must be a Recipe, but it is <func.*; its rec"
    ):
        find_recipe(f"{module}:networks")
    with pytest.raises(ValueError, match=r"must have a Recipe named RECIPE, but it has none$"):
        find_recipe("examples.anime_faces.recipes.acgan.options")


def test_a_module_without_options_is_refused(write: Write) -> None:
    module = write(TINY.replace("class Options", "class Settings").replace("Options", "Settings"))
    with pytest.raises(
        ValueError, match=rf"{module}\.py must have a dataclass Options beside its recipes, but it has none"
    ):
        find_options(f"{module}:RECIPE")
    module = write("Options = 3")
    sys.modules.pop(module)
    with pytest.raises(ValueError, match=rf"Options of --recipe {module}:RECIPE must be a dataclass, but it is 3"):
        find_options(f"{module}:RECIPE")


def test_a_missing_module_says_where_it_was_looked_for(write: Write, tmp_path: Path) -> None:
    del write
    for name in ("nowhere:RECIPE", "nowhere.at_all", "examples.nowhere:RECIPE"):
        with pytest.raises(
            ValueError, match=rf"--recipe {name} cannot be imported: No module .*{re.escape(str(tmp_path))}, and"
        ):
            find_recipe(name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "import gankit\nimport something_that_is_not_here",
            r"ModuleNotFoundError: No module .*something.*outside_recipe\.py, line 2\)",
        ),
        ("\n\ndef broken(:", r"SyntaxError: .*outside_recipe\.py, line 3\)"),
        ("import json\njson.loads('{')", r"JSONDecodeError: .*, line \d+\)"),
    ],
)
def test_a_module_that_fails_says_where(write: Write, source: str, message: str) -> None:
    with pytest.raises(ValueError, match=rf"--recipe outside_recipe:RECIPE cannot be imported: {message}"):
        find_recipe(f"{write(source)}:RECIPE")


@pytest.mark.parametrize(
    "name", ["mine.hinge:", ":RECIPE", "mine.hinge:two words", "mine-hinge:RECIPE", "a.b-c", "mine..hinge"]
)
def test_what_is_no_address_is_no_recipe(name: str) -> None:
    with pytest.raises(ValueError, match=r"--recipe must be one of default, .*, or package\.module:RECIPE of your own"):
        find_recipe(name)


def test_a_file_gets_its_address_as_a_hint() -> None:
    for name in ("mine/hinge.py", "./mine/hinge.py", "mine/hinge.py:RECIPE"):
        with pytest.raises(ValueError, match=r"did you mean mine\.hinge:RECIPE\?$"):
            find_options(name)
    with pytest.raises(ValueError, match=r"did you mean hinge:SMALL\?$"):
        find_options("hinge.py:SMALL")


def test_a_module_here_gets_its_address_as_a_hint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"'zebra'$"):
        find_options("zebra")
    (tmp_path / "zebra.py").write_text("")
    with pytest.raises(ValueError, match=r"did you mean zebra:RECIPE\?$"):
        find_options("zebra")


@pytest.mark.parametrize("field", ["conditioning", "networks", "system"])
def test_a_field_of_a_recipe_that_is_no_function_is_named(field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field} of a recipe must be a function, but it is \{{\}}") as found:
        replace(find_recipe("wgan_clip"), **{field: {}})
    assert ("write always(...)" in str(found.value)) == (field == "conditioning")


def test_addresses_are_read_without_importing_anything() -> None:
    program = (
        "import sys\nfrom examples.anime_faces.recipes import own_name\nown_name('antigravity:RECIPE')\n"
        "assert 'antigravity' not in sys.modules and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[3])
