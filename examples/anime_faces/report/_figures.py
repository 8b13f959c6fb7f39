"""The measured figures: each beside the same figure for real pictures, and whether it passes."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from examples.anime_faces.metrics import side_of_target
from examples.anime_faces.report._meanings import meaning_of
from examples.anime_faces.run import Records, best_of_each

Key = TypeVar("Key")
NEED_COVERAGE = ("precision", "density")
"""Figures that are high where a few kinds of pictures are drawn well and all others are missing."""


class Fact(NamedTuple):
    """A name and its value, both as the page shows them."""

    name: str
    value: str


class Mark(NamedTuple):
    """A value, and whether it is the best of its row."""

    value: str
    is_best: bool


class Row(NamedTuple):
    """One figure in a table.

    Args:
        name: Its name.
        about: What it is.
        beside: Another figure without which it means nothing; may be empty.
        value: The figure of the samples.
        interval: Where it is for very many samples, in 95 of 100 cases; may be empty.
        floor: The same figure of real pictures.
        bound: The target.
        verdict: "on target", "below target", "above target" or "undecided"; empty where it has no target.
        meaning: What a failure means for the pictures.
    """

    name: str
    about: str
    beside: str
    value: str
    interval: str
    floor: str
    bound: str
    verdict: str
    meaning: str


class Detail(NamedTuple):
    """One table behind the figures: its rows, or one text."""

    name: str
    rows: list[Fact] | str


class Figures(NamedTuple):
    """What the section of figures shows."""

    summary: str
    has_intervals: bool
    bounded: list[Row]
    others: list[Row]
    notes: list[str]
    details: list[Detail]
    circumstances: list[Fact]


def figures_of(metrics: Mapping[str, Any] | None) -> Figures | None:
    """Return what the section of figures shows. None: nothing was measured.

    Args:
        metrics: The contents of metrics.json.
    """
    if metrics is None:
        return None
    figures = metrics.get("figures", {})
    rows = [_row(name, figures) for name in _with_coverage_first(figures)]
    return Figures(
        summary=_summary(metrics, len(rows)),
        has_intervals=any(row.interval for row in rows),
        bounded=[row for row in rows if row.verdict],
        others=[row for row in rows if not row.verdict],
        notes=[str(note) for note in metrics.get("notes", ())],
        details=[_detail(name, table) for name, table in metrics.get("details", {}).items()],
        circumstances=_circumstances(metrics),
    )


class ByStep(NamedTuple):
    """Figures of several checkpoints: the steps, and for each figure its values, of which one may be marked as the best."""

    steps: list[str]
    rows: list[tuple[str, list[Mark], str]]


def by_step_of(records: Records[int]) -> ByStep | None:
    """Return the figures of kept checkpoints beside each other. None: fewer than two were measured.

    Args:
        records: The contents of metrics files by step.
    """
    if len(records) < 2:
        return None
    best = best_of_each(records)
    return ByStep([f"{step:,}" for step in records], marked_rows(records, best))


def marked_rows(records: Records[Key], best: Mapping[str, Key]) -> list[tuple[str, list[Mark], str]]:
    """Return each figure with its values, one a record, and its value for real pictures. Of equal values none is marked.

    Args:
        records: The contents of metrics files.
        best: The record that is the best, by figure.
    """
    names = list(dict.fromkeys(name for record in records.values() for name in record["figures"]))
    rows: list[tuple[str, list[Mark], str]] = []
    for name in names:
        there = {key: record["figures"][name] for key, record in records.items() if name in record["figures"]}
        texts = {key: _text(figure["value"]) for key, figure in there.items()}
        differ = len(set(texts.values())) > 1  # where all are equal, none is better
        marks = [Mark(texts.get(key, ""), is_best=differ and best.get(name) == key) for key in records]
        rows.append((name.replace("_", " "), marks, _text(next(iter(there.values())).get("floor"))))
    return rows


def passed_of(metrics: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """Return how many figures pass, and how many have bounds. None: nothing was measured."""
    if metrics is None:
        return None
    verdicts = [figure.get("passed") for figure in metrics.get("figures", {}).values()]
    verdicts = [verdict for verdict in verdicts if verdict is not None]
    return sum(verdicts), len(verdicts)


def _summary(metrics: Mapping[str, Any], figures: int) -> str:
    count = metrics.get("samples")
    passed = passed_of(metrics) or (0, 0)
    words = f"{passed[0]} of {passed[1]} figures with a target reach it" if passed[1] else f"{figures} figures"
    words = f"{words}, measured on {count:,} samples." if count else f"{words}."
    doubtful = sum(bool(figure.get("undecided")) for figure in metrics.get("figures", {}).values())
    if doubtful:
        words += f" {doubtful} of the verdicts could be different with other samples; more samples decide them."
    return words


def _with_coverage_first(figures: Mapping[str, Any]) -> list[str]:
    """Return the names in their order, but each coverage before the figures that mean nothing without it."""
    names = list(figures)
    for name in figures:
        coverage = _coverage_of(name)
        if coverage in names and names.index(coverage) > names.index(name):
            names.remove(coverage)
            names.insert(names.index(name), coverage)
    return names


def _coverage_of(name: str) -> str | None:
    """Return the name of the coverage in the same space. None: the figure says enough alone."""
    for one in NEED_COVERAGE:
        if name.endswith(one):
            return f"{name.removesuffix(one)}coverage"
    return None


def _row(name: str, figures: Mapping[str, Any]) -> Row:
    figure = figures[name]
    coverage = _coverage_of(name)
    beside = ""
    if coverage is not None:
        there = figures.get(coverage)
        beside = "coverage was not measured" if there is None else f"coverage {_text(there.get('value'))}"
    low, high, reason = figure.get("low"), figure.get("high"), figure.get("not_applied", "")
    verdict = side_of_target(figure)
    return Row(
        name=name.replace("_", " "),
        about=f"{figure.get('about', '')}{f'; no bound is applied: {reason}' if reason else ''}",
        beside=beside,
        value=_text(figure.get("value")),
        interval="" if low is None or high is None else f"{_text(low)} to {_text(high)}",
        floor=_text(figure.get("floor")),
        bound=_bound(figure.get("at_least"), figure.get("at_most")),
        verdict="undecided" if verdict and figure.get("undecided") else verdict,
        meaning=meaning_of(name, figure),
    )


def _bound(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{_text(low)} to {_text(high)}"
    if low is not None:
        return f"≥ {_text(low)}"
    return "" if high is None else f"≤ {_text(high)}"


def _detail(name: str, table: object) -> Detail:
    rows = (
        [Fact(str(key), _text(value)) for key, value in table.items()] if isinstance(table, Mapping) else _text(table)
    )
    return Detail(name.replace("_", " "), rows)


def _circumstances(metrics: Mapping[str, Any]) -> list[Fact]:
    """Return how the figures were measured: seeds, versions, revision."""
    facts: list[Fact] = []
    for name, value in metrics.items():
        if name in ("figures", "details", "notes") or isinstance(value, list):
            continue
        text = (
            ", ".join(f"{key} {_nested(entry)}" for key, entry in value.items())
            if isinstance(value, Mapping)
            else str(value)
        )
        facts.append(Fact(name.replace("_", " "), text))
    return facts


def _nested(entry: object) -> str:
    return f"({_text(entry)})" if isinstance(entry, Mapping) else str(entry)


def _text(value: object) -> str:
    """Return a number with three digits, and lists and tables as one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value)
    if isinstance(value, int | float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else str(value)
