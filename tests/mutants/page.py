"""The page of the results: a row for each folder, from the records beside it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.mutants.mutation import Mutation
from tests.mutants.places import PLACES, ROOT
from tests.mutants.sample import interval, pooled
from tests.mutants.survivors import Survivor
from tests.mutants.verdict import Verdict

PAGE = ROOT / "benchmarks" / "results" / "mutants.md"
RECORD = PAGE.with_suffix(".json")
ABOUT = """# Mutants

Small faults are put into the sources, one at a time, and the tests must fail: `python -m tests.mutants` (`make mutants`).
In most folders a random sample of the faults was tried. *Score* is the share of killed faults among those that were killed
or survived, with a 95 % interval for the score of all faults. A survivor with a reason in
`tests/mutants/survivors.toml` counts as a survivor; a fault whose tests do not end counts as neither. *Tests*: all tests that
reach a fault, or only a part of them; *own* are those in files with the name of its file. A part cannot kill more than all, so
its score is a lower bound. In the row `all` each folder counts by its number of faults, however few were tried.

| folder | tests | tried | killed | survived | score |
|---|---|---|---|---|---|
"""


def write_page(
    judged: Sequence[tuple[Mutation, Verdict]],
    made: Mapping[str, int],
    known: Sequence[Survivor],
    *,
    only: str = "",
    tests: str = "all",
) -> None:
    """Record the figures of these folders, and write the page of all that have a record.

    Args:
        judged: The mutants that were tried.
        made: How many there are, by folder.
        known: The list of survivors.
        only: The part of the folders that was tried; empty for all of it.
        tests: Which tests ran, in words.
    """
    figures = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    keys = {one.key for one in known}
    for name, count in made.items():
        folder = str(PLACES[name].folder.relative_to(ROOT)) + "/"
        own = [(mutation, verdict) for mutation, verdict in judged if mutation.file.startswith(folder)]
        survived = [mutation for mutation, verdict in own if verdict.survived]
        slow = sum(verdict.out_of_time for _, verdict in own)
        if not only:
            figures = {key: row for key, row in figures.items() if not key.startswith(f"{name} ")}
        figures[f"{name} {only}".strip()] = {
            "folder": folder.rstrip("/"),
            "only": only,
            "tests": tests,
            "made": count,
            "tried": len(own),
            "killed": len(own) - len(survived) - slow,
            "survived": len(survived),
            "with_reason": sum(mutation.key in keys for mutation in survived),
            "out_of_time": slow,
            "date": datetime.now(UTC).date().isoformat(),
        }
    RECORD.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(figures), encoding="utf-8")


def page(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the page; the last row is about all mutants, if all rows are of whole folders."""
    rows = [row for name in PLACES for key, row in sorted(figures.items()) if key.split(" ")[0] == name]
    counts = ("made", "tried", "killed", "survived", "with_reason", "out_of_time")
    total = {
        **{name: sum(row[name] for row in rows) for name in counts},
        "folder": "all",
        "only": "",
        "tests": "as above",
        "date": "",
    }
    sums = [] if any(row["only"] for row in rows) else [total]  # parts of a folder may overlap
    parts = dict.fromkeys(_left_out(row) for row in rows if _left_out(row))
    numbers = {words: number for number, words in enumerate(parts, 1)}
    notes = "".join(f"\n[{number}] Without {words}.\n" for words, number in numbers.items())
    measured = {row["folder"] for row in rows}
    missing = [
        folder for folder in (str(one.folder.relative_to(ROOT)) for one in PLACES.values()) if folder not in measured
    ]
    gaps = f"\nNot measured yet: {', '.join(f'`{folder}`' for folder in missing)}.\n" if missing else ""
    table = "".join(_row(row, numbers.get(_left_out(row)), _score(row)) for row in rows)
    table += "".join(_row(row, None, _score_of_all(rows)) for row in sums)
    return ABOUT + table + gaps + notes


def _left_out(row: Mapping[str, Any]) -> str:
    return row["tests"].partition("without ")[2]


def _score(row: Mapping[str, Any]) -> str:
    decided = row["killed"] + row["survived"]
    low, high = interval(row["killed"], decided)
    score = f"{row['killed'] / decided:.1%}" if decided else "-"
    return f"{score} ({low:.1%} to {high:.1%})" if decided and row["tried"] < row["made"] else score


def _score_of_all(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the score of all mutants: each folder counts by its mutants, of which some folders tried a smaller part."""
    folders = [(row["made"], row["killed"] + row["survived"], row["killed"]) for row in rows]
    if not all(decided for _, decided, _ in folders):
        return "-"
    score, low, high = pooled(folders)
    return f"{score:.1%} ({low:.1%} to {high:.1%})"


def _row(row: Mapping[str, Any], note: int | None, score: str) -> str:
    tests = (row["tests"].partition("without ")[0].rstrip(", ") or "all") + (f" [{note}]" if note else "")
    survived = f"{row['survived']:,}"
    if row["with_reason"]:
        survived += f" ({row['with_reason']:,} with a reason)"
    if row["out_of_time"]:
        survived += f", {row['out_of_time']:,} did not end"
    part = f", only `{row['only']}`" if row["only"] else ""
    tried = f"{row['tried']:,} of {row['made']:,}"
    return f"| `{row['folder']}`{part} | {tests} | {tried} | {row['killed']:,} | {survived} | {score} |\n"
