"""Checks the built site: every internal link and anchor resolves, and nothing is loaded from another host.

Run it on a folder: ``python docs/check_site.py site``. It prints each fault, and the exit status is 1 if there is one.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# A browser loads nothing for these relations of `link`, and something for every other one.
_PASSIVE_RELATIONS = {"alternate", "author", "canonical", "help", "license", "next", "prev", "search"}
# With one of these on a page, scripts of the theme fetch from other hosts.
_FETCHING_MARKS = {
    "mermaid": "a diagram, whose script is fetched",
    "md-source": "a repository box, which asks its host",
}
_CSS_LOADS = re.compile(r"""@import\s+(?:url\()?\s*["']?([^"')\s;]+)|url\(\s*["']?([^"')]+)""")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


@dataclass(slots=True)
class Document:
    """The anchors of one page, the links on it, and the files that a browser loads for it."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.document = Document()
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        document = self.document
        document.anchors.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        self._in_style = tag == "style"
        if "href" in attributes:
            passive = tag != "link" or set(attributes.get("rel", "").split()) <= _PASSIVE_RELATIONS
            (document.links if passive else document.loads).append(attributes["href"])
        document.loads.extend(attributes[name] for name in ("src", "poster", "data") if attributes.get(name))
        document.loads.extend(part.split()[0] for part in attributes.get("srcset", "").split(",") if part.strip())
        document.loads.extend(css_loads(attributes.get("style", "")))
        for name in set(attributes.get("class", "").split()) & set(_FETCHING_MARKS):
            document.faults.append(f"holds {_FETCHING_MARKS[name]}")
        if tag == "base":
            document.faults.append("holds a <base>, which moves every link")

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.document.loads.extend(css_loads(data))

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"


def css_loads(text: str) -> Iterator[str]:
    """Yield what a stylesheet loads."""
    for match in _CSS_LOADS.finditer(text):
        yield match[1] or match[2]


def read_document(text: str) -> Document:
    """Read one HTML page."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.document


def is_outside(address: str) -> bool:
    """Whether an address names another host, or is of another scheme such as ``data:``."""
    return address.startswith("//") or bool(_SCHEME.match(address))


def check_site(site: Path) -> list[str]:
    """Return every fault of a built site, each as one line."""
    documents = {path: read_document(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    if not documents:
        return [f"{site}: no page was built"]
    faults = []
    for path, document in documents.items():
        found = list(document.faults)
        found += [f"loads {address} from another host" for address in document.loads if loaded_from_outside(address)]
        for address in [*document.links, *document.loads]:
            found += _check_target(address, path, site, documents)
        faults += [f"{path.relative_to(site)}: {fault}" for fault in dict.fromkeys(found)]
    for path in sorted(site.rglob("*.css")):
        for address in css_loads(path.read_text(encoding="utf-8")):
            found = _check_target(address, path, site, documents)
            if loaded_from_outside(address):
                found = [f"loads {address} from another host"]
            faults += [f"{path.relative_to(site)}: {fault}" for fault in found]
    return faults


def loaded_from_outside(address: str) -> bool:
    """Whether loading this address leaves the site."""
    return is_outside(address) and not address.startswith("data:")


def _check_target(address: str, path: Path, site: Path, documents: dict[Path, Document]) -> list[str]:
    if is_outside(address):
        return []
    parts = urlsplit(address)
    target = path
    if parts.path:
        start = site if parts.path.startswith("/") else path.parent
        target = (start / unquote(parts.path).lstrip("/")).resolve()
        if target.is_dir():
            target /= "index.html"
    if site != target and site not in target.parents:
        return [f"{address} leads out of the site"]
    if not target.is_file():
        return [f"{address} leads nowhere"]
    anchor = unquote(parts.fragment)
    if anchor and not anchor.startswith("__") and target in documents and anchor not in documents[target].anchors:
        return [f"{address} names an anchor that is not there"]
    return []


def main() -> int:
    """Check the folder that the command line names."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site").resolve()
    faults = check_site(site)
    for fault in faults:
        print(fault, file=sys.stderr)
    pages = sum(1 for _ in site.rglob("*.html"))
    print(f"{site.name}: {pages} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
