"""Finds the guide of each public name: the section of the guides that explains it, read from the rendered pages."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Pages that mention most names in passing: a section of another page comes first.
OVERVIEWS = (
    "index.md",
    "quickstart.md",
    "glossary.md",
    "nouns.md",
    "cheat_sheet.md",
    "coming_from.md",
    "faq.md",
    "cite.md",
    "failures.md",
    "gallery.md",
    "notebook.md",
    "design.md",
    "different_numbers.md",
    "promises.md",
)
_LINK = re.compile(r"(?:^|/)api/(gankit\.\w+\.\w+)\.html")
_CHOSEN = re.compile(r"\s*guide of:\s*(.*?)\s*", flags=re.DOTALL)
_HEADINGS = ("h1", "h2", "h3")


@dataclass(slots=True, kw_only=True)
class Section:
    """A heading of a guide and what stands below it.

    Args:
        page: The guide's path, such as ``losses.md``.
        title: The heading's text, empty above the first one.
        anchor: The heading's anchor, empty for the top of the page.
        code: All code of the section, also within sentences.
        links: The public names that it links, with repetitions.
        chosen: The names, without their folders, that the writer assigned to it by a comment: ``<!-- guide of: Hinge -->``.
    """

    page: str
    title: str = ""
    anchor: str = ""
    code: str = ""
    links: list[str] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)

    def mentions(self, path: str) -> int:
        """Count how often the section names a public name: in code, or as the target of a link."""
        name = path.rpartition(".")[2]
        return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", self.code)) + self.links.count(path)


class _Reader(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.sections = [Section(page=page)]
        self._heading = False
        self._code = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in _HEADINGS:
            anchor = "" if tag == "h1" else attributes.get("id") or ""
            self.sections.append(Section(page=self.sections[0].page, anchor=anchor))
            self._heading = True
        self._heading = self._heading and "headerlink" not in (attributes.get("class") or "")
        self._code += tag == "code"
        if tag == "a" and (link := _LINK.search(attributes.get("href") or "")):
            self.sections[-1].links.append(link[1])

    def handle_endtag(self, tag: str) -> None:
        self._heading = self._heading and tag not in _HEADINGS
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        section = self.sections[-1]
        if self._heading:
            section.title += data
        if self._code:
            section.code += data
        elif section.code:
            section.code += " "

    def handle_comment(self, data: str) -> None:
        if chosen := _CHOSEN.fullmatch(data):
            self.sections[-1].chosen += re.split(r"\s*,\s*", chosen[1])


def read_sections(html: str, page: str) -> list[Section]:
    """Cut a rendered guide at its headings."""
    reader = _Reader(page)
    reader.feed(html)
    reader.close()
    return reader.sections


def wrong_choices(sections: Iterable[Section], paths: Iterable[str]) -> list[str]:
    """Return what is wrong with the comments by which writers assigned sections: names that do not exist or are not mentioned.

    Args:
        sections: All sections of the guides.
        paths: All public names.
    """
    known = {path.rpartition(".")[2]: path for path in paths}
    return [
        f"{section.page}, section {section.title.strip()!r}: the comment 'guide of: {name}' "
        + ("names nothing public" if name not in known else "is in a section that does not mention it")
        for section in sections
        for name in section.chosen
        if name not in known or not section.mentions(known[name])
    ]


def guides_of(path: str, sections: Iterable[Section], folder_guide: str, *, most: int = 3) -> list[Section]:
    """Return the sections that explain a public name, the best first, at most one of each page.

    First comes a section that a writer assigned to the name. Then those that name it: guides before overviews and before
    the pages of the examples; among these, the one that names it most often, where a section of the guide of the name's
    folder counts as if it named it twice more; then the first.

    Args:
        path: The name, such as ``gankit.losses.Hinge``.
        sections: All sections of the guides, in reading order.
        folder_guide: The page about the folder, such as ``losses.md``.
        most: The number of sections to return.
    """
    name = path.rpartition(".")[2]

    def order(section: Section) -> tuple[bool, bool, int]:
        passing = section.page in OVERVIEWS or "/" in section.page
        return name not in section.chosen, passing, -section.mentions(path) - 2 * (section.page == folder_guide)

    found = [section for section in sections if name in section.chosen or section.mentions(path)]
    return list(_one_per_page(sorted(found, key=order)))[:most]


def _one_per_page(sections: Sequence[Section]) -> Iterator[Section]:
    seen: set[str] = set()
    for section in sections:
        if section.page not in seen:
            seen.add(section.page)
            yield section
