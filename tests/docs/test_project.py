"""The address of the project is one line, and its copies follow it."""

import re
import shutil
from pathlib import Path

import pytest

import gankit
from docs.project import ROOT, files_with_addresses, main, move, read_project, wrong_addresses

OLD, NEW = read_project().repository, "https://example.org/team/kit"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for path in [*files_with_addresses(), ROOT / "src" / "gankit" / "_version.py"]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_copy_has_the_address_and_the_version_of_the_project() -> None:
    assert wrong_addresses() == []
    project = read_project()
    assert project.version == gankit.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, flags=re.MULTILINE)[1] == project.version  # pyright: ignore[reportOptionalSubscript]
    assert f'repository-code: "{project.repository}"' in citation
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"git clone {project.repository} && cd {project.folder}\n" in readme
    assert f"({project.urls['Issues']})" in readme


def test_a_move_changes_one_line_and_runs_one_command(copy: Path) -> None:
    change(copy / "pyproject.toml", f'Repository = "{OLD}"', f'Repository = "{NEW}/"')
    before = wrong_addresses(copy)
    assert {line.split(":")[0] for line in before} >= {"pyproject.toml", "CITATION.cff", "README.md"}
    assert move(copy) >= 3
    assert wrong_addresses(copy) == []
    project = read_project(copy)
    assert project.repository == NEW
    assert project.urls["Issues"] == f"{NEW}/issues"
    readme = (copy / "README.md").read_text(encoding="utf-8")
    assert OLD not in readme
    assert f"git clone {NEW} && cd kit\n" in readme
    assert f'url: "{NEW}"' in (copy / "CITATION.cff").read_text(encoding="utf-8")
    assert move(copy) == 0


@pytest.mark.parametrize(
    "wrong", ["https://github.com/someone-else/gankit", f"{OLD}-fork", "http://gankit.example.org/docs"]
)
def test_a_copy_that_differs_is_found(copy: Path, wrong: str) -> None:
    with (copy / "docs" / "guides" / "installation.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[here]({wrong})\n")
    assert wrong_addresses(copy) == [f"docs/guides/installation.md: {wrong} is not below {OLD}"]


def test_an_address_of_another_form_is_found(copy: Path) -> None:
    change(copy / "pyproject.toml", f'Issues = "{OLD}/issues"', f'Issues = "{OLD}/problems"')
    assert wrong_addresses(copy) == [f"pyproject.toml: Issues is {OLD}/problems, not {OLD}/issues"]


def test_the_command_changes_nothing_where_nothing_moved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capsys.readouterr().out == "0 files changed\n"


@pytest.mark.parametrize(
    "wrong", ["git@github.com:me/gankit.git", "http://github.com/me/gankit", "github.com/me/gankit", "https://", ""]
)
def test_what_is_no_https_address_is_refused_and_changes_nothing(copy: Path, wrong: str) -> None:
    change(copy / "pyproject.toml", f'Repository = "{OLD}"', f'Repository = "{wrong}"')
    before = (copy / "README.md").read_bytes()
    expected = f"pyproject.toml: Repository must be an https address, such as .+, but it is {re.escape(repr(wrong))}"
    with pytest.raises(ValueError, match=expected):
        move(copy)
    assert (copy / "README.md").read_bytes() == before


def test_the_command_says_what_is_wrong(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(copy / "pyproject.toml", f'Repository = "{OLD}"', 'Repository = "git@github.com:me/gankit.git"')
    assert main(copy) == 1
    assert capsys.readouterr().err.startswith("pyproject.toml: Repository must be an https address")
