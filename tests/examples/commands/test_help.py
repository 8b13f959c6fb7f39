"""The help of every command, read as somebody who sees it for the first time, in a terminal of 80 columns."""

import ast
import itertools
import json
import re
import statistics
from pathlib import Path

import pytest

from examples.anime_faces import recipes
from examples.anime_faces.__main__ import exit_code_of
from examples.anime_faces.commands import COMMANDS
from examples.anime_faces.commands._help import readable
from examples.anime_faces.recipes import LENGTHS, find_recipe, recipe_names

ROOT = Path(recipes.__file__).parents[3]
EVERY = [*((name,) for name in COMMANDS), *(("train", "--recipe", name) for name in recipe_names())]


@pytest.fixture(params=EVERY, ids=" ".join)
def text(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The help of a command, or of `train` with a recipe."""
    monkeypatch.setenv("COLUMNS", "80")
    assert exit_code_of([*request.param, "--help"]) == 0
    return capsys.readouterr().out


def test_help_fits_80_columns_and_shows_no_markup(text: str) -> None:
    assert [line for line in text.splitlines() if len(line) > 80 and not line.startswith("    ")] == []
    for sign in ("`", "**", "{", "}", "None", "[[", "(default: )", "Optional", "Union", "tuple[", "Literal"):
        assert sign not in text, sign
    for flag, kind in re.findall(r"│ +(--[\w-]+) (\S+)", text):
        assert re.fullmatch(r"[A-Z][A-Za-z.:]*(\|[A-Z]+)*|[a-z][\w]*(\|[\w]+)*|\d+|[a-z\d]\w*", kind), (flag, kind)


def test_long_lines_are_wrapped_and_examples_keep_their_indent() -> None:
    assert readable("two words " * 3, 12) == "two words\ntwo words\ntwo words"
    assert readable("    --flag value more", 14) == "    --flag\n    value more"
    assert readable("│ --form {a,b}|INT  `x`  │", 10) == "│ --form a|b|INT    'x'  │"


def test_texts_of_options_are_one_line_each() -> None:
    """Tyro keeps the line breaks of longer ones in the middle of a sentence."""
    found = []
    folders = ("commands", "recipes")
    for path in (one for folder in folders for one in (ROOT / "examples" / "anime_faces" / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            body = node.body if isinstance(node, ast.ClassDef) else []
            for field, about in itertools.pairwise(body):
                if not (isinstance(field, ast.AnnAssign) and isinstance(about, ast.Expr)):
                    continue
                if isinstance(about.value, ast.Constant) and "\n" in str(about.value.value):
                    found.append(f"{path.name}: {ast.unparse(field.target)}")
    assert found == []


def test_lengths_of_runs_are_those_of_recipes_and_results() -> None:
    assert list(LENGTHS) == list(recipe_names())
    results = ROOT / "benchmarks" / "results" / "recipes"
    for name, length in LENGTHS.items():
        assert find_recipe(name).steps == length.steps, name
        record = json.loads((results / f"round-{name.replace('_', '-')}-0.json").read_text(encoding="utf-8"))
        assert (record["threads"], record["protocol"]["size"]) == (2, 32)
        seconds = statistics.median(record["figures"]["choices"]["float32"]["seconds"])
        assert length.seconds == pytest.approx(seconds, rel=0.005), name


def test_help_of_train_names_steps_and_times(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["train", "--help"]) == 0
    text = capsys.readouterr().out
    for name, length in LENGTHS.items():
        assert re.search(rf"^    {name} +{length.steps:,} +\d", text, re.MULTILINE), name
    assert "No GPU was measured" in " ".join(text.split())
    assert exit_code_of(["train", "--recipe", "dcgan", "--help"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"^    dcgan +20,000 ", text, re.MULTILINE)
    assert "    acgan  " not in text
