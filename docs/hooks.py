"""MkDocs hooks that put the API reference, which Sphinx builds, into the site.

A guide links to a public name by writing it in brackets and backticks, followed by empty brackets. The link is looked up in
Sphinx's inventory, so an unknown name stops the build. Back from each name's page, links lead to the sections that explain
it; a name that no guide mentions stops the build too.
"""

import re
from html import escape
from pathlib import Path
from typing import Any

from formulas import FormulaError, replace_formulas
from guide_links import Section, guides_of, read_sections, wrong_choices
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink, TableOfContents
from mkdocs.utils import get_relative_url
from notebook_page import as_page, load
from project import read_project
from reference_pages import (
    PAGES_BUILDER,
    DocumentationError,
    ReferencePage,
    folder_guide,
    navigation,
    read_inventory,
    read_pages,
    resolve_links,
    run_sphinx,
    write_sources,
)
from site_search import add_words, read_words

_ROOT = Path(__file__).resolve().parents[1]
_REPOSITORY_PAGES = {
    "changelog.md": _ROOT / "CHANGELOG.md",
    "contributing.md": _ROOT / "CONTRIBUTING.md",
    "benchmarks/toys.md": _ROOT / "benchmarks" / "results" / "toys.md",
    "benchmarks/step_throughput.md": _ROOT / "benchmarks" / "results" / "cpu.md",
    "benchmarks/recipes.md": _ROOT / "benchmarks" / "results" / "recipes.md",
    "benchmarks/overhead.md": _ROOT / "benchmarks" / "results" / "overhead.md",
    "benchmarks/cuda.md": _ROOT / "benchmarks" / "results" / "cuda.md",
    "benchmarks/faults.md": _ROOT / "benchmarks" / "results" / "faults.md",
    "benchmarks/fuzzing.md": _ROOT / "benchmarks" / "results" / "fuzzing.md",
    "benchmarks/mutants.md": _ROOT / "benchmarks" / "results" / "mutants.md",
}

_CONTEXT = re.compile(r'<span class="filename">(?=continues |needs |from )')

_words = read_words()
_found: set[str] = set()
_pages: dict[str, ReferencePage] = {}
_inventory: dict[str, str] = {}
_guides: dict[str, list[Section]] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Read version and addresses, build the reference before anything else, and list its pages in the navigation."""
    project = read_project()
    config.repo_url = project.repository
    config.extra["release"] = project.version
    config.copyright = (
        f'{config.site_name} {project.version} · <a href="{project.repository}">source code</a> · '
        f'<a href="{project.urls["Issues"]}">report a problem or ask</a> · MIT license'
    )
    try:
        write_sources()
        built = run_sphinx(PAGES_BUILDER)
    except DocumentationError as error:
        raise PluginError(str(error)) from error
    _pages.clear()
    _pages.update({f"api/{page.name}.md": page for page in read_pages(built)})
    _inventory.clear()
    _inventory.update(read_inventory(built / "objects.inv"))
    assert isinstance(config.nav, list)
    for entry in config.nav:
        if "API reference" in entry:
            entry["API reference"] = navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from outside the guides: those of the repository, and every page of the reference."""
    for path, source in _REPOSITORY_PAGES.items():
        files.append(File.generated(config, path, abs_src_path=str(source)))
    notebook = as_page(load())
    files.append(File.generated(config, "notebook.md", content=notebook.markdown))
    for path, picture in notebook.pictures.items():
        files.append(File.generated(config, path, content=picture))
    for path, page in _pages.items():
        hidden = page.name.startswith("_modules")
        front = (
            f"---\ntitle: {page.title!r}\n"
            + ("search: {exclude: true}\nhide: [navigation, toc]\n" if hidden else "")
            + "---\n"
        )
        inclusion = InclusionLevel.NOT_IN_NAV if hidden else InclusionLevel.UNDEFINED
        files.append(File.generated(config, path, content=f"{front}\n# {page.title}\n", inclusion=inclusion))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn public names in brackets into links to their pages, and paths of guides into links on the site."""
    del config, files
    if page.file.src_uri in _pages:
        return markdown
    if page.file.src_uri in _REPOSITORY_PAGES:
        # In the repository such a page links guides by their path there; on the site it is beside them.
        markdown = markdown.replace("](docs/guides/", "](")
    try:
        return resolve_links(markdown, page.file.src_uri, _inventory)
    except DocumentationError as error:
        raise PluginError(str(error)) from error


def on_post_build(config: MkDocsConfig) -> None:
    """Refuse words for a page or section that is not there."""
    del config
    if missing := sorted(set(_words.added) - _found):
        raise PluginError(f"search.toml has words for {', '.join(missing)}, which the site does not have")


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put Sphinx's text into the frame of the site, and draw the formulas of the other pages."""
    del config, files
    reference = _pages.get(page.file.src_uri)
    if reference is None:
        try:
            # What a block of code needs is a note, unlike the name of a file.
            html = replace_formulas(_CONTEXT.sub('<span class="filename context">', html), page.file.src_uri)
        except FormulaError as error:
            raise PluginError(str(error)) from error
        if page.file.src_uri not in _REPOSITORY_PAGES:
            _guides[page.file.src_uri] = read_sections(html, page.file.src_uri)
        return html
    page.toc = TableOfContents([AnchorLink(text, anchor, level=2) for text, anchor in reference.contents])
    return f'<div class="reference">{reference.body}</div>'


def on_page_context(context: dict[str, Any], page: Page, config: MkDocsConfig, nav: Navigation) -> dict[str, Any]:
    """Link the page of a public name back to its guides, now that all are rendered, and add words to the search."""
    search: Any = config.plugins["material/search"]
    own = [entry for entry in search.search_index.entries if entry["location"].partition("#")[0] == page.url]
    _found.update(add_words(own, page.file.src_uri, _words))
    reference = _pages.get(page.file.src_uri)
    if reference is None or not reference.is_name:
        return context
    pages = {other.file.src_uri: other for other in nav.pages}
    sections = [section for path in pages for section in _guides.get(path, [])]
    found = guides_of(reference.name, sections, folder_guide(reference.name))
    if not found:
        raise PluginError(f"no guide mentions {reference.name}: link it where it is explained")
    if wrong := wrong_choices(sections, (other.name for other in _pages.values() if other.is_name)):
        raise PluginError("\n".join(wrong))
    links = [_guide_link(section, pages[section.page], page) for section in found]
    line = f"Guide: {links[0]}" + (f'<span class="more">See also: {", ".join(links[1:])}</span>' if links[1:] else "")
    assert page.content is not None
    page.content = page.content.replace("</h1>", f'</h1>\n<p class="guide">{line}</p>', 1)
    return context


def _guide_link(section: Section, guide: Page, page: Page) -> str:
    """Return a link that names the guide and its section."""
    title = escape(str(guide.title))
    if section.anchor:
        title += f": {escape(section.title.strip())}"
    anchor = f"#{section.anchor}" if section.anchor else ""
    return f'<a href="{get_relative_url(guide.file.url, page.file.url)}{anchor}">{title}</a>'
