"""Train each recipe for the same number of rounds, and write what it gave into the pages: ``python -m benchmarks.gallery``.

Each run has one thread. It leaves a file in ``benchmarks/results/gallery`` and a picture in ``docs/guides/images/recipes``; a
run whose file exists is not repeated, and one that was interrupted goes on. Needs the extra `examples`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gallery.pages import write_pages
from benchmarks.gallery.runs import ARMS, ROOT, Gallery
from benchmarks.toys.runs import all_runs, play

RESULTS = ROOT / "benchmarks" / "results" / "gallery"
PAGES = ROOT / "docs" / "guides" / "faces" / "recipes"


def main(words: Sequence[str] | None = None) -> None:
    """Make the missing runs, then write all of them into the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(ARMS), help="run one recipe; may be given several times"
    )
    parser.add_argument("--workers", type=int, default=2, help="runs at a time, each with one thread")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/gallery"), help="folder of data sets and unfinished runs"
    )
    arguments = parser.parse_args(words)
    gallery = Gallery(work=arguments.work)
    everything = all_runs([gallery], [0])
    missing = [run for run in everything if run.arm in (arguments.only or ARMS) and run.kept(RESULTS) is None]
    if missing:
        gallery.prepare()
    for record in play(missing, RESULTS, workers=arguments.workers):
        print(f"{record.arm}: {record.figures['minutes']} minutes", flush=True)
    records = [found for run in everything if (found := run.kept(RESULTS))]
    if records:
        write_pages(records, ARMS, PAGES)


if __name__ == "__main__":
    main()
