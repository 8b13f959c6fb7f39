# ruff: noqa: RUF001  the page has typographic signs
"""Rows, sources and the Markdown of a table."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """A program that computes a row, and the place in its source; it was run on this page's example, or only read."""

    program: str
    place: str
    was_run: bool


def run(program: str, place: str) -> Source:
    """Name a program whose own function gave the row's number; `run_peers.py` runs it again."""
    return Source(program, place, was_run=True)


def read(program: str, place: str) -> Source:
    """Name a program that was read but not run."""
    return Source(program, place, was_run=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to compute a formula: what is computed, which programs compute it, and its value for the example."""

    what: str
    value: float
    by: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All ways to compute one formula; gankit's is the first."""

    name: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """Return the table and the list of its sources as Markdown."""
        own = self.rows[0].value
        lines = [
            '<div class="numbers" markdown>',
            "",
            "| Value | × | What is computed, and by whom |",
            "|---:|---:|---|",
        ]
        lines += [f"| {_number(row.value)} | {_factor(row.value, own)} | {_description(row)} |" for row in self.rows]
        lines += ["", "</div>"]
        sources = sorted({source for row in self.rows for source in row.by}, key=_order)
        if sources:
            lines += ["", '??? quote "Sources"', ""]
            lines += [f"    - {source.program}: {_place(source)}" for source in sources]
        return "\n".join(lines)


def _description(row: Row) -> str:
    names = sorted({f"{source.program}{' ✓' if source.was_run else ''}" for source in row.by}, key=str.lower)
    return f"{row.what}<br><small>{', '.join(names)}</small>" if names else row.what


def _order(source: Source) -> tuple[str, str]:
    return source.program.lower(), source.place


def _place(source: Source) -> str:
    file, comma, detail = source.place.partition(", ")
    return f"`{file}`{comma}{detail}, {'run' if source.was_run else 'read'}"


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.6g}"


def _factor(value: float, own: float) -> str:
    if not math.isfinite(value) or own == 0:
        return "–"
    factor = value / own
    if abs(factor - 1) < 1e-12:
        return "1"
    return f"{factor:.4g}"
