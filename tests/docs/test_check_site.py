"""The checks of a built site: each fault is made on purpose, and found."""

from pathlib import Path

import pytest

from docs.check_site import check_site

PAGE = "<!doctype html><title>page</title><h2 id='there'>There</h2>{}"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "picture.svg").write_text("<svg/>")
    (tmp_path / "style.css").write_text("p { background: url(picture.svg) }")
    (tmp_path / "sub" / "other.html").write_text(PAGE.format("<a href='../index.html#there'>up</a>"))
    (tmp_path / "index.html").write_text(PAGE.format(""))
    return tmp_path


def write(site: Path, body: str) -> None:
    (site / "index.html").write_text(PAGE.format(body))


@pytest.mark.parametrize(
    "body",
    [
        "<a href='sub/other.html'>a</a>",
        "<a href='sub/other.html#there'>a</a>",
        "<a href='#there'>a</a>",
        "<a href='/sub/other.html'>a</a>",
        "<a href='https://example.org/page'>outside, on a click</a>",
        "<a href='mailto:someone@example.org'>mail</a>",
        "<img src='picture.svg' srcset='picture.svg 1x, picture.svg 2x'>",
        "<img src='data:image/png;base64,AAAA'>",
        "<link rel='stylesheet' href='style.css'>",
        "<link rel='canonical' href='https://example.org/'>",
        "<style>p { background: url('picture.svg') }</style>",
    ],
)
def test_sound_pages_pass(site: Path, body: str) -> None:
    write(site, body)
    assert check_site(site) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<a href='missing.html'>a</a>", "missing.html leads nowhere"),
        ("<a href='sub'>a folder without a first page</a>", "sub leads nowhere"),
        ("<a href='sub/other.html#nowhere'>a</a>", "names an anchor"),
        ("<a href='#nowhere'>a</a>", "names an anchor"),
        ("<a href='../outside.html'>a</a>", "out of the site"),
        ("<img src='missing.png'>", "missing.png leads nowhere"),
        ("<img srcset='picture.svg 1x, missing.png 2x'>", "missing.png leads nowhere"),
        ("<script src='https://example.org/a.js'></script>", "loads https://example.org/a.js"),
        ("<script src='//example.org/a.js'></script>", "loads //example.org/a.js"),
        ("<img src='https://example.org/a.png'>", "loads https://example.org/a.png"),
        ("<img srcset='https://example.org/a.png 2x'>", "loads https://example.org/a.png"),
        ("<iframe src='https://example.org/'></iframe>", "loads https://example.org/"),
        ("<link rel='stylesheet' href='https://example.org/a.css'>", "loads https://example.org/a.css"),
        ("<link rel='preconnect' href='https://example.org'>", "loads https://example.org"),
        ("<link rel='icon' href='https://example.org/i.png'>", "loads https://example.org/i.png"),
        ("<style>@import 'https://example.org/a.css';</style>", "loads https://example.org/a.css"),
        ("<style>@font-face { src: url(https://example.org/f.woff2) }</style>", "loads https://example.org/f.woff2"),
        ("<p style='background: url(//example.org/a.png)'>p</p>", "loads //example.org/a.png"),
        ("<pre class='mermaid'>graph</pre>", "diagram"),
        ("<base href='https://example.org/'>", "<base>"),
    ],
)
def test_faults_are_found(site: Path, body: str, fault: str) -> None:
    write(site, body)
    found = check_site(site)
    assert any(fault in line and line.startswith("index.html: ") for line in found), found


@pytest.mark.parametrize(
    ("css", "fault"),
    [
        ("@import url(https://example.org/a.css);", "loads https://example.org/a.css"),
        ("@font-face { src: url('https://example.org/f.woff2') }", "loads https://example.org/f.woff2"),
        ("p { background: url(missing.png) }", "missing.png leads nowhere"),
    ],
)
def test_stylesheets_are_read(site: Path, css: str, fault: str) -> None:
    (site / "style.css").write_text(css)
    found = check_site(site)
    assert len(found) == 1
    assert fault in found[0]
    assert found[0].startswith("style.css: ")


def test_an_empty_site_is_a_fault(tmp_path: Path) -> None:
    assert len(check_site(tmp_path)) == 1
