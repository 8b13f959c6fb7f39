"""Recipes are found by listing folders, and those from outside by their module."""

import ast
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.anime_faces import recipes
from examples.anime_faces.recipes import KINDS, find_options, find_recipe, own_name, recipe_names


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


@pytest.mark.parametrize("spelled", ["GAN-CLS", "gan-cls", "gan cls", "Gan_Cls", " gan_cls ", "GANCLS"])
def test_a_recipe_is_found_by_other_spellings_of_its_name(spelled: str) -> None:
    assert find_options(spelled) is find_options("gan_cls")
    assert find_recipe(spelled).name == "gan_cls"


FOUND = {
    "dcgan": "dcgan", "DC-GAN": "dcgan", "acgan": "acgan", "AC-GAN": "acgan", "dfgan": "df_gan", "StarGAN": "stargan",
    "wgan-clip": "wgan_clip", "R3GAN": "r3gan", "ReACGAN": "reacgan", "gancls": "gan_cls",
}  # fmt: skip
HINTED = {
    "wgan": "wgan_clip or", "wgangp": "tags_wgan_gp?", "wgan_gp": "tags_wgan_gp?", "cgan": "default or acgan",
    "cdcgan": "dcgan?", "conditional-gan": "default or acgan", "biggan": "reacgan?", "sngan": "reacgan?", "sagan": "reacgan?",
    "stylegan2": "r3gan?", "pix2pix": "gray_then_color?", "CycleGAN": "stargan?", "StarGAN-v2": "stargan?", "lsgan": "dcgan?",
    "hinge": "reacgan or df_gan?", "SRGAN": "srresnet_acgan?", "DRAGAN": "srresnet_acgan?", "StackGAN": "gan_cls or df_gan?",
    "AttnGAN": "gan_cls or df_gan?", "infogan": "acgan?", "FastGAN": "default or", "gan": "r3gan or",
    "multi-label": "tags_wgan_gp or",
}  # fmt: skip


def test_names_that_people_type_find_a_recipe_or_a_hint() -> None:
    assert {name: own_name(name) for name in FOUND} == FOUND
    for name, hint in HINTED.items():
        with pytest.raises(ValueError, match=re.escape(f"but it is {name!r}; did you mean {hint}")):
            own_name(name)


def test_unknown_recipes_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"--recipe must be one of default, acgan, .*, or package\.module:RECIPE of your own, but"
    ):
        find_recipe("stylegan")
    for name in ("../acgan", "_options", "__pycache__", "", "a.b-c"):
        with pytest.raises(ValueError, match="--recipe must be one of default, acgan"):
            find_options(name)


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
