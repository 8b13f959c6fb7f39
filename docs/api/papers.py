"""The papers that docstrings cite, with the names that come from each: read from the sections called Reference."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_ADDRESS = r"(?P<paper>arXiv:\d{4}\.\d{4,5}|doi:10\.[\w./]+\w|https?://[\w./~-]+\w)"
_FULL = re.compile(
    r"(?P<by>(?:de )?[A-Z][\w-]+(?:, [A-Z][\w-]+)*(?: and [A-Z][\w-]+| et al\.)?) (?P<year>\d{4}),? \(?"
    r'"(?P<title>[^"]+)",? \(?(?:[\w-]+, )?' + _ADDRESS
)
_ANY = re.compile(_ADDRESS)
_SECTION = re.compile(r"^Reference:\n(?P<text>(?: .*\n|\n)+)", flags=re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Paper:
    """One cited paper.

    Args:
        address: ``arXiv:1704.00028``, ``doi:10.23915/distill.00003`` or an address of the web.
        by: The authors, such as ``Gulrajani et al.``.
        year: The year.
        title: The longest title by which it is cited.
        names: The public names that cite it, in their order.
    """

    address: str
    by: str = ""
    year: str = ""
    title: str = ""
    names: list[str] = field(default_factory=list)


def cited_papers(docstrings: Iterable[tuple[str, str]]) -> list[Paper]:
    """Return the papers that docstrings cite, by year and author.

    Args:
        docstrings: Public names with their docstrings.

    Raises:
        ValueError: A paper is nowhere cited in full: ``Author et al. 2017, "Title" (arXiv:1704.00028)``.
    """
    papers: dict[str, Paper] = {}
    for name, docstring in docstrings:
        section = _SECTION.search(docstring + "\n")
        text = " ".join(section["text"].split()) if section else ""
        for match in _ANY.finditer(text):
            paper = papers.setdefault(match["paper"], Paper(address=match["paper"]))
            if name not in paper.names:
                paper.names.append(name)
        for match in _FULL.finditer(text):
            paper = papers[match["paper"]]
            if len(match["title"]) > len(paper.title):
                paper.by, paper.year, paper.title = match["by"], match["year"], match["title"]
    if unnamed := [f"{paper.address} ({', '.join(paper.names)})" for paper in papers.values() if not paper.title]:
        raise ValueError(f"no docstring names author, year and title of {'; '.join(unnamed)}")
    return sorted(papers.values(), key=lambda paper: (paper.year, paper.by))
