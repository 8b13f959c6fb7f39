"""The page on the five reports: every statement once, and whatever it names exists."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from examples.anime_faces.__main__ import parse
from examples.anime_faces.commands import COMMANDS, option_names
from examples.anime_faces.data import BINARY_ATTRIBUTES
from examples.anime_faces.recipes import find_options, recipe_names

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guides" / "faces" / "reports.md"
PROGRAM = ROOT / "examples" / "anime_faces"
STATEMENTS = {"A": 31, "B": 39, "C": 18, "D": 21, "E": 19}
"""Number of statements of each report; the 40th of report B is the division of work among its authors."""
TEXT = PAGE.read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")
PROGRAM_LINE = re.compile(r"^python -m examples\.anime_faces (.+)$", re.MULTILINE)
IN_RUNS = ("losses.png", "losses.csv", "log.jsonl", "metrics.json", "strip.png", "system.txt", "table.png")
"""Files that a run writes, which the page names beside files of the program."""


class Row(NamedTuple):
    """One statement of a report."""

    id: str
    statement: str
    status: str
    here: str
    last: str


class Experiment(NamedTuple):
    """One experiment: the commands of its arms, and the sentence on what decides."""

    name: str
    commands: tuple[str, ...]
    decides: str


def rows() -> list[Row]:
    found = re.findall(r"^\| ([A-E]\d+) \|(.*)\|$", TEXT, re.MULTILINE)
    return [Row(name, *(cell.strip() for cell in rest.split(" | "))) for name, rest in found]


def experiments() -> Iterator[Experiment]:
    _, *parts = re.split(r"^### ", TEXT, flags=re.MULTILINE)
    for part in parts:
        heading = re.match(r"(X-[A-E]\d).* \{ #(x-[a-e]\d) \}$", part, re.MULTILINE)
        assert heading is not None, part.splitlines()[0]
        assert heading[2] == heading[1].lower()
        (decides,) = re.findall(r"^\*\*Decides:\*\* (.+?)(?:\n\n|\Z)", part, re.DOTALL | re.MULTILINE)
        yield Experiment(heading[1], tuple(PROGRAM_LINE.findall(part)), decides)


ROWS, EXPERIMENTS = rows(), {one.name: one for one in experiments()}
WORKS, OPEN = ([row for row in ROWS if row.status == status] for status in ("works", "experiment"))


def test_every_statement_has_one_row_in_order() -> None:
    expected = [f"{report}{number}" for report, count in STATEMENTS.items() for number in range(1, count + 1)]
    assert [row.id for row in ROWS] == expected
    assert len(expected) == 128
    assert TEXT.count("\n| ") == 128 + len(STATEMENTS)  # the heads of the tables


def test_every_statement_works_or_is_an_experiment() -> None:
    assert {row.status for row in ROWS} == {"works", "experiment"}
    assert all(row.statement and row.here and row.last for row in ROWS)
    assert [row.id for row in WORKS if not re.search(r"`|\]\(", row.here)] == []


@cache
def functions_in(path: Path) -> frozenset[str]:
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def is_a_test(name: str) -> bool:
    """Whether a name such as ``tests/docs/test_reports.py::test_x``, perhaps with parameters in brackets, is that of a test."""
    path, _, test = name.partition("::")
    return test.startswith("test_") and test.partition("[")[0] in functions_in(ROOT / path)


@pytest.mark.parametrize("row", WORKS, ids=lambda row: row.id)
def test_what_works_names_tests_that_exist(row: Row) -> None:
    names = CODE.findall(row.last)
    assert names
    assert CODE.sub("", row.last).strip(" ,") == ""
    assert [name for name in names if not is_a_test(name)] == []


def flags_of(name: str) -> set[str]:
    """The flags of a recipe or of a command."""
    own = {one.name for one in fields(find_options(name))} if name in recipe_names() else set(option_names(name))
    return {f"--{option.replace('_', '-')}" for option in own}


def exists(code: str) -> bool:
    """Whether it is a file or a folder, a file of a run, or a recipe or command with options that it has."""
    if "/" in code:
        return (ROOT / code).exists() or (PROGRAM / code).exists()
    name, *options = code.split()
    if name in IN_RUNS:
        return not options
    return name in (*recipe_names(), *COMMANDS) and set(options) <= flags_of(name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_files_recipes_commands_and_options_exist(row: Row) -> None:
    assert [code for code in CODE.findall(row.here) if not exists(code)] == []


def test_open_statements_and_experiments_name_each_other() -> None:
    links = [re.findall(r"\[(X-[A-E]\d)\]\(#(x-[a-e]\d)\)", row.here) for row in OPEN]
    assert all(len(found) == 1 and found[0][0].lower() == found[0][1] for found in links)
    assert list(dict.fromkeys(sorted(found[0][0] for found in links))) == list(EXPERIMENTS)
    assert not any("X-" in row.here for row in WORKS)


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda one: one.name)
def test_the_arms_of_an_experiment_can_be_run(experiment: Experiment) -> None:
    assert experiment.commands
    trained: list[str] = []
    for line in experiment.commands:
        name, *arguments = shlex.split(line, comments=True)
        command = parse(name, arguments)
        if name == "train":
            trained.append(str(command.out))
    assert len(set(trained)) == len(trained) > 0
    for line in experiment.commands:
        for folder in re.findall(r"runs/\S+", line):
            assert folder in trained, "a run that no command of this experiment makes"


SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in PROGRAM.rglob("*.py"))


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda one: one.name)
def test_the_figures_that_decide_exist(experiment: Experiment) -> None:
    figures = [code for code in CODE.findall(experiment.decides) if not code.startswith("--")]
    assert figures
    assert [code for code in figures if not is_a_figure(code)] == []
    of_rows = {code for row in OPEN if f"[{experiment.name}]" in row.here for code in CODE.findall(row.last)}
    assert of_rows <= set(figures), "a figure of a row that the experiment does not name"


def is_a_figure(name: str) -> bool:
    """Whether `evaluate` or the log of a run has such a name, or it is a file of a run."""
    if name.removesuffix("_accuracy") in (attribute.name for attribute in BINARY_ATTRIBUTES):
        return name.endswith("_accuracy")
    group, _, of_group = name.partition("/")  # in the log, such as losses/critic
    return name in IN_RUNS or (f'"{group}/' in SOURCES if of_group else f'{name}"' in SOURCES)


def test_the_page_of_report_c_names_its_sources() -> None:
    page = (PAGE.parent / "recipes" / "tags_wgan_gp.md").read_text(encoding="utf-8")
    for source in ("wiseodd.github.io", "github.com/jiamings/wgan", "github.com/zhangqianhui/Conditional-Gans"):
        assert source in page


def test_what_does_not_exist_would_be_noticed() -> None:
    assert exists("acgan --embedding")
    assert exists("recipes/acgan/recipe.py")
    for code in ("acgan --no-such-option", "acgan --beta", "no_recipe", "recipes/nowhere.py", "losses.png --keep"):
        assert not exists(code)
    assert is_a_test("tests/docs/test_reports.py::test_what_does_not_exist_would_be_noticed[any]")
    assert not is_a_test("tests/docs/test_reports.py::test_nothing")
    assert not is_a_test("tests/docs/test_reports.py::is_a_test")
    assert not is_a_test("tests/nowhere.py::test_nothing")
    assert is_a_figure("ribbon_accuracy")
    assert not any(is_a_figure(name) for name in ("hair_precision", "hat_accuracy", "nothing/critic"))
