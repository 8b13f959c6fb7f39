"""The command lines of the README and the guides are understood by the commands that they name."""

import importlib.util
import re
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from torch.distributed.run import get_args_parser

from docs.project import read_project
from examples import training_script
from examples.anime_faces.__main__ import parse

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
ROOT = GUIDES.parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results"
LINE = re.compile(r"^\S*python -m examples\.anime_faces (.+)$", flags=re.MULTILINE)
BLOCK = re.compile(r"^```bash[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def command_lines() -> list[str]:
    pages = [page.read_text(encoding="utf-8") for page in [README, *sorted(GUIDES.rglob("*.md"))]]
    return [line for page in pages for block in BLOCK.findall(page) for line in LINE.findall(block)]


def test_there_are_commands_to_check() -> None:
    named = {line.split()[0] for line in command_lines()}
    assert named >= {"prepare", "train", "sample", "evaluate", "report", "digest"}


def shell_lines() -> list[tuple[Path, str]]:
    """The other lines, each with its page; a line that ends in a backslash goes on in the next."""
    found = []
    for page in [*sorted(ROOT.glob("*.md")), *sorted(GUIDES.rglob("*.md")), *sorted(RESULTS.glob("*.md"))]:
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            lines = re.sub(r"\\\n\s*", "", block).splitlines()
            found += [(page, line) for line in lines if line.strip() and not LINE.match(line)]
    return list({line: (page, line) for page, line in found}.values())


def check_make(page: Path, line: str) -> None:
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert shlex.split(line, comments=True)[1] in targets[0].split()


def check_install(page: Path, line: str) -> None:
    """Not run: it needs the network. The name and the extras are those of the project, or an extra of one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    packages = {re.split(r"[\[>=]", package)[0] for listed in extras.values() for package in listed}
    for word in shlex.split(line, comments=True)[2:]:
        if word.startswith("-") or "://" in word:
            continue
        name, _, asked = word.strip("]").partition("[")
        assert name in {project["name"], *packages} or name.startswith("torch")
        assert set(asked.split(",")) <= {"", *extras}


def check_clone(page: Path, line: str) -> None:
    """Not run: it needs the network."""
    project = read_project()
    assert line == f"git clone {project.repository} && cd {project.folder}"


def check_pytest(page: Path, line: str) -> None:
    """Not run: these are tests themselves. Their files are there."""
    words = shlex.split(line, comments=True)
    paths = [word for word in words if word.startswith(("tests", "src", "examples"))]
    assert paths
    assert all((ROOT / path.partition("::")[0]).exists() for path in paths)


def check_torchrun(page: Path, line: str) -> None:
    """Not run with the addresses of other machines; tests run the programs on two ranks."""
    parsed = get_args_parser().parse_args(shlex.split(line, comments=True)[1:])
    rest = " ".join(shlex.quote(word) for word in parsed.training_script_args)
    check_python(page, f"python {'-m ' if parsed.module else ''}{parsed.training_script} {rest}")


def check_python(page: Path, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    if words[0] == "-m" and words[1] == "examples.anime_faces":
        parse(words[2], words[3:])
    elif words[0] == "-m":
        assert importlib.util.find_spec(words[1]) is not None
    elif words[0] == "training_script.py":
        training_script.parse(words[1:])
    else:
        assert (
            (ROOT / words[0]).is_file()
            or f'title="{words[0]}"' in page.read_text(encoding="utf-8")
            or (words[0] in YOUR_FILES)
        )


YOUR_FILES = {"train.py"}
"""Scripts of the reader's own."""

KINDS: dict[str, Callable[[Path, str], None]] = {
    r"make ": check_make,
    r"(\S*python -m )?pip install ": check_install,
    r"git clone ": check_clone,
    r"([A-Z_]+=\S+ )?\S*python -m pytest ": check_pytest,
    r"torchrun ": check_torchrun,
    r"\S*python (?!-m (pytest|pip) )": check_python,
}


@pytest.fixture
def own_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe that the page on recipes writes, as the module `hinge_gan`."""
    page = (GUIDES / "faces" / "recipes" / "own_recipe.md").read_text(encoding="utf-8")
    (code,) = [
        block for block in re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) if "RECIPE =" in block
    ]
    (tmp_path / "hinge_gan.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "hinge_gan", raising=False)


@pytest.mark.usefixtures("own_recipe")
@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_the_command_is_understood(line: str) -> None:
    name, *arguments = shlex.split(line, comments=True)
    if "--help" in arguments:
        with pytest.raises(SystemExit, match=r"^0$"):
            parse(name, arguments)
        return
    assert type(parse(name, arguments)).__name__.lower().startswith(name)


@pytest.mark.parametrize(("page", "line"), shell_lines(), ids=lambda value: getattr(value, "name", value)[:60])
def test_a_line_of_a_shell_block_is_one_of_a_kind_that_is_checked(page: Path, line: str) -> None:
    kinds = [check for pattern, check in KINDS.items() if re.match(pattern, line)]
    assert len(kinds) == 1, (
        f"{page.name}: {line!r} is of {len(kinds)} kinds; add one to KINDS, with what can be checked"
    )
    kinds[0](page, line)


@pytest.mark.parametrize(
    "line",
    [
        "make no-such-target",
        "pip install gankit[no-such-extra]",
        "git clone https://example.org/gankit && cd gankit",
        "torchrun --no-such-option -m examples.anime_faces train",
        "torchrun --nproc-per-node 2 no_such_file.py",
        "python no_such_file.py --out runs/toy",
        "python -m examples.no_such_module",
        ".venv/bin/python -m pytest tests/no_such_folder",
        "python training_script.py --no-such-option",
    ],
)
def test_a_wrong_line_would_be_noticed(line: str) -> None:
    (check,) = [check for pattern, check in KINDS.items() if re.match(pattern, line)]
    with pytest.raises((AssertionError, SystemExit, KeyError)):
        check(README, line)


def test_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(SystemExit):
        parse("evaluate", ["--no-such-option"])
