"""Run the toys and write their page: ``python -m benchmarks.toys``.

Every run leaves a file in ``benchmarks/results/toys``; runs whose file exists are not repeated, so that an
interrupted table can be continued. Needs the extra `benchmarks`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks.toys.digits import DIGITS
from benchmarks.toys.dirac_toy import DIRAC
from benchmarks.toys.page import Toy, write_page
from benchmarks.toys.plane import GRID, RING
from benchmarks.toys.runs import all_runs, play

TOYS: dict[str, Toy] = {toy.name: toy for toy in (RING, GRID, DIRAC, DIGITS)}


def main(words: Sequence[str] | None = None) -> None:
    """Make the missing runs, then write the page of all runs."""
    arguments = _parse(words)
    folder: Path = arguments.out / "toys"
    toys = [toy.quick() if arguments.quick else toy for toy in TOYS.values()]
    seeds = range(arguments.seeds)
    chosen = [toy for toy in toys if toy.name in (arguments.only or TOYS)]
    for record in play(all_runs(chosen, seeds), folder, workers=arguments.workers):
        print(f"{record.experiment}, {record.arm}, seed {record.seed}: {record.seconds:.0f} s", flush=True)
    kept = {toy: [run.kept(folder) for run in all_runs([toy], seeds)] for toy in toys}
    page = write_page({toy: [record for record in records if record is not None] for toy, records in kept.items()})
    (arguments.out / "toys.md").write_text(page, encoding="utf-8")
    print(page)


def _parse(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.toys", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(TOYS), help="run one toy; may be given several times")
    parser.add_argument("--seeds", type=int, default=3, help="runs of every arm that draws")
    parser.add_argument("--workers", type=int, default=2, help="processes at a time, each with one thread")
    parser.add_argument("--quick", action="store_true", help="a few steps of everything: does it run at all")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results", help="folder of the page")
    return parser.parse_args(words)


if __name__ == "__main__":
    main()
