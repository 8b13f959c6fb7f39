"""Make the runs of the gallery and write them into its page: ``python -m benchmarks.methods``.

Each run has one thread and takes about a minute. It leaves a file in ``benchmarks/results/methods`` and a picture in
``docs/guides/images/gallery``; a run whose file exists is not repeated. Needs the extra `examples`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.failures.runs import ROOT
from benchmarks.methods.page import PAGE, fill
from benchmarks.methods.runs import Methods
from benchmarks.toys.runs import all_runs, play

RESULTS = ROOT / "benchmarks" / "results" / "methods"


def main(words: Sequence[str] | None = None) -> None:
    """Make the missing runs, then write all of them into the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.methods", description=__doc__)
    parser.add_argument("--workers", type=int, default=1, help="runs at a time, each with one thread")
    parser.add_argument("--work", type=Path, default=Path("runs/failures"), help="folder of the data set")
    arguments = parser.parse_args(words)
    everything = all_runs([Methods(work=arguments.work)], [0])
    for record in play(everything, RESULTS, workers=arguments.workers):
        print(f"{record.arm}: {record.seconds:.0f} seconds, {record.figures}", flush=True)
    records = {run.arm: record for run in everything if (record := run.kept(RESULTS))}
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), records), encoding="utf-8")


if __name__ == "__main__":
    main()
