"""What the docstrings of public names must hold."""

import inspect
import re
from collections import defaultdict

import pytest

from docs.api.public_names import PublicName, public_folders, public_names
from docs.api.signatures import is_protocol

NAMES = [public for folder in public_folders() for public in public_names(folder)]
_SECTION = re.compile(r"^(?P<title>[A-Z]\w+):\n(?P<text>(?: .*\n|\n)+)", flags=re.MULTILINE)
_IDENTIFIER = re.compile(r"\barXiv:\d{4}\.\d{4,5}\b|\bdoi:10\.\d{4,9}/\w|https?://\w")
_CITED = re.compile(
    r"(?P<author>[A-Z][\w-]+)(?: et al\.|(?:, [A-Z]\w+)*,? and [A-Z]\w+)? (?P<year>\d{4}),"
    r' "(?P<title>[^"]+)",? \(?(?:[\w-]+, )?(?P<paper>arXiv:\d{4}\.\d{4,5}|doi:10\.[\w./]+\w|https?://[\w./~-]+\w)'
)


def sections(public: PublicName) -> dict[str, str]:
    """Return the sections of a docstring by their titles, each as one line."""
    text = inspect.getdoc(public.load()) or ""
    return {match["title"]: " ".join(match["text"].split()) for match in _SECTION.finditer(text + "\n")}


@pytest.mark.parametrize("public", NAMES, ids=lambda public: public.path)
def test_a_reference_gives_an_identifier_or_an_address(public: PublicName) -> None:
    reference = sections(public).get("Reference")
    assert reference is None or _IDENTIFIER.search(reference), (
        f"{public.path}: no arXiv:, doi: or https:// in {reference!r}"
    )


def test_an_identifier_has_one_author_and_year_and_a_title_one_identifier() -> None:
    authors, papers = defaultdict(set), defaultdict(set)
    for public in NAMES:
        for cited in _CITED.finditer(sections(public).get("Reference", "")):
            authors[cited["paper"]].add((cited["author"], cited["year"]))
            papers[cited["title"].lower()].add(cited["paper"])
    assert len(authors) > 50, "the form of a citation is not found any more"
    assert {paper: found for paper, found in authors.items() if len(found) > 1} == {}
    assert {title: found for title, found in papers.items() if len(found) > 1} == {}


@pytest.mark.parametrize("public", NAMES, ids=lambda public: public.path)
def test_a_public_name_has_an_example_and_explains_its_arguments(public: PublicName) -> None:
    thing = public.load()
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return  # an alias of a type
    found = sections(public)
    assert ">>> " in found.get("Example", ""), f"{public.path} has no example"
    called = vars(thing).get("__init__") if inspect.isclass(thing) else thing
    if called is None or is_protocol(thing):
        return
    arguments = [name for name in inspect.signature(called).parameters if name != "self"]
    unexplained = [name for name in arguments if not re.search(rf"(^| )\*?{name}: ", found.get("Args", ""))]
    assert not unexplained, f"{public.path} does not explain {unexplained}"
