"""Test the tests: put small faults into the library, one at a time, and see that a test fails: ``python -m tests.mutants``.

The exit status is 0 if enough mutants die, every survivor is on the list with a reason, and two tests detect each of the
faults by hand; 1 if not; 2 if tests fail without any fault, at the start or at the end.
"""

import argparse
import os
import sys
import time

# Before torch is imported: one thread a process, no device (forks cannot share one), and the same examples in each run.
os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "CI": "1"}

from tests.mutants.domain import FAULTS, KILLS, Fault
from tests.mutants.mutation import ROOT, Mutation, mutations
from tests.mutants.report import report_faults, report_mutants
from tests.mutants.session import MutantSession, Task
from tests.mutants.survivors import listed

FOLDERS = ("_core", "losses", "constraints", "schedules", "latents", "augment", "embedders", "training")
FAULTY = tuple(dict.fromkeys(folder for fault in FAULTS if (folder := fault.file.split("/")[0]) in FOLDERS))


def main() -> int:
    """Read the command line, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument(
        "folders", nargs="*", default=FOLDERS, help=f"folders of src/gankit (default: {' '.join(FOLDERS)})"
    )
    parser.add_argument("--only", default="", help="only files whose name holds this, or faults whose name does")
    parser.add_argument("--faults", action="store_true", help="the faults by hand alone")
    parser.add_argument("--no-faults", action="store_true", help="without the faults by hand")
    parser.add_argument("--tests", default="", help="only tests whose path or name holds this: quicker, and less sharp")
    parser.add_argument("--processes", type=int, default=2, help="how many tests run at once (default: 2)")
    options = parser.parse_args()
    start, known = time.perf_counter(), listed()
    made = [] if options.faults else _made(options.folders, options.only)
    faults = [] if options.no_faults else _faults(options.folders, options.only, by_name=options.faults)
    known_keys = {one.key for one in known}
    fitting = [fault for fault in faults if fault.fits()]
    session = MutantSession(
        [
            *(Task(mutation=mutation, expected=mutation.key in known_keys) for mutation in made),
            *(Task(mutation=fault.mutation(), kills=KILLS) for fault in fitting),
        ],
        folders=FAULTY if options.faults else options.folders,
        tests=options.tests,
        processes=options.processes,
    )
    session.run()
    if session.problem:
        _say(session.problem)
    if len(session.verdicts) < len(session.tasks):
        return 2
    text, well = report_mutants(list(zip(made, session.verdicts, strict=False)), known) if made else ("", True)
    fault_text, faults_well = report_faults(fitting, session.verdicts[len(made) :]) if fitting else ("", True)
    _say("\n\n".join(part for part in (fault_text, text, f"{time.perf_counter() - start:.0f} seconds") if part))
    for fault in set(faults) - set(fitting):
        _say(f"DOES NOT FIT the library any more: {fault.name}")
    if session.problem:
        return 2
    return 0 if well and faults_well and fitting == faults else 1


def _made(folders: list[str], only: str) -> list[Mutation]:
    files = [path for folder in folders for path in sorted((ROOT / "src" / "gankit" / folder).rglob("*.py"))]
    return [mutation for path in files if only in path.name for mutation in mutations(path)]


def _faults(folders: list[str], only: str, *, by_name: bool) -> list[Fault]:
    if by_name:
        return [fault for fault in FAULTS if only in fault.name]
    return [fault for fault in FAULTS if fault.file.split("/")[0] in {*folders, "_core"} and only in fault.file]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


sys.exit(main())
