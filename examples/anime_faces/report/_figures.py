"""The section of measured figures: each beside the same for real pictures, and whether it passes."""

from collections.abc import Mapping
from html import escape
from typing import Any


def figures_section(metrics: Mapping[str, Any] | None) -> str:
    """Return the table of figures, or how to get one."""
    if metrics is None:
        return (
            '<h2 id="figures">Figures</h2><p class="soft">Nothing was measured yet: '
            "<code>python -m examples.anime_faces evaluate</code> does, and the next report shows it.</p>"
        )
    figures: Mapping[str, Mapping[str, Any]] = metrics.get("figures", {})
    bounded = {name: figure for name, figure in figures.items() if figure.get("passed") is not None}
    others = {name: figure for name, figure in figures.items() if name not in bounded}
    notes = "".join(f'<p class="soft">{escape(str(note))}</p>' for note in metrics.get("notes", ()))
    more = f"<h3>Without a bound</h3>{_table(others)}" if bounded and others else _table(others)
    return (
        f'<h2 id="figures">Figures</h2><p>{_summary(metrics, figures)}</p>{_table(bounded)}{more}'
        f"{notes}{_tables_behind(metrics)}{_circumstances(metrics)}"
    )


def passed_of(metrics: Mapping[str, Any] | None) -> tuple[int, int] | None:
    """Return how many figures pass, and how many have bounds; None where nothing was measured."""
    if metrics is None:
        return None
    verdicts = [figure.get("passed") for figure in metrics.get("figures", {}).values()]
    verdicts = [verdict for verdict in verdicts if verdict is not None]
    return sum(verdicts), len(verdicts)


def _summary(metrics: Mapping[str, Any], figures: Mapping[str, Mapping[str, Any]]) -> str:
    count = metrics.get("samples")
    passed = passed_of(metrics) or (0, 0)
    words = f"{passed[0]} of {passed[1]} figures with a bound pass" if passed[1] else f"{len(figures)} figures"
    drawn = f", measured on {count} samples" if count else ""
    return f"{words}{drawn}. Beside each stands the same figure for fresh real pictures: what perfection would score."


def _table(figures: Mapping[str, Mapping[str, Any]]) -> str:
    if not figures:
        return ""
    rows = "".join(_row(name, figure) for name, figure in figures.items())
    bounded = any(figure.get("passed") is not None for figure in figures.values())
    wanted = '<th class="number">Wanted</th><th></th>' if bounded else ""
    return (
        '<div class="card scroll"><table><thead><tr><th>Figure</th><th class="number">Samples</th>'
        f'<th class="number">Real pictures</th>{wanted}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(name: str, figure: Mapping[str, Any]) -> str:
    about = figure.get("about", "")
    passed = figure.get("passed")
    verdict = ""
    if passed is not None:
        kind, word = ("good", "pass") if passed else ("bad", "fail")
        verdict = f'<td class="number">{_bound(figure)}</td><td><span class="pill {kind}">{word}</span></td>'
    return (
        f"<tr><td>{escape(name.replace('_', ' '))}<small>{escape(about)}</small></td>"
        f'<td class="number">{_number(figure.get("value"))}</td><td class="number">{_number(figure.get("floor"))}</td>'
        f"{verdict}</tr>"
    )


def _bound(figure: Mapping[str, Any]) -> str:
    low, high = figure.get("at_least"), figure.get("at_most")
    if low is not None and high is not None:
        return f"{_number(low)} to {_number(high)}"
    if low is not None:
        return f"≥ {_number(low)}"
    return "" if high is None else f"≤ {_number(high)}"


def _number(value: object) -> str:
    if isinstance(value, int | float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return "" if value is None else escape(str(value))


def _tables_behind(metrics: Mapping[str, Any]) -> str:
    """Fold away the tables that some figures sum up."""
    tables: list[str] = []
    for name, table in metrics.get("details", {}).items():
        if isinstance(table, Mapping):
            rows = "".join(f"<dt>{escape(str(key))}</dt><dd>{_entry(value)}</dd>" for key, value in table.items())
            body = f"<dl>{rows}</dl>"
        else:
            body = f"<p>{_entry(table)}</p>"
        tables.append(f'<div class="card"><h3>{escape(name.replace("_", " "))}</h3>{body}</div>')
    return f"<details><summary>Tables behind the figures</summary>{''.join(tables)}</details>" if tables else ""


def _entry(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{escape(str(key))} {_entry(entry)}" for key, entry in value.items())
    if isinstance(value, list):
        return ", ".join(_entry(entry) for entry in value)
    return _number(value)


def _circumstances(metrics: Mapping[str, Any]) -> str:
    """Fold away how the figures were come by: seeds, versions, revision."""
    plain = {
        name: value
        for name, value in metrics.items()
        if name not in ("figures", "details", "notes") and not isinstance(value, list)
    }
    rows: list[str] = []
    for name, value in plain.items():
        text = ", ".join(f"{key} {entry}" for key, entry in value.items()) if isinstance(value, Mapping) else str(value)
        rows.append(f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(text)}</dd>")
    return f"<details><summary>How they were measured</summary><dl>{''.join(rows)}</dl></details>"
