"""The plan of the house, one test a rule: floors, private files, public imports, file sizes; see `test_unsafe_calls` too."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "gankit"

FLOORS = {
    "_core": 0,
    "losses": 1,
    "constraints": 1,
    "schedules": 1,
    "latents": 1,
    "augment": 1,
    "blocks": 2,
    "embedders": 2,
    "networks": 3,
    "training": 4,
}
ALLOWED_PACKAGES = {"gankit", "torch", "numpy", "typing_extensions", *sys.stdlib_module_names}
WAITING_METHODS = {"item", "cpu", "synchronize"}
FORBIDDEN_FILES = {"utils.py", "helpers.py", "common.py", "misc.py"}
LONGEST_FILE = 250
SHORTEST_FILE = 15

LIBRARY = sorted(PACKAGE.rglob("*.py"))
IN_FOLDERS = [path for path in LIBRARY if path.parent != PACKAGE]
FAMILIES = [path for path in IN_FOLDERS if path.name != "__init__.py"]
USERS = sorted([*(ROOT / "examples").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
SHIPPED = [*LIBRARY, *USERS]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_tree(path)))


def _name(path: Path, node: ast.stmt | ast.expr | None = None) -> str:
    return str(path.relative_to(ROOT)) + (f":{node.lineno}" if node else "")


def _imports(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, as dotted text."""
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    return ((ast.unparse(node.func), node) for node in _nodes(path) if isinstance(node, ast.Call))


def _docstring_lines(path: Path) -> set[int]:
    """The lines of a file that texts standing alone as statements fill."""
    return {
        line
        for node in _nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def _lines_of_code(path: Path) -> int:
    """Lines other than blank lines, comments and docstrings."""
    texts = _docstring_lines(path)
    lines = enumerate(path.read_text().splitlines(), start=1)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in texts for number, line in lines
    )


def _none(rule: str, offenders: Iterable[str]) -> None:
    """Fail, listing every offender, unless there are none."""
    found = sorted(set(offenders))
    if found:
        pytest.fail("\n  ".join([f"{rule}:", *found]), pytrace=False)


def test_every_folder_has_a_floor() -> None:
    folders = {path.relative_to(PACKAGE).parts[0] for path in IN_FOLDERS}
    _none("give these folders a floor", folders - set(FLOORS))


def test_files_import_from_lower_floors_and_their_own_folder_only() -> None:
    _none(
        "these imports go up, or across to another folder of the same floor",
        (
            f"{_name(path)} imports {module}"
            for path in IN_FOLDERS
            for own in [path.relative_to(PACKAGE).parts[0]]
            for module in _imports(path)
            for package, _, rest in [module.partition(".")]
            for folder in [rest.partition(".")[0]]
            if package == "gankit" and folder in FLOORS and folder != own and FLOORS[folder] >= FLOORS.get(own, -1)
        ),
    )


def test_private_files_and_sub_folders_are_used_in_the_folder_that_holds_them_only() -> None:
    def home(module: str) -> Path:
        parts = module.split(".")
        private = [index for index, part in enumerate(parts) if index > 1 and part.startswith("_")]
        return PACKAGE.joinpath(*parts[1 : private[0]]) if parts[0] == "gankit" and private else ROOT

    _none(
        "these imports reach into a private file of another folder",
        (f"{_name(path)} imports {m}" for path in IN_FOLDERS for m in _imports(path) if home(m) not in path.parents),
    )


def test_imports_are_absolute() -> None:
    _none(
        "these imports are relative",
        (
            _name(path, node)
            for path in SHIPPED
            for node in _nodes(path)
            if isinstance(node, ast.ImportFrom) and node.level
        ),
    )


def test_the_library_depends_on_torch_numpy_and_typing_extensions_only() -> None:
    _none(
        "these imports are of packages that gankit does not depend on",
        (
            f"{_name(path)} imports {m}"
            for path in LIBRARY
            for m in _imports(path)
            if m.split(".")[0] not in ALLOWED_PACKAGES
        ),
    )


def test_examples_and_benchmarks_use_public_names_only() -> None:
    _none(
        "these imports are of private names",
        (
            f"{_name(path)} imports {module}"
            for path in USERS
            for module in _imports(path)
            if module.split(".")[0] == "gankit" and any(part.startswith("_") for part in module.split("."))
        ),
    )


def test_files_are_private_and_named_for_what_they_hold() -> None:
    _none(
        "name these files `_private.py`, for what they hold",
        (
            _name(path)
            for path in SHIPPED
            if path.name in FORBIDDEN_FILES or (path in LIBRARY and not path.name.startswith("_"))
        ),
    )


def test_a_file_holds_one_family() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in SHIPPED}
    _none(
        f"longer than {LONGEST_FILE} lines", (f"{_name(p)}: {n} lines" for p, n in lengths.items() if n > LONGEST_FILE)
    )
    code = {path: _lines_of_code(path) for path in FAMILIES}
    _none(
        f"shorter than {SHORTEST_FILE} lines of code",
        (f"{_name(p)}: {n}" for p, n in code.items() if n < SHORTEST_FILE),
    )


def test_a_folders_init_is_its_table_of_contents() -> None:
    contents = [path for path in IN_FOLDERS if path.name == "__init__.py"]
    folders = {path.parent for path in IN_FOLDERS}
    _none(
        "these folders have no __init__.py", (_name(folder) for folder in folders - {path.parent for path in contents})
    )
    _none("say what these folders are for", (_name(path) for path in contents if not ast.get_docstring(_tree(path))))
    _none(
        "write re-exports only, as `X as X`",
        (
            _name(path, node)
            for path in contents
            for node in _tree(path).body[1:]
            if not (isinstance(node, ast.ImportFrom) and all(alias.asname == alias.name for alias in node.names))
        ),
    )


def test_every_file_of_the_library_has_a_test_file_of_its_name() -> None:
    tests = {
        (path.relative_to(ROOT / "tests").parts[0].lstrip("_"), path.stem) for path in (ROOT / "tests").rglob("*.py")
    }
    _none(
        "these files have no test file of their name",
        (
            f"{_name(path)}: tests/{folder}/.../{test}.py"
            for path in FAMILIES
            for folder in [path.relative_to(PACKAGE).parts[0].lstrip("_")]
            for test in ["test_" + path.stem.lstrip("_")]
            if (folder, test) not in tests
        ),
    )


def test_the_library_neither_prints_nor_waits_for_the_device() -> None:
    _none(
        "these calls print, or wait for the device",
        (
            f"{_name(path, call)} calls {called}"
            for path in LIBRARY
            for called, call in _calls(path)
            if called == "print" or called.rsplit(".", 1)[-1] in WAITING_METHODS
        ),
    )


def test_importing_gankit_changes_nothing_global() -> None:
    program = """
import random, sys, warnings
import numpy, torch

def state():
    return (
        torch.get_rng_state().tolist(), random.getstate(), str(numpy.random.get_state()), torch.get_default_dtype(),
        torch.get_num_threads(), list(warnings.filters), torch.is_grad_enabled(),
        torch.are_deterministic_algorithms_enabled(), torch.multiprocessing.get_start_method(allow_none=True),
    )

before = state()
import gankit
assert before == state(), "a global state changed"
assert not torch.cuda.is_initialized()
assert {"PIL", "matplotlib", "torchvision"}.isdisjoint(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
