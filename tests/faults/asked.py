"""What the command line asks for."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.faults.program import TRIALS


def read_options(words: Sequence[str], about: str | None) -> argparse.Namespace:
    """Return the options, with the names of all trials where none is named; mistakes end the process with status 2."""
    names = [trial.name for trial in TRIALS]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=about)
    parser.add_argument("trials", nargs="*", help=f"which (default: all): {' '.join(names)}")
    parser.add_argument(
        "--quick", action="store_true", help="a few faults of each kind, in about a minute; writes no page"
    )
    parser.add_argument("--at-most", type=int, help="attempts of each kind of fault at most")
    parser.add_argument("--again", action="store_true", help="try again what has a record")
    parser.add_argument("--records", type=Path, help="where records are kept (default: benchmarks/results/faults)")
    parser.add_argument(
        "--broken", action="store_true", help="break gankit for each trial, which must then fail: 0 if all trials do"
    )
    options = parser.parse_args(words)
    if unknown := set(options.trials) - set(names):
        parser.error(f"there is no trial {' '.join(sorted(unknown))}; the trials are {' '.join(names)}")
    if (options.quick or options.broken) and options.records is None:
        parser.error("--quick and --broken need --records, so that the records of the long form stay")
    options.trials = options.trials or names
    return options
