"""Putting the page together."""

import os
from html import escape
from pathlib import Path

from examples.anime_faces.report._evidence import Evidence, gather
from examples.anime_faces.report._facts import data_section, reproduction_section, settings_section
from examples.anime_faces.report._figures import figures_section
from examples.anime_faces.report._gallery import curves_section, film_section, head_section, summary_section

HERE = Path(__file__).parent


def write_report(run: Path) -> Path:
    """Write ``report.html`` into a run's folder and return its path.

    The page holds its pictures, its style and its script; it loads nothing and works from a ``file:`` address.

    Raises:
        ValueError: The folder holds no run.
        OSError: The page cannot be written.
    """
    evidence = gather(run)
    path = evidence.folder.report
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        temporary.write_text(_page(evidence), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _page(evidence: Evidence) -> str:
    title = escape(evidence.folder.path.resolve().name)
    style = (HERE / "style.css").read_text(encoding="utf-8")
    script = (HERE / "script.js").read_text(encoding="utf-8")
    sections = [
        summary_section(evidence),
        film_section(evidence),
        curves_section(evidence),
        figures_section(evidence.metrics),
        data_section(evidence),
        settings_section(evidence),
        reproduction_section(evidence),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in evidence.settings.versions.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>\n{style}</style></head><body>\n{head_section(evidence)}\n<main>\n"
        + "\n".join(sections)
        + f"\n</main>\n<footer>Made with {escape(versions)}.</footer>\n<script>\n{script}</script></body></html>\n"
    )
