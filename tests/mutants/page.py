"""The page of the results: a row for each folder, from the records beside it."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.mutants.mutation import Mutation
from tests.mutants.places import PLACES, ROOT
from tests.mutants.sample import interval
from tests.mutants.survivors import Survivor
from tests.mutants.verdict import Verdict

PAGE = ROOT / "benchmarks" / "results" / "mutants.md"
RECORD = PAGE.with_suffix(".json")
ABOUT = """# Mutants

Small faults are put into the sources, one at a time, and the tests must fail: `python -m tests.mutants` (`make mutants`). A
folder with fewer *tried* than *made* was tried by a random sample. *Score* is the share of killed mutants among those that were
killed or survived; a survivor with a reason in `tests/mutants/survivors.toml` counts as a survivor too. With 95 % confidence
the score of all mutants of the folder is within *of all*. A mutant whose tests do not end is neither. *Tests* are all that
reach a mutant, or a part of them: *own* are those in files named for its file. A part kills no more than all do, so that its
score is a lower bound.

| folder | tests | made | tried | killed | survived | of them with a reason | out of time | score | of all | date |
|---|---|---|---|---|---|---|---|---|---|---|
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
    """Return the page; the last row is the sum, if all rows are of whole folders."""
    rows = [row for name in PLACES for key, row in sorted(figures.items()) if key.split(" ")[0] == name]
    counts = ("made", "tried", "killed", "survived", "with_reason", "out_of_time")
    total = {
        **{name: sum(row[name] for row in rows) for name in counts},
        "folder": "all",
        "only": "",
        "tests": "",
        "date": "",
    }
    sums = [] if any(row["only"] for row in rows) else [total]  # parts of a folder may overlap
    return ABOUT + "".join(_row(row) for row in [*rows, *sums])


def _row(row: Mapping[str, Any]) -> str:
    decided = row["killed"] + row["survived"]
    low, high = interval(row["killed"], decided)
    score = f"{row['killed'] / decided:.1%}" if decided else "-"
    of_all = f"{low:.1%} to {high:.1%}" if row["tried"] < row["made"] else "-"
    cells = [f"{row[name]:,}" for name in ("made", "tried", "killed", "survived", "with_reason", "out_of_time")]
    part = f", only `{row['only']}`" if row["only"] else ""
    return "| " + " | ".join([f"`{row['folder']}`{part}", row["tests"], *cells, score, of_all, row["date"]]) + " |\n"
