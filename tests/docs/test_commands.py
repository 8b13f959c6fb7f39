"""The command lines of the README and the guides are understood by the commands that they name."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from examples.anime_faces.__main__ import parse

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
README = GUIDES.parents[1] / "README.md"
LINE = re.compile(r"^\S*python -m examples\.anime_faces (.+)$", flags=re.MULTILINE)
BLOCK = re.compile(r"^```bash[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def command_lines() -> list[str]:
    pages = [page.read_text(encoding="utf-8") for page in [README, *sorted(GUIDES.rglob("*.md"))]]
    return [line for page in pages for block in BLOCK.findall(page) for line in LINE.findall(block)]


def test_there_are_commands_to_check() -> None:
    named = {line.split()[0] for line in command_lines()}
    assert named >= {"prepare", "train", "sample", "evaluate", "report", "digest"}


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


def test_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(SystemExit):
        parse("evaluate", ["--no-such-option"])
