"""Test the tests: put small faults into the sources, one at a time, and see that a test fails: ``python -m tests.mutants``.

The exit status is 0 if enough mutants die, every survivor is on the list with a reason, and two tests detect each of the
faults by hand; 1 if not; 2 if tests fail without any fault, at the start or at the end.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Before torch is imported: one thread a process, no device (forks cannot share one), and the same examples in each run.
os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "CI": "1", "MPLBACKEND": "agg"}

from tests.mutants.domain import FAULTS, KILLS, Fault
from tests.mutants.mutation import Mutation, mutations
from tests.mutants.page import write_page
from tests.mutants.places import PLACES, ROOT, Place
from tests.mutants.report import report_faults, report_mutants
from tests.mutants.sample import sampled
from tests.mutants.session import MutantSession
from tests.mutants.survivors import listed
from tests.mutants.verdict import Task

FAULTY = tuple(dict.fromkeys(fault.file.split("/")[0] for fault in FAULTS))


def main() -> int:
    """Read the command line, run, report."""
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.places) - set(PLACES):
        parser.error(f"there is no folder {' '.join(sorted(unknown))}; the folders are {' '.join(PLACES)}")
    start, known = time.perf_counter(), listed()
    places = [PLACES[name] for name in (FAULTY if options.faults else options.places)]
    all_made = {} if options.faults else {place.name: _made(place, options.only) for place in places}
    tried = {name: sampled(found, options.at_most, sample=options.sample) for name, found in all_made.items()}
    made = [mutation for found in tried.values() for mutation in found]
    faults = [] if options.no_faults else _faults(places, options.only, by_name=options.faults)
    known_keys = {one.key for one in known}
    fitting = [fault for fault in faults if fault.fits()]
    session = MutantSession(
        [
            *(Task(mutation=mutation, expected=mutation.key in known_keys) for mutation in made),
            *(Task(mutation=fault.mutation(), kills=KILLS) for fault in fitting),
        ],
        places=places,
        tests=lambda name: options.tests in name and not any(part in name for part in options.without),
        processes=options.processes,
        seconds=options.seconds,
        own=options.own,
        records=options.records,
    )
    session.run()
    if session.problem:
        _say(session.problem)
    if len(session.verdicts) < len(session.tasks):
        return 2
    verdicts = [session.verdicts[index] for index in range(len(session.tasks))]
    judged = list(zip(made, verdicts, strict=False))
    of_all = {name: len(found) for name, found in all_made.items()}
    text, well = report_mutants(judged, known, made=sum(of_all.values())) if made else ("", True)
    fault_text, faults_well = report_faults(fitting, verdicts[len(made) :]) if fitting else ("", True)
    _say("\n\n".join(part for part in (fault_text, text, f"{time.perf_counter() - start:.0f} seconds") if part))
    for fault in set(faults) - set(fitting):
        _say(f"DOES NOT FIT the library any more: {fault.name}")
    if session.problem:
        return 2
    if options.write:
        write_page(judged, of_all, known, only=options.only, tests=_tests_in_words(options))
    return 0 if well and faults_well and fitting == faults else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("places", nargs="*", default=[*PLACES], help=f"folders (default: {' '.join(PLACES)})")
    parser.add_argument("--only", default="", help="only files whose path holds this, or faults whose name does")
    parser.add_argument("--at-most", type=int, help="mutants of each folder at most: a random sample, always the same")
    parser.add_argument("--sample", type=int, default=0, help="which random sample; another number draws other mutants")
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="of tests that a mutant has to pass, the best first (default: 60)"
    )
    parser.add_argument("--faults", action="store_true", help="the faults by hand alone")
    parser.add_argument("--no-faults", action="store_true", help="without the faults by hand")
    parser.add_argument("--tests", default="", help="only tests whose path or name holds this: quicker, and less sharp")
    parser.add_argument("--without", nargs="+", default=[], help="no tests whose path or name holds one of these")
    parser.add_argument(
        "--own", action="store_true", help="only tests in files named for the mutant's file: quicker, and less sharp"
    )
    parser.add_argument("--processes", type=int, default=2, help="how many tests run at once (default: 2)")
    parser.add_argument(
        "--records", type=Path, help="a folder of records, so that a later call tries only what is new or has changed"
    )
    parser.add_argument("--write", action="store_true", help="write the figures into benchmarks/results/mutants.md")
    return parser


def _made(place: Place, only: str) -> list[Mutation]:
    files = [path for path in place.files if only in str(path.relative_to(ROOT))]
    return [mutation for path in files for mutation in mutations(path)]


def _faults(places: Sequence[Place], only: str, *, by_name: bool) -> list[Fault]:
    if by_name:
        return [fault for fault in FAULTS if only in fault.name]
    names = {place.name for place in places}
    return [fault for fault in FAULTS if fault.file.split("/")[0] in names and only in fault.file]


def _tests_in_words(options: argparse.Namespace) -> str:
    words = [*(["own"] if options.own else []), *([f"`{options.tests}`"] if options.tests else [])]
    words += [f"without {', '.join(f'`{part}`' for part in options.without)}"] if options.without else []
    return ", ".join(words) or "all"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


sys.exit(main())
