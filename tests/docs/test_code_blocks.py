"""Each Python block of the site runs in a fresh process, or says what it needs and does not run without it."""

import doctest
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.code_blocks import (
    CONTINUES,
    NEEDS,
    blocks_of,
    in_a_fresh_process,
    made_names,
    needed_names,
    run_examples,
    run_page,
)
from support.page_context import FILES, SUPPLIED

from docs.api.public_names import public_folders, public_names

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
SOURCES += sorted((ROOT / "docs" / "guides").rglob("*.md")) + sorted((ROOT / "benchmarks" / "results").glob("*.md"))
PAGES = [page for page in SOURCES if blocks_of(page)]
FENCE = re.compile(
    r'^ *(?P<fence>(```|~~~) *\{? *\.?py[^\n]*?(title="(?P<title>[^"]*)")?[^\n"]*)\n(?P<code>.*?)^ *\2$',
    flags=re.DOTALL | re.MULTILINE,
)
INCLUDED = re.compile(r'--8<-- "([^"]+)"')
page_by_page = pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])


def docstrings() -> Iterator[tuple[str, str]]:
    """The docstrings with examples that the pages of the API show."""
    finder = doctest.DocTestFinder()
    for folder in public_folders():
        for public in public_names(folder):
            thing = public.load()
            if inspect.isclass(thing) or inspect.isfunction(thing):
                found = (test for test in finder.find(thing, public.path) if test.examples)
                yield from ((test.name, test.docstring or "") for test in found)


DOCSTRINGS = dict(docstrings())


@page_by_page
def test_a_block_says_what_it_needs(page: Path) -> None:
    above: set[str] = set()
    wrong = []
    for block in blocks_of(page):
        needed = needed_names(block.code) - block.yours
        if block.continues and not needed:
            wrong.append(f"line {block.line}: needs no name, so {CONTINUES!r} is not true")
        if missing := needed - above if block.continues else needed:
            wrong.append(
                f"line {block.line}: needs {sorted(missing)}; import them, or say {CONTINUES!r}, or '# yours: ...'"
            )
        if spare := block.yours - needed_names(block.code):
            wrong.append(f"line {block.line}: does not use {sorted(spare)}")
        above |= made_names(block.code) | block.yours
    assert not wrong


def test_an_excerpt_is_in_its_file_and_no_python_escapes() -> None:
    wrong = []
    for page in SOURCES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            title, line = match["title"] or "", text.count("\n", 0, match.start()) + 1
            included = INCLUDED.fullmatch(match["code"].strip())
            source = ROOT / "examples" / title.removeprefix("from ") if title.startswith("from ") else None
            if included:
                there = (ROOT / included[1]).name == title
            elif source is None:
                there = match["fence"].startswith("```python")
            else:
                there = " ".join(match["code"].split()) in " ".join(source.read_text(encoding="utf-8").split())
            if not there:
                wrong.append(f"{page.relative_to(ROOT)}, line {line}: no plain block, and not in the file {title!r}")
    assert not wrong


@pytest.mark.slow
@page_by_page
def test_a_block_runs_in_a_fresh_process(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = blocks_of(page)
    supplied = [(1, SUPPLIED[page.name])] if any(block.yours for block in blocks) else []
    (tmp_path / "empty").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    if any(block.title.startswith(NEEDS) for block in blocks):
        FILES[page.name]()
    faults = []
    for block in blocks:
        piece = (block.line, block.code)
        alone = in_a_fresh_process(tmp_path / "empty", run_page, [piece], str(page))
        where = f"line {block.line}, {block.title or 'without a title'}"
        if block.continues or block.yours:
            faults += [] if "NameError" in alone else [f"{where}: alone it must lack a name, got {alone!r}"]
        elif block.title.startswith(NEEDS):
            file = block.title.removeprefix(NEEDS).partition(" and ")[0]
            faults += [] if file in alone else [f"{where}: alone it must lack {file}, got {alone!r}"]
        elif alone:
            faults.append(f"{where}: {alone}")
    pieces = [(block.line, block.code) for block in blocks]
    together = in_a_fresh_process(tmp_path / "there", run_page, [*supplied, *pieces], str(page))
    assert not faults, "\n".join(faults)
    assert not together


def test_the_examples_of_a_docstring_need_no_name() -> None:
    parse = doctest.DocTestParser().get_examples
    needed = {name: needed_names("".join(it.source for it in parse(text))) for name, text in DOCSTRINGS.items()}
    assert len(needed) > 150
    assert not {name: names for name, names in needed.items() if names}


@pytest.mark.slow
@pytest.mark.parametrize("folder", public_folders())
def test_the_examples_of_a_docstring_run_in_a_fresh_process(folder: str, tmp_path: Path) -> None:
    said = {
        name: in_a_fresh_process(tmp_path, run_examples, docstring, name)
        for name, docstring in DOCSTRINGS.items()
        if name.startswith(f"gankit.{folder}.")
    }
    assert said
    assert not {name: text for name, text in said.items() if text}


def test_what_needs_context_is_found() -> None:
    assert needed_names("import a\nprint(a.b, [c for c in d])\n") == {"d"}
    assert needed_names("def f(x):\n    y = x\n    return y + z\n\n\nclass A:\n    b = f\n") == {"z"}
    assert made_names("import a.b as c\nfor d in (): pass\ndef e(f): g = 1\n") == {"c", "d", "e"}


@pytest.mark.slow
def test_a_fresh_process_knows_nothing_of_others_and_says_what_went_wrong(tmp_path: Path) -> None:
    assert not in_a_fresh_process(
        tmp_path, run_page, [(1, "import sys\nassert 'hypothesis' not in sys.modules\n")], "page"
    )
    assert "line 7, in <module>" in in_a_fresh_process(tmp_path, run_page, [(7, "missing\n")], "page")
    assert "exit status 3" in in_a_fresh_process(tmp_path, run_page, [(1, "import os\nos._exit(3)\n")], "page")
    assert "Expected" in in_a_fresh_process(tmp_path, run_examples, ">>> 1\n2\n", "name")
