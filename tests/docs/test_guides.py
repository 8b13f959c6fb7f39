"""Every Python block of the guides runs, in order, page by page."""

import copy
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.code_blocks import blocks_of, run_page
from support.page_context import FILES, SUPPLIED

from docs.api.public_names import public_folders, public_names

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
README = GUIDES.parents[1] / "README.md"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
LINKED = re.compile(r"\[`(?=gankit)([\w.]+)`\]\[\]|\]\s?\[(?=gankit)([\w.]+)\]")
PAGES = sorted(page for page in GUIDES.rglob("*.md") if BLOCK.search(page.read_text(encoding="utf-8")))


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.usefixtures("in_an_empty_folder")
@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(GUIDES).as_posix() for page in PAGES])
def test_the_code_of_a_page_runs(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name in FILES:
        FILES[page.name]()
    module = types.ModuleType(f"guide_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    run_page([(block.line, block.code) for block in blocks_of(page)], str(page), module)


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(GUIDES).as_posix() for page in PAGES])
def test_no_line_of_code_is_cut_off_by_its_page(page: Path) -> None:
    wide = "hide: [toc]" in page.read_text(encoding="utf-8")
    too_long = [line for it in blocks_of(page) for line in it.code.splitlines() if len(line) > (116 if wide else 94)]
    assert not too_long, "a page of 1280 pixels shows no more; break the lines"


def test_every_public_name_is_linked_from_a_guide() -> None:
    # The page of other libraries' numbers compares names; it does not say when to use them.
    guides = [page.read_text(encoding="utf-8") for page in PAGES if page.name != "different_numbers.md"]
    linked = {match[1] or match[2] for text in guides for match in LINKED.finditer(text)}
    public = {name.path for folder in public_folders() for name in public_names(folder)}
    assert len(public) > 100
    assert not sorted(public - linked), "say on a page when to take it, with a link"


@pytest.mark.usefixtures("in_an_empty_folder")
def test_the_code_of_the_readme_runs() -> None:
    yours: dict[str, Any] = {}
    exec(SUPPLIED["README.md"], yours)
    before = copy.deepcopy({name: yours[name].state_dict() for name in ("critic", "generator")})
    module = types.ModuleType("readme")
    vars(module).update(yours)
    run_page([(block.line, block.code) for block in blocks_of(README)], str(README), module)
    for name, state in before.items():
        assert not torch.equal(state["0.weight"], yours[name].state_dict()["0.weight"])
    namespace = vars(module)
    assert isinstance(namespace["critic_cost"], torch.Tensor)


def test_the_readme_names_every_folder() -> None:
    rows = re.findall(r"^\| `gankit\.(\w+)` \|", README.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(rows) == sorted(public_folders())


def test_the_quickstart_keeps_its_promise_of_lines() -> None:
    text = (GUIDES / "quickstart.md").read_text(encoding="utf-8")
    section = text.partition("## WGAN-GP in 12 lines")[2]
    (block, *_) = BLOCK.findall(section)
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("import ")]
    assert len(lines) == 12
    shorter = text.partition("## Three lines in a loop you already have")[2]
    (block, *_) = BLOCK.findall(shorter)
    assert sum("gk." in line for line in block.splitlines()) == 3
