"""Filling the templates and writing the page."""

from pathlib import Path

import jinja2

from examples.anime_faces.files import written_whole
from examples.anime_faces.report._charts import FRAME, charts_of
from examples.anime_faces.report._evidence import Evidence, film_of, gather, picture_of
from examples.anime_faces.report._facts import commands_of, data_of, settings_of, tiles_of
from examples.anime_faces.report._figures import figures_of

TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Path, recipe: str | None = None) -> Path:
    """Write ``report.html`` into a run's folder and return its path.

    The page contains its pictures, its style and its script; it loads nothing and works from a ``file:`` address.

    Args:
        run: The run's folder.
        recipe: The run's recipe, if it is from outside and its description should be shown.

    Raises:
        ValueError: The folder does not contain a run, or `recipe` is not that of the run.
        OSError: The page cannot be written.
    """
    evidence = gather(run, recipe)
    page = render_page(evidence)
    with written_whole(evidence.folder.report) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return evidence.folder.report


def render_page(evidence: Evidence) -> str:
    """Return the page as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    samples = evidence.folder.samples
    return environment.get_template("page.html").render(
        name=evidence.folder.path.resolve().name,
        recipe={"name": evidence.settings.recipe, "description": evidence.recipe},
        versions=", ".join(f"{name} {version}" for name, version in evidence.settings.versions.items()),
        style=(TEMPLATES / "style.css").read_text(encoding="utf-8"),
        script=(TEMPLATES / "script.js").read_text(encoding="utf-8"),
        sheet=picture_of(samples, lossless=True) if samples.exists() else None,
        tiles=tiles_of(evidence),
        film=film_of(evidence.folder.grids),
        frame=FRAME,
        charts=charts_of(evidence.log),
        figures=figures_of(evidence.metrics),
        data=data_of(evidence),
        settings=settings_of(evidence),
        commands=commands_of(evidence),
    )
