"""Builds the API reference with Sphinx and reads its pages for the site."""

import html
import json
import posixpath
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

API = Path(__file__).resolve().parent / "api"
sys.path.insert(0, str(API))

from generate import GUIDES  # noqa: E402
from public_names import groups, public_folders  # noqa: E402

SOURCES = API / "generated"
BUILD = API / "_build"
PAGES_BUILDER = "json"

_INVENTORY_LINE = re.compile(r"(?P<name>.+?) (?P<role>\S+:\S+) (?P<priority>-?\d+) (?P<uri>\S*) (?P<shown>.*)")
_LINK = re.compile(r"\[(?P<shown>`[^`]+`|[^\[\]`]+)\](?:\n *)?\[(?P<name>gankit(?:\.\w+)*)?\]")
_LEFT_OVER = re.compile(r"\]\s*\[gankit\b[^\]]*\]")
_FENCE = re.compile(r"^ *(```|~~~)")
_CODE_BLOCK = re.compile(r"<pre>(?:<span></span>)?(.*?)</pre>", flags=re.DOTALL)
_NOT_SEARCHED = re.compile(r'(<h1|<a class="headerlink"|<span class="viewcode-link")')
_SECTION = re.compile(r'<section id="([^"]+)">\s*<h2>(.*?)<a class="headerlink"', flags=re.DOTALL)
_SIGNATURE_ID = re.compile(r'<dt class="sig sig-object py" id="([^"]+)"')


class DocumentationError(RuntimeError):
    """The documentation could not be built, or a page names something that is not in the API reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePage:
    """One page of the reference.

    Args:
        name: Its document name, such as ``gankit.losses.critic_loss``.
        title: Its heading.
        body: Its HTML, heading included.
    """

    name: str
    title: str
    body: str

    @property
    def is_name(self) -> bool:
        """Whether the page describes a public name, not a folder or a module's source."""
        return re.fullmatch(r"gankit\.\w+\.\w+", self.name) is not None

    @property
    def members(self) -> list[str]:
        """The anchors of the methods and attributes that the page describes."""
        return [anchor for anchor in _SIGNATURE_ID.findall(self.body) if anchor not in (self.name, self.title)]

    @property
    def contents(self) -> list[tuple[str, str]]:
        """The parts of the page with their anchors: its sections, or the methods and attributes of its class."""
        sections = [
            (html.unescape(re.sub(r"<[^>]+>", "", text)), anchor) for anchor, text in _SECTION.findall(self.body)
        ]
        return sections or [(anchor.rpartition(".")[2], anchor) for anchor in self.members]


def run_sphinx(builder: str) -> Path:
    """Run one Sphinx builder on the generated sources, strictly, and return its folder.

    The site's builder reads all sources again; the other builders use what it read.
    """
    out = BUILD / builder
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-W", "--keep-going", "-n", "-q"]
    command += ["-E"] if builder == PAGES_BUILDER else []
    command += ["-c", str(API), "-d", str(BUILD / "doctrees"), str(SOURCES), str(out)]
    if subprocess.run(command, check=False).returncode != 0:
        raise DocumentationError(f"Sphinx refused the API reference (builder {builder}); its messages are above")
    return out


def write_sources() -> None:
    """Write a source page for each folder and each public name of the package, and delete what was built before."""
    shutil.rmtree(BUILD, ignore_errors=True)
    if subprocess.run([sys.executable, str(API / "generate.py")], check=False).returncode != 0:
        raise DocumentationError("the pages of the API reference could not be generated; the messages are above")


def read_inventory(path: Path) -> dict[str, str]:
    """Read an ``objects.inv``: from the name of each Python object to its page and anchor."""
    packed = path.read_bytes().split(b"\n", 4)[4]
    found = {}
    for line in zlib.decompress(packed).decode("utf-8").splitlines():
        match = _INVENTORY_LINE.fullmatch(line)
        if match and match["role"].startswith("py:"):
            uri = match["uri"]
            found[match["name"]] = uri[:-1] + match["name"] if uri.endswith("$") else uri
    return found


def read_pages(folder: Path) -> list[ReferencePage]:
    """Read the pages that Sphinx wrote as JSON."""
    pages = []
    for file in sorted(folder.rglob("*.fjson")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        context = json.loads(file.read_text(encoding="utf-8"))
        if name == "py-modindex" or "body" not in context:
            continue
        title = html.unescape(re.sub(r"<[^>]+>", "", context["title"]))
        body = _CODE_BLOCK.sub(r"<pre><code>\1</code></pre>", context["body"])
        body = _NOT_SEARCHED.sub(r"\1 data-search-exclude", body)
        pages.append(ReferencePage(name=name, title=title, body=body))
    return pages


def folder_guide(path: str) -> str:
    """Return the guide's page about the folder of a public name."""
    return GUIDES[path.split(".")[1]][1].partition(".html")[0] + ".md"


def navigation() -> list[Any]:
    """Order the reference: its first page, then each folder with its groups of names, then roles and papers."""
    entries: list[Any] = ["api/index.md"]
    for folder in public_folders():
        names = [
            {group.title: [{public.name: f"api/{public.path}.md"} for public in group.names]}
            for group in groups(folder)
        ]
        entries.append({folder: [f"api/gankit.{folder}.md", *names]})
    return [*entries, {"Roles of tensors": "api/roles.md"}, {"Papers": "api/papers.md"}]


def resolve_links(markdown: str, source: str, inventory: dict[str, str]) -> str:
    """Resolve the links to names of the package on one page, outside its code blocks.

    Raises:
        DocumentationError: A name is not in the reference, or a link has a form that is not understood.
    """
    resolved: list[str] = []
    for start, text in _stretches(markdown):
        if _FENCE.match(text):
            resolved.append(text)
            continue
        linked = _LINK.sub(lambda match, start=start: _link(match, source, _line(start, match), inventory), text)
        if left := _LEFT_OVER.search(linked):
            raise DocumentationError(f"{source}, from line {start}: the link {left[0]!r} is not understood")
        resolved.append(linked)
    return "".join(resolved)


def _stretches(markdown: str) -> Iterator[tuple[int, str]]:
    """Cut a page into code blocks and the text between them, each with the number of its first line."""
    stretch, start, fenced = "", 1, False
    for number, line in enumerate(markdown.splitlines(), start=1):
        fence = bool(_FENCE.match(line))
        if fence and not fenced:
            yield start, stretch
            stretch, start = "", number
        stretch += line + "\n"
        if fence and fenced:
            yield start, stretch
            stretch, start = "", number + 1
        fenced = fenced != fence
    yield start, stretch


def _line(start: int, match: re.Match[str]) -> int:
    return start + match.string.count("\n", 0, match.start())


def _link(match: re.Match[str], source: str, number: int, inventory: dict[str, str]) -> str:
    shown = match["shown"]
    name = match["name"] or shown.strip("`")
    if not name.startswith("gankit"):
        return match[0]
    if name not in inventory:
        raise DocumentationError(f"{source}, line {number}: the API reference has no {name!r}")
    document, _, anchor = inventory[name].partition("#")
    target = posixpath.relpath(f"api/{document.removesuffix('.html')}.md", posixpath.dirname(source) or ".")
    # The page of a name starts with that name: going to its top shows the heading too.
    own_page = document == f"{name}.html"
    return f"[{shown}]({target})" if own_page else f"[{shown}]({target}#{anchor})"
