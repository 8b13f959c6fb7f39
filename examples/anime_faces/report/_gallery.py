"""The sections of pictures: the head of the page, samples over time, and the loss curves."""

from html import escape

from examples.anime_faces.report._charts import draw_charts
from examples.anime_faces.report._evidence import Evidence
from examples.anime_faces.report._figures import passed_of
from examples.anime_faces.report._pictures import embedded, grids_of, size_of

SECTIONS = (
    ("time", "Samples over time"),
    ("curves", "Curves"),
    ("figures", "Figures"),
    ("data", "Data"),
    ("settings", "Settings"),
    ("again", "Do it again"),
)


def head_section(evidence: Evidence) -> str:
    """Return the title, the main numbers, and the sheet of samples where there is one."""
    links = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in SECTIONS)
    name = evidence.folder.path.resolve().name
    return (
        f'<header><button class="theme" type="button">Dark / light</button><h1>{escape(name)}</h1>'
        f'<p class="lead">Recipe {escape(evidence.settings.recipe)}. {escape(evidence.recipe)}</p>'
        f"<nav>{links}</nav></header>"
    )


def summary_section(evidence: Evidence) -> str:
    """Return the tiles, and the sheet of samples where there is one."""
    tiles = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in _tiles(evidence)
    )
    path = evidence.folder.samples
    sheet = (
        f'<div class="sheet">{_image(evidence, "Samples, each row asked by its label")}</div>' if path.exists() else ""
    )
    return f'{sheet}<div class="tiles">{tiles}</div>'


def film_section(evidence: Evidence) -> str:
    """Return all sample grids with a slider; the last one shows first."""
    grids = grids_of(evidence.folder.grids)
    if not grids:
        return '<h2 id="time">Samples over time</h2><p class="soft">No grid was drawn yet.</p>'
    width, height = size_of(grids[-1][1])
    last = len(grids) - 1
    images = "".join(
        f'<img src="{embedded(path)}" data-step="{step}" alt="samples after step {step}" width="{width}" height="{height}"'
        f"{'' if index == last else ' hidden'}>"
        for index, (step, path) in enumerate(grids)
    )
    return (
        '<h2 id="time">Samples over time</h2><p>The same noise and the same words at each step: left the average of the '
        "weights of the generator, which draws all samples; right the generator as it was at that step.</p>"
        f'<div class="film"><div class="player"><button type="button">Play</button>'
        f'<input type="range" min="0" max="{last}" value="{last}" aria-label="step">'
        f'<output>step {grids[-1][0]}</output></div><div class="sheet">{images}</div></div>'
    )


def curves_section(evidence: Evidence) -> str:
    """Return the loss curves."""
    if not evidence.log:
        return '<h2 id="curves">Curves</h2><p class="soft">Nothing was logged yet.</p>'
    return (
        '<h2 id="curves">Curves</h2><p>Running averages over 100 steps. Losses of different recipes, or of the two '
        "networks, are not comparable; the gap between the scores of real and generated pictures is what to watch: it "
        f"shrinks as they become hard to tell apart.</p>{draw_charts(evidence.log)}"
    )


def _tiles(evidence: Evidence) -> list[tuple[str, str]]:
    settings = evidence.settings
    tiles = [("of " + f"{settings.steps:,} steps trained", f"{evidence.step:,}")]
    if evidence.log:
        last = evidence.log[-1]
        tiles.append(("of training", _duration(last["seconds"])))
        if last["seconds"] > 0:
            tiles.append(("pictures a second", f"{last['images'] / last['seconds']:,.0f}"))
    tiles.append(("pictures to learn from", f"{settings.pictures:,}"))
    passed = passed_of(evidence.metrics)
    if passed is not None and passed[1]:
        tiles.append((f"of {passed[1]} bounded figures pass", str(passed[0])))
    return tiles


def _image(evidence: Evidence, alternative: str) -> str:
    width, height = size_of(evidence.folder.samples)
    source = embedded(evidence.folder.samples, lossless=True)
    return f'<img src="{source}" alt="{escape(alternative)}" width="{width}" height="{height}">'


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
