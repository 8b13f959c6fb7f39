"""Which section of which guide explains a name."""

import pytest

from docs.guide_links import guides_of, read_sections, wrong_choices

LOSSES = """
<h1 id="top">Losses<a class="headerlink" href="#top">¶</a></h1>
<p>All of <a href="api/gankit.losses.Hinge.html"><code>Hinge</code></a> and friends.</p>
<h2 id="margins">Margins &amp; more<a class="headerlink" href="#margins">¶</a></h2>
<p>The <a href="../api/gankit.losses.Hinge.html#gankit.losses.Hinge.real">hinge</a>: <code>Hinge()</code>.</p>
<pre><code>loss = gk.losses.<span>critic_loss</span>(gk.losses.Hinge(), real, fake)</code></pre>
<h3 id="rest">The rest</h3>
<p>Hinge is a word here; <code>Hinges</code> is another name.</p>
"""
START = "<h1>Start</h1><pre><code>Hinge Hinge Hinge Hinge Hinge Round</code></pre>"
OTHER = "<h1>Other</h1><h2 id='o'>Other</h2><p><code>Hinge Hinge Hinge</code></p><!-- guide of: Round,\n Logistic -->"


def found(path: str) -> list[tuple[str, str, str]]:
    pages = {"index.md": START, "losses.md": LOSSES, "other.md": OTHER}
    sections = [section for page, html in pages.items() for section in read_sections(html, page)]
    return [(section.page, section.anchor, section.title) for section in guides_of(path, sections, "losses.md")]


def test_a_page_is_cut_at_its_headings() -> None:
    above, top, margins, rest = read_sections(LOSSES, "losses.md")
    assert (above.title, above.code) == ("", "")
    assert (top.title, top.anchor, top.links) == ("Losses", "", ["gankit.losses.Hinge"])
    assert (margins.title, margins.anchor) == ("Margins & more", "margins")
    assert margins.mentions("gankit.losses.Hinge") == 3
    assert margins.mentions("gankit.losses.critic_loss") == 1
    assert rest.mentions("gankit.losses.Hinge") == 0


def test_the_section_that_names_it_most_often_comes_first_and_overviews_last() -> None:
    assert found("gankit.losses.Hinge") == [
        ("losses.md", "margins", "Margins & more"),
        ("other.md", "o", "Other"),
        ("index.md", "", "Start"),
    ]


def test_a_writer_assigns_a_section() -> None:
    assert found("gankit.schedules.Round")[0] == ("other.md", "o", "Other")
    assert found("gankit.losses.Logistic") == [("other.md", "o", "Other")]


@pytest.mark.parametrize("path", ["gankit.losses.Unknown", "gankit.losses.friends"])
def test_a_name_that_no_guide_mentions_has_none(path: str) -> None:
    assert found(path) == []


def test_a_comment_must_name_something_public_that_its_section_mentions() -> None:
    sections = read_sections(
        "<h1>A</h1><h2 id='b'>B</h2><code>Hinge</code><!-- guide of: Hinge, Hing, Logistic -->", "a.md"
    )
    assert wrong_choices(sections, ["gankit.losses.Hinge", "gankit.losses.Logistic"]) == [
        "a.md, section 'B': the comment 'guide of: Hing' names nothing public",
        "a.md, section 'B': the comment 'guide of: Logistic' is in a section that does not mention it",
    ]
