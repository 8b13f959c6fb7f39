"""The page of what the coverage-guided fuzzer has done."""

import json
import platform
from pathlib import Path

import torch

from tests.fuzzing.targets import TARGETS

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
KEPT, PAGE = RESULTS / "fuzzing", RESULTS / "fuzzing.md"
ABOUT = """\
Every reader of files in the library and in the example is fuzzed. Valid files are changed at random: bytes,
instructions of pickles, members of archives, headers of arrays, values of JSON, cells of tables. Checksums are
corrected afterwards. A changed file must give a record or one documented error. The error has one line and names the file.
There is no warning, nothing is written, a second reading gives the same result, and both take less than two
seconds. A checkpoint that can be loaded can be saved again, unchanged.

The quick suite tries some dozens of changes of each reader, and `python -m pytest tests/fuzzing -m slow` 3,000 of
each. The table has the results of the fuzzer for binary formats, `python -m tests.fuzzing`, which prefers changes that reach
new branches (atheris). The smallest files that reach code that no valid file reaches are kept, and tests read them again.
"""


def page() -> str:
    """Return the page of all records."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(KEPT.glob("*.json"))]
    records.sort(key=lambda record: list(TARGETS).index(record["target"]))
    whole, hours = sum(one["executions"] for one in records), sum(one["seconds"] for one in records) / 3600
    found = sum(len(one["findings"]) for one in records)
    tried = f"{whole:,} files in {hours:.1f} hours, {found} open findings"
    lines = [
        "# Fuzzing",
        "",
        ABOUT,
        f"torch {torch.__version__}, Python {platform.python_version()}, one thread: {tried}.",
        "",
        "| reader | files tried | minutes | branches reached, from valid files and in the end | findings |",
        "|---|---|---|---|---|",
    ]
    for one in records:
        first, last = one["branches"]
        findings = "; ".join(text.replace("|", "\\|")[:200] for text in one["findings"]) or "none"
        lines.append(
            f"| {one['target']} | {one['executions']:,} | {one['seconds'] / 60:.0f} | {first:,} to {last:,} | {findings} |"
        )
    return "\n".join([*lines, ""])
