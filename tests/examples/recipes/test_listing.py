"""Recipes are found by listing folders, and those from outside by their module."""

import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.anime_faces import recipes
from examples.anime_faces.recipes import KINDS, find_options, find_recipe, recipe_names


def test_the_folders_are_the_recipes() -> None:
    folders = {path.name for path in Path(recipes.__file__).parent.iterdir() if (path / "recipe.py").exists()}
    assert (
        set(recipe_names())
        == folders
        >= {
            "default",
            "acgan",
            "retrofit",
            "tags_wgan_gp",
            "matching_wgan",
            "gan_cls",
            "df_gan",
            "dcgan",
            "wgan_clip",
            "gray_then_color",
            "stargan",
            "srresnet_acgan",
        }
    )
    assert recipe_names()[0] == "default"


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_found_under_its_name(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.name == name
    assert find_options(name).__name__ == "Options"
    assert recipe.description.endswith(".")


@pytest.mark.parametrize("spelled", ["GAN-CLS", "gan-cls", "gan cls", "Gan_Cls", " gan_cls "])
def test_a_recipe_is_found_by_other_spellings_of_its_name(spelled: str) -> None:
    assert find_options(spelled) is find_options("gan_cls")
    assert find_recipe(spelled).name == "gan_cls"


def test_unknown_recipes_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"--recipe must be one of default, acgan, .*, or package\.module of your own, but"
    ):
        find_recipe("stylegan")
    for name in ("../acgan", "_options", "__pycache__", "", "a.b-c"):
        with pytest.raises(ValueError, match="--recipe must be one of default, acgan"):
            find_options(name)


def test_a_recipe_from_outside_is_named_by_its_module() -> None:
    with pytest.raises(ValueError, match=r"--recipe nowhere\.at_all cannot be imported"):
        find_recipe("nowhere.at_all")
    with pytest.raises(ValueError, match="must be a module with Options and RECIPE"):
        find_recipe("examples.anime_faces.recipes.acgan.options")


def test_a_module_that_fails_by_itself_is_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package").mkdir()
    (tmp_path / "broken_package" / "__init__.py").write_text("")
    (tmp_path / "broken_package" / "recipe.py").write_text("import something_that_does_not_exist")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="something_that_does_not_exist"):
        find_recipe("broken_package.recipe")


@pytest.mark.parametrize("name", recipe_names())
def test_options_are_plain_and_have_defaults(name: str) -> None:
    for value in dataclasses.asdict(find_options(name)()).values():
        assert isinstance(value, int | float | bool | str)


def test_options_are_read_without_torch() -> None:
    program = (
        "import sys\nfrom examples.anime_faces.recipes import KINDS, find_options, recipe_names\n"
        "for name in recipe_names():\n    find_options(name)()\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(recipes.__file__).parents[3])


PAGES = Path(recipes.__file__).parents[3] / "docs" / "guides" / "faces" / "recipes"


def test_the_table_of_recipes_has_a_row_for_each() -> None:
    page = (PAGES / "index.md").read_text(encoding="utf-8")
    assert [name for name in recipe_names() if f"\n| [`{name}`]({name}.md) |" not in page] == []


@pytest.mark.parametrize("name", recipe_names())
def test_each_recipe_has_a_page(name: str) -> None:
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert re.match(rf"# {name}(: [^\n]+)?\n", page)
    assert "```bash\npython -m examples.anime_faces " in page


def test_the_page_on_own_recipes_holds_a_whole_recipe() -> None:
    page = (PAGES / "own_recipe.md").read_text(encoding="utf-8")
    tiny = (Path(__file__).parent / "own" / "tiny.py").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    code = ast.dump(ast.parse(tiny[tiny.index("from dataclasses") :]))
    assert code in [ast.dump(ast.parse(block)) for block in blocks]  # with shorter lines there


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("WGAN-GP", "tags_wgan_gp"),
        ("cwgan-gp", "tags_wgan_gp"),
        ("acgan2", "acgan"),
        ("dcgn", "dcgan"),
        ("text-to-image", "gan_cls or df_gan or matching_wgan"),
    ],
)
def test_other_names_of_a_kind_and_mistyped_ones_get_a_hint(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=rf"but it is {name!r}; did you mean {near}\?$"):
        find_recipe(name)


def test_what_is_like_no_recipe_gets_no_hint() -> None:
    with pytest.raises(ValueError, match=r"but it is 'xyz'$"):
        find_recipe("xyz")


def test_hints_are_recipes() -> None:
    assert {name for names in KINDS.values() for name in names} <= set(recipe_names())
