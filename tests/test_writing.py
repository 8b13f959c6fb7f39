"""State is written aside and renamed: no file of the project writes in place, but for a few with a reason."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "examples").rglob("*.py")])
ASIDE = {"written_whole", "replaced_atomically"}
"""What gives a temporary place, and renames it when all is written."""
MODE = re.compile(r"[rwxabt+]{1,4}")
SAVERS = {"save": 0, "savez": 0, "savez_compressed": 0, "savetxt": 0, "savefig": 0, "save_file": 1}
"""Functions that write, and which argument says where."""

ALLOWED = {
    ("src/gankit/_core/_files.py", "*"): "it is what writes aside and renames",
    ("src/gankit/training/_saving/_one_file.py", "_write"): "writes into a file that is renamed when it is whole",
    (
        "examples/anime_faces/files.py",
        "synchronize",
    ): "opens a file to write it through to the disk, and changes nothing",
    ("examples/anime_faces/run/_growing.py", "GrowingFile.open"): "appends whole lines, and repairs the last one",
    ("examples/anime_faces/run/_together.py", "_silent"): "the null device",
    ("examples/anime_faces/run/_beginning.py", "newest_checkpoint"): "a temporary folder of this process",
    (
        "examples/anime_faces/data/_writer.py",
        "*",
    ): "the staging folder of a data set, which is renamed when it is whole",
    (
        "examples/anime_faces/data/_shards.py",
        "*",
    ): "the staging folder of a data set, which is renamed when it is whole",
    (
        "examples/training_script.py",
        "*",
    ): "log and samples, before the checkpoint: a run that is stopped there makes them again",
}
"""Places that write in place, by file and function (``*``: all of the file), each with the reason."""


def _functions(tree: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield every function with its dotted name, and what stands outside of all."""
    yield name, tree
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _functions(node, f"{name}.{node.name}".lstrip("."))


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def _places_aside(function: ast.AST) -> set[str]:
    """Return the names of temporary places and of files in memory."""
    names: set[str] = set()
    for node in _own_nodes(function):
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if (
                    isinstance(call, ast.Call)
                    and ast.unparse(call.func).rpartition(".")[2] in ASIDE
                    and isinstance(item.optional_vars, ast.Name)
                ):
                    names.add(item.optional_vars.id)
        elif isinstance(node, ast.Assign) and "BytesIO(" in ast.unparse(node.value):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _written(call: ast.Call) -> str | None:
    """Return what a call writes to. None: it writes to no file."""
    name = ast.unparse(call.func)
    receiver, _, method = name.rpartition(".")
    first = ast.unparse(call.args[0]) if call.args else ""
    keywords = {one.arg: one.value for one in call.keywords}
    if method in ("write_text", "write_bytes") and receiver:
        return receiver
    if method == "open":
        is_method = bool(receiver) and not (receiver == "io" or (receiver.isidentifier() and receiver[0].isupper()))
        modes = [*call.args[0 if is_method else 1 :][:1], *(one for one in [keywords.get("mode")] if one is not None)]
        modes = [one.value for one in modes if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        writes = any(MODE.fullmatch(mode) and set(mode) & set("wxa+") for mode in modes)
        return (receiver if is_method else first) if writes else None
    if receiver in ("np", "numpy", "figure", "plt", "safetensors.torch") or name == "save_file":
        return ast.unparse(call.args[SAVERS[method]]) if method in SAVERS else None
    if name == "torch.save":
        return ast.unparse(call.args[1])
    if name in ("json.dump", "pickle.dump"):
        return ast.unparse(call.args[1])
    is_picture = {"format", "pnginfo"} & keywords.keys() or (len(call.args) > 1 and ast.unparse(call.args[1]).isupper())
    return first if method == "save" and is_picture else None


def _writers(path: Path, root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield the function and the call of everything that writes in place."""
    for name, function in _functions(ast.parse(path.read_text(encoding="utf-8"))):
        aside = _places_aside(function)
        for node in _own_nodes(function):
            if isinstance(node, ast.Call) and (target := _written(node)) is not None and target not in aside:
                yield name, f"{path.relative_to(root).as_posix()}:{node.lineno} writes to {target}"


def test_nothing_is_written_in_place() -> None:
    found: list[str] = []
    used: set[tuple[str, str]] = set()
    for path in SHIPPED:
        place = path.relative_to(ROOT).as_posix()
        for function, offense in _writers(path):
            folder = f"{place.rpartition('/')[0]}/"
            allowed = {(place, function), (place, "*"), (folder, "*")} & ALLOWED.keys()
            used |= allowed
            if not allowed:
                found.append(f"{offense} in {function}")
    assert not found, "write these aside and rename them (`written_whole`):\n" + "\n".join(found)
    assert used == ALLOWED.keys(), f"these do not write in place any more: {ALLOWED.keys() - used}"


@pytest.mark.parametrize(
    "program",
    [
        "path.write_text('x')",
        "(folder / 'a').write_bytes(b'')",
        "open(path, 'w')",
        "open(path, mode='ab')",
        "path.open('xb')",
        "Path(folder, name).open('w')",
        "io.open(path, 'r+')",
        "np.save(path, array)",
        "figure.savefig(path)",
        "save_file(tensors, path)",
        "torch.save(state, path)",
        "json.dump(state, file)",
        "Image.fromarray(a).save(path, format='PNG')",
        "image.save(path, 'PNG')",
        "with written_whole(path) as temporary:\n    other.write_text('x')",
    ],
)
def test_the_rule_knows_what_writes(program: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"def f():\n    {program.replace(chr(10), chr(10) + '    ')}\n", encoding="utf-8")
    assert len(list(_writers(tmp_path / "a.py", tmp_path))) == 1


@pytest.mark.parametrize(
    "program",
    [
        "open(path)",
        "path.open('rb')",
        "Image.open(path, formats=('PNG',))",
        "record.open(step)",
        "Dataset.open('w')",
        "with written_whole(path) as temporary:\n    temporary.write_text('x')",
        "with written_whole(path) as temporary:\n    image.save(temporary, format='PNG')",
        "buffer = io.BytesIO()\n    image.save(buffer, 'PNG')",
        "settings.save(path)",
    ],
)
def test_the_rule_leaves_the_rest_alone(program: str, tmp_path: Path) -> None:
    text = program if "buffer" in program else program.replace("\n", "\n    ")
    (tmp_path / "a.py").write_text(f"def f():\n    {text}\n", encoding="utf-8")
    assert not list(_writers(tmp_path / "a.py", tmp_path))
