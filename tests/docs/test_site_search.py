"""The words of the search: what is added to which page, and that a page that does not come first is noticed."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs import site_search
from docs.site_search import TABLE, Words, add_words, address, check_search, find_node, rank, read_words

GUIDES = TABLE.parent / "guides"
node = pytest.mark.skipif(find_node() is None, reason="Node.js is missing")


def entry(location: str, title: str = "title", text: str = "text") -> dict[str, Any]:
    return {"location": location, "title": title, "text": text}


def test_the_table_names_pages_that_are_there_and_each_word_once() -> None:
    words = read_words()
    assert {"ema", "discriminator", "mode collapse", "ddp", "resume", "nan", "conditional"} <= set(words.expected())
    guides = {place.partition("#")[0] for place in [*words.added, *words.found] if not place.startswith("api/")}
    assert [page for page in sorted(guides) if not (GUIDES / page).is_file()] == []


def test_a_word_at_two_pages_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "search.toml"
    table.write_text('[weights]\n[found]\n"a.md" = ["x"]\n[words]\n"b.md" = ["y", "x"]\n')
    with pytest.raises(ValueError, match="x stands at two pages"):
        read_words(table)
    tomllib.loads(table.read_text())


def test_words_go_to_their_page_or_section_alone_and_weights_to_all_of_a_page() -> None:
    words = Words(added={"a.md": ["one"], "a.md#part": ["two"], "b.md": ["three"]}, weights={"a.md": 0.5})
    entries = [entry("a.html"), entry("a.html#part"), entry("a.html#other")]
    assert add_words(entries, "a.md", words) == {"a.md", "a.md#part"}
    assert [it.get("tags") for it in entries] == [["one"], ["two"], None]
    assert [it.get("boost") for it in entries] == [0.5, 0.5, 0.5]


def test_the_weight_of_a_page_goes_before_that_of_its_folder() -> None:
    words = Words(added={}, weights={"api/": 0.5, "api/index.md": 2.0})
    assert [words.weight(page) for page in ("api/index.md", "api/a.md", "apiary.md")] == [2.0, 0.5, 1.0]
    assert address("a.md#b.md") == "a.html#b.md"


def test_faults_name_the_word_and_what_came_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hits = {
        "page": [{"page": "a.html", "section": "a.html#x"}],
        "section": [{"page": "a.html", "section": "a.html#x"}],
        "wrong": [{"page": "b.html", "section": "b.html"}, {"page": "a.html", "section": "a.html"}],
        "none": [],
    }
    monkeypatch.setattr(site_search, "rank", lambda *_: hits)
    words = Words(added={"a.md": ["page", "wrong", "none"], "a.md#x": ["section"]})
    assert check_search(tmp_path, words, "node") == [
        "search for 'wrong': a.html must come first, not b.html, a.html",
        "search for 'none': a.html must come first, not nothing",
    ]


@node
def test_the_ranking_is_that_of_the_program_of_the_site(tmp_path: Path) -> None:
    import material

    workers = tmp_path / "assets" / "javascripts" / "workers"
    workers.mkdir(parents=True)
    (theirs,) = Path(material.__file__).parent.glob("templates/assets/javascripts/workers/search.*.min.js")
    (workers / theirs.name).write_bytes(theirs.read_bytes())
    fields = {"title": {"boost": 1000.0}, "text": {"boost": 1.0}, "tags": {"boost": 5000.0}}
    config = {"lang": ["en"], "separator": r"[\s\-]+", "pipeline": ["stopWordFilter"], "fields": fields}
    docs = [entry("a.html", "Averages"), entry("a.html#b", "Other", "an ema of it"), entry("b.html", "Emanation")]
    docs[0]["tags"] = ["ema"]
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "search_index.json").write_text(json.dumps({"config": config, "docs": docs}))
    found = rank(tmp_path, ["ema", "nothing of it"], find_node() or "")
    assert [hit["page"] for hit in found["ema"]] == ["a.html", "b.html"]
    assert found["ema"][0]["section"] == "a.html"
    assert found["nothing of it"] == []


@node
def test_a_program_that_fails_is_reported(tmp_path: Path) -> None:
    workers = tmp_path / "assets" / "javascripts" / "workers"
    workers.mkdir(parents=True)
    (workers / "search.0.min.js").write_text("no program")
    with pytest.raises(RuntimeError, match="the search could not be run"):
        rank(tmp_path, ["ema"], find_node() or "")
