"""Filling the templates and writing the page."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from examples.anime_faces.files import check_writable, write_text
from examples.anime_faces.links import real_path
from examples.anime_faces.printing import visible
from examples.anime_faces.report._charts import FRAME, charts_of
from examples.anime_faces.report._evidence import Evidence, gather
from examples.anime_faces.report._facts import changes_in_short, commands_of, data_of, settings_of, tiles_of
from examples.anime_faces.report._figures import by_step_of, figures_of
from examples.anime_faces.report._gap import gap_in_words
from examples.anime_faces.report._guide import guide
from examples.anime_faces.report._pictures import (
    MOST_GRIDS,
    MOST_GRIDS_LIVE,
    Embedded,
    film_of,
    samples_of,
    strip_of,
)
from examples.anime_faces.report._status import Status
from examples.anime_faces.report._strip import write_strip
from examples.anime_faces.report._watched import watched_of
from examples.anime_faces.run import DIVERGED, RunFolder, cure_of, read_kept
from examples.anime_faces.systems import SIGNS

TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Path, recipe: str | None = None, prompts: Sequence[str] = ()) -> Path:
    """Write ``report.html`` and ``strip.png`` into a run's folder and return the path of the page.

    The page contains its pictures, its style and its script; it loads nothing and works from a ``file:`` address.

    Args:
        run: The run's folder.
        recipe: The run's recipe, if it is from outside and its description should be shown.
        prompts: What the strip shows over the steps. Default: the prompts of the sample grids.

    Raises:
        ValueError: The folder does not contain a run, or `recipe` is not that of the run, or a prompt cannot be shown.
        OSError: The page cannot be written.
    """
    evidence = gather(run, recipe)
    check_writable(evidence.folder.report)
    write_strip(evidence.folder, prompts, recipe=recipe)
    _write(evidence.folder, render_page(evidence))
    return evidence.folder.report


def write_page(folder: RunFolder, recipe: str | None, status: Status, faces: Sequence[Embedded]) -> None:
    """Write the page of work that continues: of the run as far as it is, or of its data set where there is no run yet.

    Args:
        folder: The folder, made if it is not there.
        recipe: The run's recipe, if it is from outside and its description should be shown.
        status: What is being done.
        faces: Pictures of the data set.

    Raises:
        ValueError: A file of the run is damaged, or `recipe` is not that of the run.
        OSError: The page cannot be written.
    """
    if folder.settings.exists():
        _write(folder, render_page(gather(folder.path, recipe), status))
    else:
        folder.path.mkdir(parents=True, exist_ok=True)
        _write(folder, fill("start.html", _name(folder), status=status, faces=faces, versions=""))


def _write(folder: RunFolder, page: str) -> None:
    write_text(folder.report, page)


def render_page(evidence: Evidence, status: Status | None = None) -> str:
    """Return the page as HTML.

    Args:
        evidence: What is known about the run.
        status: What is being done. None: nothing does.
    """
    return fill(
        "page.html",
        _name(evidence.folder),
        status=status,
        recipe={"name": evidence.settings.recipe, "description": evidence.recipe},
        versions=", ".join(f"{name} {version}" for name, version in evidence.settings.versions.items()),
        changes=changes_in_short(evidence.settings),
        unfinished=None if status else _unfinished(evidence),
        cure=cure_of(evidence.settings.recipe, evidence.settings.options) if _has_diverged(evidence) else "",
        samples=samples_of(evidence.folder.samples),
        strip=None if status else strip_of(evidence.folder.strip),
        table=samples_of(evidence.folder.table),
        changes_pictures=_changes_pictures(evidence),
        tiles=tiles_of(evidence),
        film=film_of(evidence.folder.grids, MOST_GRIDS_LIVE if status else MOST_GRIDS),
        frame=FRAME,
        charts=charts_of(evidence.log, evidence.losses),
        gap=gap_in_words(evidence.log),
        has_losses=evidence.losses is not None,
        figures=figures_of(evidence.metrics),
        measured_earlier=evidence.measured_earlier,
        saved=evidence.saved,
        by_step=by_step_of(read_kept(evidence.folder)),
        watched=watched_of(evidence.log),
        system=evidence.outline,
        signs=SIGNS,
        data=data_of(evidence),
        settings=settings_of(evidence),
        commands=commands_of(evidence),
    )


def _changes_pictures(evidence: Evidence) -> bool:
    sections = () if evidence.outline is None else evidence.outline.constants
    return any(tuple(fact) == ("input", "pictures") for section in sections for fact in section.facts)


def _has_diverged(evidence: Evidence) -> bool:
    return bool(evidence.log) and DIVERGED in evidence.log[-1].get("states", ())


def _unfinished(evidence: Evidence) -> str:
    step, steps = evidence.step, evidence.settings.steps
    if step >= steps:
        return ""
    if _has_diverged(evidence):
        return f"The training ended after step {step:,} of {steps:,}."
    return f"The training stopped after step {step:,} of {steps:,}. Repeat its command to continue."


def _name(folder: RunFolder) -> str:
    return real_path(folder.path).name


def fill(template: str, name: str, **content: Any) -> str:
    """Return a page: a template of the folder `templates`, filled, with style and script inside.

    Args:
        template: The file of the template.
        name: The heading of the page.
        content: What the template shows.
    """
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    template_here = _environment().get_template(template)
    return template_here.render(name=name, style=style, script=script, guide=guide, **content)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _shown(value: Any) -> Any:
    """Escape signs that a browser would obey, such as those that turn the direction of writing around."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
