"""The plan of the house, enforced: floors, private files, public imports only, the security floor."""

import ast
from collections.abc import Iterator
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
FORBIDDEN_FILES = {"utils.py", "helpers.py", "common.py", "misc.py"}
LONGEST_FILE = 250

LIBRARY = sorted(PACKAGE.rglob("*.py"))
USERS = sorted([*(ROOT / "examples").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
SHIPPED = [*LIBRARY, *USERS]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _imports(path: Path) -> Iterator[str]:
    """Every module or name that a file imports, as dotted text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)} imports relatively; imports are absolute here"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _folder_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "gankit" and len(parts) > 1 and parts[1] in FLOORS else None


def test_every_folder_has_a_floor() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= set(FLOORS), f"give these folders a floor: {sorted(folders - set(FLOORS))}"


@pytest.mark.parametrize("path", [p for p in LIBRARY if p.parent != PACKAGE], ids=_name)
def test_files_import_from_lower_floors_and_their_own_folder_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0]
    for module in _imports(path):
        folder = _folder_of(module)
        if folder is not None and folder != own:
            assert FLOORS[folder] < FLOORS[own], f"{_name(path)} on floor {FLOORS[own]} imports {module}"
            private = [part for part in module.split(".")[2:] if part.startswith("_")]
            assert not private, f"{_name(path)} reaches into a private file of another folder: {module}"


@pytest.mark.parametrize("path", LIBRARY, ids=_name)
def test_the_library_depends_on_torch_numpy_and_typing_extensions_only(path: Path) -> None:
    import sys

    allowed = {"gankit", "torch", "numpy", "typing_extensions", *sys.stdlib_module_names}
    assert {module.split(".")[0] for module in _imports(path)} <= allowed


@pytest.mark.parametrize("path", USERS, ids=_name)
def test_examples_and_benchmarks_use_public_names_only(path: Path) -> None:
    for module in _imports(path):
        if module.startswith("gankit"):
            assert not any(part.startswith("_") for part in module.split(".")), f"{_name(path)} imports {module}"


@pytest.mark.parametrize("path", LIBRARY, ids=_name)
def test_files_are_private_and_named_for_what_they_hold(path: Path) -> None:
    assert path.name == "__init__.py" or path.name.startswith("_")


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_no_file_is_a_drawer_or_too_long(path: Path) -> None:
    assert path.name not in FORBIDDEN_FILES
    assert len(path.read_text().splitlines()) <= LONGEST_FILE, f"{_name(path)}: one idea a file"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("[a-z]*/__init__.py")), ids=_name)
def test_a_folders_init_is_its_table_of_contents(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{_name(path)} says what its floor is for"
    for node in tree.body[1:]:
        assert isinstance(node, ast.ImportFrom), f"{_name(path)} holds more than re-exports"
        assert all(alias.asname == alias.name for alias in node.names), f"{_name(path)}: write X as X"


@pytest.mark.parametrize("path", SHIPPED, ids=_name)
def test_nothing_runs_code_from_data(path: Path) -> None:
    assert {"pickle", "yaml", "torchvision", "dill", "joblib"}.isdisjoint(m.split(".")[0] for m in _imports(path))
    for called, node in _calls(path):
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        if called.endswith("torch.load"):
            assert keywords.get("weights_only") == "True", (
                f"{_name(path)}:{node.lineno} loads without weights_only=True"
            )
        assert called not in {"eval", "exec", "os.system"}, f"{_name(path)}:{node.lineno} calls {called}"
        assert keywords.get("shell") != "True", f"{_name(path)}:{node.lineno} runs a shell"
        assert keywords.get("allow_pickle") != "True", f"{_name(path)}:{node.lineno} unpickles"


@pytest.mark.parametrize("path", LIBRARY, ids=_name)
def test_the_library_neither_prints_nor_waits_for_the_device(path: Path) -> None:
    for called, node in _calls(path):
        assert called != "print", f"{_name(path)}:{node.lineno} prints"
        last = called.rsplit(".", 1)[-1]
        assert last not in {"item", "cpu", "synchronize"}, f"{_name(path)}:{node.lineno} calls .{last}()"


def test_importing_gankit_changes_nothing_global() -> None:
    import subprocess
    import sys

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
