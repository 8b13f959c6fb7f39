"""Every Python block of the guides runs, in order, page by page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)
PAGES = sorted(page for page in GUIDES.rglob("*.md") if BLOCK.search(page.read_text(encoding="utf-8")))


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match[1]


@pytest.fixture
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.usefixtures("in_an_empty_folder")
@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(GUIDES).as_posix() for page in PAGES])
def test_the_code_of_a_page_runs(page: Path) -> None:
    namespace: dict[str, object] = {"__name__": page.stem}
    for line, code in blocks(page):
        # Blank lines in front make the numbers in a traceback those of the page.
        exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)


def test_the_quickstart_keeps_its_promise_of_lines() -> None:
    text = (GUIDES / "quickstart.md").read_text(encoding="utf-8")
    section = text.partition("## WGAN-GP in 12 lines")[2]
    (block, *_) = BLOCK.findall(section)
    lines = [line for line in block.splitlines() if line.strip() and not line.startswith("import ")]
    assert len(lines) == 12
    shorter = text.partition("## Three lines in a loop you already have")[2]
    (block, *_) = BLOCK.findall(shorter)
    assert sum("gk." in line for line in block.splitlines()) == 3
