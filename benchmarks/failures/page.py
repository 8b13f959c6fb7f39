"""What the runs gave, written into the guide on failures, and the curves beside it."""

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.failures.drawing import curves
from benchmarks.failures.rows import Row
from benchmarks.failures.runs import CURED, FAILS, ROOT
from benchmarks.failures.training import EVERY
from benchmarks.toys.runs import Record

PAGE = ROOT / "docs" / "guides" / "failures.md"
MARKED = re.compile(r"(<!-- runs ([\w-]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
Pair = tuple[Record, Record]


def pairs(records: Mapping[str, Record]) -> dict[str, Pair]:
    """Return the records of the rows whose two runs are there, by the row's name; `records` are by arm."""
    names = dict.fromkeys(arm.split(maxsplit=1)[0] for arm in records)
    return {
        name: (records[f"{name} {FAILS}"], records[f"{name} {CURED}"])
        for name in names
        if f"{name} {FAILS}" in records and f"{name} {CURED}" in records
    }


def fill(text: str, rows: Mapping[str, Row], found: Mapping[str, Pair]) -> str:
    """Return the page with pictures, curve and figures of every row whose runs are there.

    Raises:
        ValueError: A place on the page is that of no row.
    """

    def filled(match: re.Match[str]) -> str:
        name = match[2]
        if name not in rows:
            raise ValueError(f"the page has a place for {name!r}, which is no row")
        return f"{match[1]}{_block(name, rows[name], *found[name])}{match[3]}" if name in found else match[0]

    return MARKED.sub(filled, text)


def curve(row: Row, fails: Record, cured: Record) -> str:
    """Return the curves of a row as SVG."""
    return curves(
        fails.figures["curve"],
        cured.figures["curve"],
        title=row.title,
        every=EVERY,
        rounds=row.fails.rounds,
        logarithmic=row.logarithmic,
    )


def write_curves(rows: Mapping[str, Row], found: Mapping[str, Pair], folder: Path) -> None:
    """Write the curves of every row whose runs are there."""
    for name, (fails, cured) in found.items():
        (folder / f"{name}.svg").write_text(curve(rows[name], fails, cured), encoding="utf-8")


def value(row: Row, record: Record) -> float:
    """Return the figure of a run that shows the failure: the round at which it broke off, or what was measured."""
    figures = record.figures
    if row.figure == "rounds":
        return float(row.fails.rounds if figures["ended"] is None else figures["ended"])
    return float(figures["figures"][row.figure])


def _block(name: str, row: Row, fails: Record, cured: Record) -> str:
    pictures = [
        _figure(
            f"{name}-{FAILS}.png", f"Samples of the run that fails: {row.change[0]}", f"**Fails:** {row.change[0]}"
        ),
        _figure(
            f"{name}-{CURED}.png", f"Samples of the run with the cure: {row.change[1]}", f"**Cured:** {row.change[1]}"
        ),
        _figure(f"{name}.svg", f"Curves of both runs: {row.title}", row.caption),
    ]
    numbers = [(row.words, value(row, fails), value(row, cured))]
    if row.figure != "distance" and all("distance" in one.figures["figures"] for one in (fails, cured)):
        numbers.append(("distance to real pictures", *(one.figures["figures"]["distance"] for one in (fails, cured))))
    lines = [
        '<div class="runs" markdown>',
        *pictures,
        "</div>",
        "",
        "| Measured | Fails | Cured |",
        "|---|---|---|",
        *(f"| {words} | {_number(first)} | {_number(second)} |" for words, first, second in numbers),
        "",
    ]
    return "\n".join(lines)


def _figure(file: str, words: str, caption: str) -> str:
    return (
        f'<figure markdown="span">\n![{words}](images/failures/{file})\n'
        f'<figcaption markdown="span">{caption}</figcaption>\n</figure>'
    )


def _number(number: float) -> str:
    if number and not 1e-3 <= abs(number) < 1e5:
        mantissa, exponent = f"{number:.1e}".split("e")
        return f"{mantissa} · 10<sup>{int(exponent)}</sup>"
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2g}"
