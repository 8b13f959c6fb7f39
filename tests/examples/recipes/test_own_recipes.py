"""Recipes from outside, one file each, work with the ordinary commands: a generator, a chain of two, one of pictures."""

import json
import math
import os
import re
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from PIL import Image

from examples.anime_faces.__main__ import main
from examples.anime_faces.data import write_rendered
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.run import load_any_checkpoint, load_generator
from examples.anime_faces.systems import Training

FOLDER = Path(__file__).parent
OWN = ["tiny", "chain", "picture_to_picture"]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def train(name: str, data: Path, out: Path) -> tuple[object, ...]:
    small = ("--steps", 5, "--threads", 1, "--precision", "float32", "--grid-every", 5, "--batch-size", 4)
    return ("train", "--recipe", f"own.{name}", "--data", data, "--out", out, *small)


def digest_of(said: str) -> str:
    return next(line for line in said.splitlines() if line.startswith("digest"))


def test_a_recipe_is_short() -> None:
    assert len((FOLDER / "own" / "tiny.py").read_text().splitlines()) <= 45


@pytest.mark.parametrize("name", OWN)
def test_all_commands_work(name: str, faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, whole = tmp_path / "run", tmp_path / "whole"
    code, said, _ = run(*train(name, faces_folder, whole), capsys=capsys)
    assert code == 0
    assert "batch_size 4" in said
    original = Training.play

    def stopping(self: Training, step: int, batches: Any) -> dict[str, torch.Tensor]:
        if step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(self, step, batches)

    with mock.patch.object(Training, "play", stopping):
        assert run(*train(name, faces_folder, out), capsys=capsys)[0] == 143
    assert load_any_checkpoint(out)["step"] == 3
    torch.manual_seed(99)
    code, resumed, _ = run(*train(name, faces_folder, out), capsys=capsys)
    assert code == 0
    assert digest_of(resumed) == digest_of(said)
    sheet = tmp_path / "sheet.png"
    usual = ("--run", out, "--recipe", f"own.{name}", "--n", 2, "--out", sheet)
    assert run("sample", "blue hair red eyes", "green hair", *usual, capsys=capsys)[0] == 0
    with Image.open(sheet) as drawn:
        assert drawn.size[1] > 2 * 32
    assert run("sample", *usual, capsys=capsys)[0] == 0
    assert run("report", out, capsys=capsys)[0] == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"--recipe own.{name}" in page
    assert (out / "grids" / "step-0000005.png").exists()
    averages = json.loads((out / "log.jsonl").read_text().splitlines()[-1])["averages"]
    assert averages
    assert all(math.isfinite(value) for value in averages.values())


def test_a_chain_averages_both_of_its_generators(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*train("chain", faces_folder, tmp_path / "run"), capsys=capsys)[0] == 0
    state = load_any_checkpoint(tmp_path / "run")
    assert list(state["averages"]) == ["gray", "color"]
    assert list(state["updates"]) == ["critic/gray", "critic/color", "generator/gray", "generator/color"]
    assert {"critic/gray/score", "generator/color/score", "scores/real"} <= state["recent"].keys()
    loaded = load_generator(tmp_path / "run", recipe="own.chain")
    assert list(loaded.drawer.networks) == ["gray", "color"]
    passed: list[Any] = []
    loaded.drawer.networks["gray"].register_forward_hook(lambda _module, _inputs, output: passed.append(output))
    loaded.drawer.networks["color"].register_forward_pre_hook(lambda _module, inputs: passed.append(inputs[0]))
    assert loaded.generate(torch.full((3, 2), -1), seed=0).shape == (3, 3, 32, 32)
    assert torch.equal(passed[0], passed[1])
    assert passed[0].shape == (3, 1, 32, 32)


def test_pictures_are_changed_and_not_drawn_from_noise(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*train("picture_to_picture", faces_folder, tmp_path / "run"), capsys=capsys)[0] == 0
    loaded = load_generator(tmp_path / "run", recipe="own.picture_to_picture")
    seen: list[torch.Tensor] = []
    loaded.drawer.networks["generator"].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    loaded.generate(torch.tensor([[1, 2], [3, 4]]), seed=1)
    assert seen[0].shape == (2, 3, 32, 32)
    assert float(seen[0].abs().max()) <= 1
    loaded.generate(torch.tensor([[1, 2], [3, 4]]), seed=1)
    assert torch.equal(seen[0], seen[1])
    refused: list[tuple[dict[str, Any], str]] = [
        ({"temperature": 0.7}, "--temperature"),
        ({"truncation": 2.0}, "--truncation"),
        ({"temperature": 0.7, "truncation": 2.0}, "--temperature and --truncation"),
    ]
    for options, flags in refused:
        with pytest.raises(ValueError, match=f"^{flags} is for recipes that draw from noise, but .* changes pictures"):
            load_generator(tmp_path / "run", recipe="own.picture_to_picture", **options)


def test_pictures_to_change_are_those_of_the_run_or_of_the_data_that_is_given(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    shutil.copytree(faces_folder, data)
    assert run(*train("picture_to_picture", data, tmp_path / "run"), capsys=capsys)[0] == 0
    usual = ("sample", "--run", tmp_path / "run", "--recipe", "own.picture_to_picture", "--n", 2)
    sheets = [tmp_path / "first.png", tmp_path / "second.png"]
    assert run(*usual, "--out", sheets[0], capsys=capsys)[0] == 0
    data.rename(tmp_path / "moved")
    code, _, err = run(*usual, capsys=capsys)
    assert code == 2
    assert "if the data of the run was moved, give its folder by --data" in err
    assert run(*usual, "--out", sheets[1], "--data", tmp_path / "moved", capsys=capsys)[0] == 0
    assert sheets[0].read_bytes() == sheets[1].read_bytes()
    write_rendered(data, 20, 40, workers=0)
    code, _, err = run(*usual, capsys=capsys)
    assert code == 2
    assert f"{data} is not the data set that the run was trained on any more" in err
    code, _, err = run(*usual, "--data", data, capsys=capsys)
    assert code == 2
    assert f"--data must have pictures of the run's size, 32, but {data} has 40" in err


MISTAKES = [
    (
        "batch_size: int = 8",
        "batch_size: int = 8\n    seed: int = 1",
        "must not have the names of options of train, but they",
    ),
    (
        "batch_size: int = 8",
        "batch_size: int = 8\n    place: Path = Path()",
        "but place of own_mistake.recipe:RECIPE is PosixPath",
    ),
    (
        "@dataclass(frozen=True, slots=True, kw_only=True)",
        "",
        "Options of --recipe own_mistake.recipe must be a dataclass",
    ),
    (
        "latents=LATENTS",
        "latents=LATENTS, drawing=('painter',)",
        r"must name networks among generator, critic, but it is",
    ),
    ("latents=LATENTS", "latents=LATENTS, drawing=('critic',)", "draw of a blueprint must be given"),
    ("RECIPE = Recipe(", "RECIPE = dict(", "RECIPE of --recipe own_mistake.recipe:RECIPE must be a Recipe, but it is"),
    ("steps=9", "steps=0", "steps of a recipe must be at least 1, but it is 0"),
    ("terms=critic_terms", "terms=critic_terms, turn=lambda step: 'lazy'", "turn of critic must name one of its terms"),
    (
        "return Blueprint(",
        "return dict(",
        "networks of a recipe must return a Blueprint, but it returned a value of type dict",
    ),
    (
        "return System(critic=critic_side,",
        "return print(critic_side) or dict(",
        "system of a recipe must return a System",
    ),
    (
        "def critic_terms(images, labels, fakes)",
        "def critic_terms(images, labels)",
        "critic: terms must take the 3 inputs that",
    ),
]


@pytest.mark.parametrize("change", MISTAKES)
def test_mistakes_of_an_author_are_one_line(
    change: tuple[str, str, str],
    faces_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, mistake, message = change
    source = (FOLDER / "own" / "tiny.py").read_text()
    assert text in source
    (tmp_path / "own_mistake").mkdir()
    (tmp_path / "own_mistake" / "recipe.py").write_text("from pathlib import Path\n" + source.replace(text, mistake))
    monkeypatch.syspath_prepend(str(tmp_path))
    usual = ("--data", faces_folder, "--out", tmp_path / "run", "--threads", 1, "--precision", "float32", "--steps", 1)
    code, _, err = run("train", "--recipe", "own_mistake.recipe", *usual, capsys=capsys)
    for name in ("own_mistake.recipe", "own_mistake"):
        sys.modules.pop(name, None)
    assert code == 2
    assert message in err
    assert err.strip().count("\n") == 0


PAGE = FOLDER.parents[2] / "docs" / "guides" / "faces" / "recipes" / "own_recipe.md"


def test_the_commands_of_the_page_work_with_its_recipes(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```python[^\n]*\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    first = next(index for index, block in enumerate(blocks) if "RECIPE =" in block)
    (tmp_path / "hinge_gan.py").write_text("\n".join(blocks[first:]), encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "faces").symlink_to(faces_folder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "hinge_gan", raising=False)  # another test may have imported one of that name
    commands = re.findall(r"^python -m examples.anime_faces (.* hinge_gan:RECIPE.*)$", page, re.MULTILINE)
    assert [command.split()[0] for command in commands] == ["recipes", "train", "sample", "evaluate"]
    small = {
        "recipes": ["--size", "32"],
        "train": ["--steps", "9", "--threads", "1", "--precision", "float32"],
        "evaluate": ["--samples", "264"],
    }
    for command in commands[:3]:
        name, *words = shlex.split(command)
        code, _, err = run(name, *words, *small.get(name, ()), capsys=capsys)
        assert code == 0, err
    settings = json.loads((tmp_path / "runs" / "mine" / "settings.json").read_text(encoding="utf-8"))
    assert settings["recipe"] == "hinge_gan:RECIPE"
    penalized = [word.replace(":RECIPE", ":PENALIZED").replace("runs/mine", "runs/p") for word in commands[1].split()]
    code, _, err = run(*penalized, *small["train"], capsys=capsys)
    sys.modules.pop("hinge_gan", None)
    assert code == 0, err
    recent = load_any_checkpoint(tmp_path / "runs" / "p")["recent"]
    assert recent["plan/weight"] == [0.0, pytest.approx(8 / 9)]
    assert [len(recent[name]) for name in ("critic/score", "critic/penalty", "losses/critic")] == [9, 2, 9]


def test_a_run_of_an_earlier_version_goes_on_and_is_read(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(*train("tiny", faces_folder, out), capsys=capsys)[0] == 0
    path = out / "settings.json"
    path.write_text(path.read_text().replace('"own.tiny:RECIPE"', '"own.tiny"'), encoding="utf-8")
    assert '"own.tiny"' in path.read_text()
    for recipe in ("own.tiny", "own.tiny:RECIPE"):
        again = [recipe if word == "own.tiny" else word for word in train("tiny", faces_folder, out)]
        assert run(*again, capsys=capsys)[0] == 0
        assert run("report", out, "--recipe", recipe, capsys=capsys)[0] == 0


def test_a_run_goes_on_with_its_recipe_only(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(*train("tiny", faces_folder, out), capsys=capsys)[0] == 0
    code, _, err = run("train", "--data", faces_folder, "--out", out, capsys=capsys)
    assert code == 2
    assert "recipe: was own.tiny:RECIPE, now default" in err
    code, _, err = run(*train("chain", faces_folder, out), capsys=capsys)
    assert code == 2
    assert "recipe: was own.tiny:RECIPE, now own.chain:RECIPE" in err
    code, _, err = run("transfer", "--run", out, "--images", faces_folder, capsys=capsys)
    assert code == 2
    assert f"--run must be a run of the recipe stargan or gray_then_color, but {out} was trained with own.tiny" in err


def test_a_checkpoint_alone_imports_nothing(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    assert run(*train("tiny", faces_folder, out), capsys=capsys)[0] == 0
    monkeypatch.setattr(
        "examples.anime_faces.recipes._outside.import_module", mock.Mock(side_effect=AssertionError("imported"))
    )
    for command in (("sample", "--run", out, "--out", tmp_path / "sheet.png"), ("evaluate", out)):
        code, _, err = run(*command, capsys=capsys)
        assert code == 2
        assert "give --recipe own.tiny:RECIPE to import it" in err
        code, _, err = run(*command, "--recipe", "own.chain", capsys=capsys)
        assert code == 2
        assert "--recipe must be that of the run, own.tiny:RECIPE, but it is own.chain" in err
    assert run("digest", out, capsys=capsys)[0] == 0
    shutil.copytree(out, tmp_path / "copy")
    code, said, err = run("compare", out, tmp_path / "copy", "--out", tmp_path / "compared", capsys=capsys)
    assert code == 0, err
    assert "which is imported only with --recipe own.tiny:RECIPE" in said
    assert run("report", out, capsys=capsys)[0] == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Recipe own.tiny:RECIPE. A recipe of your own." in page
    assert f"evaluate {out} --recipe own.tiny:RECIPE" in page
    code, _, err = run("report", out, "--recipe", "own.chain", capsys=capsys)
    assert code == 2
    assert "--recipe must be that of the run, own.tiny:RECIPE, but it is own.chain" in err


def test_a_report_shows_the_description_of_a_recipe_that_is_named(
    faces_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert run(*train("tiny", faces_folder, out), capsys=capsys)[0] == 0
    assert run("report", out, "--recipe", "own.tiny", capsys=capsys)[0] == 0
    assert "Recipe own.tiny:RECIPE. Small." in (out / "report.html").read_text(encoding="utf-8")


def test_help_shows_the_options_of_a_recipe_from_outside(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run("train", "--recipe", "own.tiny", "--help", capsys=capsys)
    assert code == 0
    assert "--batch-size" in said
    assert find_recipe("own.tiny").name == "own.tiny:RECIPE"
