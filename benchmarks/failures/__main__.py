"""Make the runs of the guide on failures and write what they gave into it: ``python -m benchmarks.failures``.

Each run has one thread and takes a minute or two. It leaves a file in ``benchmarks/results/failures`` and a picture in
``docs/guides/images/failures``; a run whose file exists is not repeated. Needs the extra `examples`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.failures.page import PAGE, fill, pairs, value, write_curves
from benchmarks.failures.rows import TABLE
from benchmarks.failures.runs import PICTURES, ROOT, Failures
from benchmarks.toys.runs import all_runs, play

RESULTS = ROOT / "benchmarks" / "results" / "failures"


def main(words: Sequence[str] | None = None) -> None:
    """Make the missing runs, then write all of them into the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.failures", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(TABLE), help="run one row; may be given several times")
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, each with one thread")
    parser.add_argument("--work", type=Path, default=Path("runs/failures"), help="folder of the data set")
    arguments = parser.parse_args(words)
    everything = all_runs([Failures(work=arguments.work)], [0])
    chosen = [run for run in everything if run.arm.split(maxsplit=1)[0] in (arguments.only or TABLE)]
    for record in play(chosen, RESULTS, workers=arguments.workers):
        print(
            f"{record.arm}: {record.seconds:.0f} seconds, {record.figures['error'] or record.figures['figures']}",
            flush=True,
        )
    found = pairs({run.arm: record for run in everything if (record := run.kept(RESULTS))})
    for name, pair in found.items():
        fails, cured = (value(TABLE[name], record) for record in pair)
        print(f"{name}: {TABLE[name].words} {fails:.4g}, cured {cured:.4g}: {TABLE[name].is_shown(fails, cured)}")
    write_curves(TABLE, found, PICTURES)
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), TABLE, found), encoding="utf-8")


if __name__ == "__main__":
    main()
