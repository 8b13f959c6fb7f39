"""The results: a table in the terminal, and the page."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.toys.runs import Record, machine
from tests.faults.hostile import HOSTILE
from tests.faults.program import TRIALS, digest_of_sources

ABOUT = (
    "each process; written by `python -m tests.faults` (`make faults`). Fault injection for what "
    "gankit promises. *Tried* is the number of faults that were injected, *long form* the number in the long form: a row with "
    "fewer was limited by `--at-most`. Seconds are processor time, except for the time until a process ends."
)
BEGIN, END = "<!-- written by make faults -->", "<!-- until here -->"
MOST_LISTED = 5
"""Failures of one kind of fault that the page quotes; the records have all."""


def table(records: Sequence[Record]) -> str:
    """Return a table for the terminal, with every failure below it."""
    rows = [("trial", "fault", "tried", "result", "measured")]
    rows += [(one.experiment, one.arm, str(one.figures["tried"]), result(one), measured(one)) for one in records]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), "", *_failures(records), summary(records)])


def result(record: Record) -> str:
    """Return what came of a kind of fault, in two words."""
    if record.figures["untried"]:
        return "not tried"
    failures = len(record.figures["failures"])
    return f"{failures} failed" if failures else "passed"


def measured(record: Record) -> str:
    """Return what was measured besides, or why nothing was tried."""
    if record.figures["untried"]:
        return record.figures["untried"]
    return ", ".join(f"{value:g} {name}" for name, value in record.figures["measured"].items())


def summary(records: Sequence[Record]) -> str:
    """Return the numbers of all."""
    tried = sum(record.figures["tried"] for record in records)
    failures = sum(len(record.figures["failures"]) for record in records)
    untried = sum(bool(record.figures["untried"]) for record in records)
    return f"{tried:,} faults tried, {failures} failures, {untried} kinds of faults not tried"


def page(folder: Path) -> str:
    """Return the page of all records in a folder: what was tried, how often, what failed, and where."""
    sources, kept = digest_of_sources(), kept_records(folder)
    lines = [
        "# Faults",
        "",
        f"torch {torch.__version__}, Python {platform.python_version()}, {machine()}, {os.cpu_count()} core(s), one thread in "
        + ABOUT,
        "",
        f"{summary(list(kept.values()))}. Sources `{sources}`; a row that was measured with other sources says so.",
        "",
    ]
    for trial in TRIALS:
        lines += [f"## {trial.name}", "", f"{trial.promise} {trial.how}", ""]
        lines += ["| fault | tried | long form | result | measured |", "|---|---|---|---|---|"]
        failures: list[str] = []
        for name, arm in trial.arms.items():
            record = kept.get((trial.name, name))
            whole = "all cases" if trial is HOSTILE else f"{arm.long:,}"
            if record is None:
                lines.append(_row(name, "0", whole, "not tried yet", ""))
                continue
            with_others = f" (with `{record.figures['sources']}`)" * (record.figures["sources"] != sources)
            lines.append(
                _row(name, f"{record.figures['tried']:,}", whole, result(record) + with_others, measured(record))
            )
            found = record.figures["failures"]
            failures += [f"- {_cell(name)}: {_cell(one)}" for one in found[:MOST_LISTED]]
            failures += [f"- {_cell(name)}: {len(found) - MOST_LISTED} more"] * (len(found) > MOST_LISTED)
        lines += ["", *(["Failures:", "", *failures, ""] if failures else [])]
    return "\n".join(lines)


def promises(folder: Path) -> str:
    """Return the table of the guide: each promise, how it is tried, and what came of it."""
    kept = kept_records(folder)
    lines = [BEGIN, "", "| promise | faults | latest figures | `python -m tests.faults ...` |", "|---|---|---|---|"]
    for trial in TRIALS:
        own = [record for (name, _), record in kept.items() if name == trial.name]
        tried, failures = sum(one.figures["tried"] for one in own), sum(len(one.figures["failures"]) for one in own)
        figures = f"{tried:,} tried, {failures} failed"
        lines.append(f"| {trial.promise} | {trial.how} | {figures if own else 'not tried yet'} | `{trial.name}` |")
    return "\n".join([*lines, "", END])


def with_promises(guide: str, folder: Path) -> str:
    """Return the text of the guide with the table of the records in a folder."""
    before, _, rest = guide.partition(BEGIN)
    return before + promises(folder) + rest.partition(END)[2]


def kept_records(folder: Path) -> dict[tuple[str, str], Record]:
    """Return all records in a folder, of whatever protocol, by trial and kind of fault."""
    found = [Record(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]
    return {(record.experiment, record.arm): record for record in found}


def _failures(records: Sequence[Record]) -> list[str]:
    return [f"FAILED {one.experiment}, {one.arm}: {failure}" for one in records for failure in one.figures["failures"]]


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(text: str) -> str:
    # Paths and messages of faults are shown as they are: neither a table nor a link may begin in them.
    return text.replace("\n", " ").translate(str.maketrans({one: f"\\{one}" for one in "|<>[]*_"}))
