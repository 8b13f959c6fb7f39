"""The security floor: nothing that ships runs code from data, whatever name an unsafe function has where it is called."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHIPPED = [path for folder in ("src", "examples", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]

PACKAGES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "jsonpickle"),
    *("torchvision", "code", "codeop", "runpy", "pty", "torch.package", "torch.distributed.checkpoint"),
}
"""What nobody may import: it runs code from files, or from texts. torchvision does not import beside a torch for the CPU."""
CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "commands.getoutput", "subprocess.getoutput"),
    *("subprocess.getstatusoutput", "timeit.timeit", "timeit.repeat", "shutil.unpack_archive", "tempfile.mktemp"),
    *(
        "torch.hub.load",
        "torch.jit.load",
        "torch.export.load",
        "torch.utils.model_zoo.load_url",
        "torch.storage._load_from_bytes",
    ),
    *("torch.hub.load_state_dict_from_url", "torch.compiler.load_cache_artifacts", "torch.UntypedStorage.from_file"),
    *("torch.serialization.add_safe_globals", "torch.serialization.safe_globals", "numpy.testing.runstring"),
    *("pandas.read_pickle", "pandas.eval", "pandas.HDFStore", "logging.config.listen", "xml.sax.make_parser"),
}
"""What nobody may call, or pass on to be called."""
NEEDED = {
    "torch.load": ("weights_only", "True"),
    "torch.serialization.load": ("weights_only", "True"),
    "numpy.load": ("allow_pickle", "False"),
    "numpy.save": ("allow_pickle", "False"),
    "numpy.lib.format.read_array": ("allow_pickle", "False"),
    "numpy.lib.format.open_memmap": ("mode", "'r'"),
}
"""What must be called with an argument, by name."""
FORBIDDEN = {"shell": {"False"}, "allow_pickle": {"False"}, "weights_only": {"True"}, "pickle_module": set[str]()}
"""Arguments that may have these values alone, whatever is called."""
BUILTINS = {"eval", "exec", "compile", "__import__"}


def _names(tree: ast.AST) -> dict[str, str]:
    """Return what the names of a file stand for, as far as it imports or assigns them."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                names[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
            whole = _dotted(node.value, names)
            names |= {one.id: whole for one in node.targets if isinstance(one, ast.Name) and whole in (*CALLS, *NEEDED)}
    return names


def _dotted(node: ast.AST, names: Mapping[str, str]) -> str:
    """Return the whole name of a name or an attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id if node.id in BUILTINS else "").removeprefix("builtins.")
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, names)
        return f"{owner}.{node.attr}".removeprefix("builtins.") if owner else ""
    return ""


def _is_of(name: str, packages: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


def _faults(program: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the fault of everything in a program that may run code from data."""
    tree = ast.parse(program)
    names = _names(tree)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, f"imports {one.name}") for one in node.names if _is_of(one.name, PACKAGES))
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{one.name}" for one in node.names]
            yield from ((node.lineno, f"imports {one}") for one in whole if _is_of(one, PACKAGES))
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, fault) for fault in _faults_of_call(node, names))
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load) and id(node) not in called:
            name = _dotted(node, names)
            if name in CALLS or name in NEEDED:
                yield node.lineno, f"passes {name} on"


def _faults_of_call(call: ast.Call, names: Mapping[str, str]) -> Iterator[str]:
    name, method = _dotted(call.func, names), ast.unparse(call.func).rpartition(".")[2]
    keywords = {one.arg: ast.unparse(one.value) for one in call.keywords}
    if name in CALLS or _is_of(name, PACKAGES):
        yield f"calls {name}"
    if name in NEEDED and keywords.get(NEEDED[name][0]) != NEEDED[name][1]:
        yield f"calls {name} without {'='.join(NEEDED[name])}"
    yield from (
        f"gives {one}={value}" for one, value in keywords.items() if one in FORBIDDEN and value not in FORBIDDEN[one]
    )
    if method in ("extractall", "extract") and keywords.get("filter") != "'data'":
        yield "unpacks without filter='data'"
    if method in ("import_module", "getattr"):
        texts = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        yield from (f"reaches {text} by its name" for text in texts if _is_of(text, PACKAGES | BUILTINS))


def test_nothing_runs_code_from_data() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {fault}"
        for path in SHIPPED
        for line, fault in _faults(path.read_text(encoding="utf-8"))
    ]
    assert not found, "these may run code from data:\n  " + "\n  ".join(found)
    assert len(SHIPPED) > 300


@pytest.mark.parametrize(
    "program",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib as j",
        "from torch.distributed import checkpoint",
        "import torch.distributed.checkpoint as dcp",
        "import importlib\nimportlib.import_module('marshal')",
        "__import__('os')",
        "import torch\ntorch.load(path)",
        "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=safe)",
        "import torch as t\nt.load(path)",
        "from torch import load\nload(path)",
        "from torch import load as read\nread(path)",
        "import torch\nread = torch.load\nread(path)",
        "import torch\nfrom functools import partial\npartial(torch.load, weights_only=True)",
        "import torch\ntorch.load(path, weights_only=True, pickle_module=p)",
        "from torch import serialization\nserialization.load(path)",
        "from torch import jit\njit.load(path)",
        "import torch\ntorch.hub.load('a', 'b')",
        "import torch\ntorch.serialization.add_safe_globals([A])",
        "import numpy as np\nnp.load(path)",
        "import numpy\nnumpy.load(path, allow_pickle=True)",
        "from numpy import load\nload(path, allow_pickle=allowed)",
        "import numpy as np\nnp.lib.format.read_array(file)",
        "reader.read(path, allow_pickle=True)",
        "import yaml\nyaml.load(text)",
        "from yaml import safe_load",
        "import shelve\nshelve.open(path)",
        "eval(text)",
        "exec(text)",
        "import builtins\nbuiltins.eval(text)",
        "list(map(eval, texts))",
        "import builtins\ngetattr(builtins, 'exec')(text)",
        "compile(text, 'a', 'exec')",
        "import os\nos.system(text)",
        "from os import popen\npopen(text)",
        "import subprocess\nsubprocess.run(text, shell=True)",
        "import subprocess as s\ns.Popen(text, shell=wanted)",
        "archive.extractall(folder)",
        "import shutil\nshutil.unpack_archive(path)",
    ],
)
def test_the_rule_knows_what_is_unsafe(program: str) -> None:
    assert list(_faults(program))


@pytest.mark.parametrize(
    "program",
    [
        "import torch\ntorch.load(path, weights_only=True, map_location='cpu')",
        "import numpy as np\nnp.load(path, mmap_mode='r', allow_pickle=False)",
        "import json\njson.load(file)",
        "import re\nre.compile(text)",
        "import torch\ntorch.compile(network)",
        "network.eval()",
        "network.load(path)",
        "import subprocess\nsubprocess.run(['ls'], shell=False)",
        "import tarfile\ntarfile.open(path).extractall(folder, filter='data')",
        "import importlib\nimportlib.import_module('webdataset')",
        "import ast\nast.literal_eval(text)",
        "import pickletools\npickletools.genops(file)",
    ],
)
def test_the_rule_leaves_the_rest_alone(program: str) -> None:
    assert not list(_faults(program))
