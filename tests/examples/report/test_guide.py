"""Links of the report lead to pages of the guide that exist."""

import re
import tomllib
from pathlib import Path

import pytest

from examples.anime_faces.report import _guide
from examples.anime_faces.report._guide import PROJECT, guide

ROOT = PROJECT.parent
TEMPLATES = Path(_guide.__file__).parent / "templates"


def test_the_address_is_the_one_of_the_project() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert guide("failures.md") == f"{urls['Documentation'].rstrip('/')}/failures.md"


def test_linked_pages_and_headings_exist() -> None:
    pages = [page for path in TEMPLATES.glob("*.html") for page in re.findall(r'guide\("([^"]+)"\)', path.read_text())]
    assert len(pages) > 3
    for page in pages:
        file, _, heading = page.partition("#")
        text = (ROOT / "docs" / "guides" / file).read_text(encoding="utf-8")
        titles = [title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)]
        assert not heading or heading in titles or f"{{#{heading}}}" in text, page


def test_without_the_file_of_the_project_the_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_guide, "PROJECT", tmp_path / "nothing.toml")
    _guide._guides.cache_clear()
    assert guide("failures.md") == "docs/guides/failures.md"
    _guide._guides.cache_clear()
