"""The measured figures: each beside the same figure for real pictures, and whether it passes."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """A name and its value, both as the page shows them."""

    name: str
    value: str


class Row(NamedTuple):
    """One figure in a table; `passed` is None where it has no bound."""

    name: str
    about: str
    value: str
    floor: str
    bound: str
    passed: bool | None


class Detail(NamedTuple):
    """One table behind the figures: its rows, or one text."""

    name: str
    rows: list[Fact] | str


class Figures(NamedTuple):
    """What the section of figures shows."""

    summary: str
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
    rows = [_row(name, figure) for name, figure in metrics.get("figures", {}).items()]
    return Figures(
        summary=_summary(metrics, len(rows)),
        bounded=[row for row in rows if row.passed is not None],
        others=[row for row in rows if row.passed is None],
        notes=[str(note) for note in metrics.get("notes", ())],
        details=[_detail(name, table) for name, table in metrics.get("details", {}).items()],
        circumstances=_circumstances(metrics),
    )


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
    words = f"{passed[0]} of {passed[1]} figures with a bound pass" if passed[1] else f"{figures} figures"
    return f"{words}, measured on {count} samples." if count else f"{words}."


def _row(name: str, figure: Mapping[str, Any]) -> Row:
    return Row(
        name=name.replace("_", " "),
        about=figure.get("about", ""),
        value=_text(figure.get("value")),
        floor=_text(figure.get("floor")),
        bound=_bound(figure.get("at_least"), figure.get("at_most")),
        passed=figure.get("passed"),
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
        text = ", ".join(f"{key} {entry}" for key, entry in value.items()) if isinstance(value, Mapping) else str(value)
        facts.append(Fact(name.replace("_", " "), text))
    return facts


def _text(value: object) -> str:
    """Return a number with three digits, and lists and tables as one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return ", ".join(_text(entry) for entry in value)
    if isinstance(value, int | float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else str(value)
