"""Try what gankit promises: kill it, damage its files, fill its disk, feed it hostile files: ``python -m tests.faults``.

Records are kept, so that a second call tries only what is missing or has another protocol. The exit status is 0 if nothing
failed, and 1 if something did.
"""

import os
import sys
from pathlib import Path

# Before torch is imported: one thread a process, and no device, since forks cannot share one.
os.environ |= {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg"}

from tests.faults.asked import read_options
from tests.faults.broken import ways_to_break
from tests.faults.children import ROOT
from tests.faults.page import page, table, with_promises
from tests.faults.program import TRIALS, failed, jobs, play, warm_up

RESULTS = ROOT / "benchmarks" / "results"
GUIDE = ROOT / "docs" / "guides" / "promises.md"
_FOUND = 3
"""How a process ends that found what is broken; an error of Python ends it with 1."""


def main() -> int:
    """Read the command line, try, report."""
    options = read_options(sys.argv[1:], __doc__)
    chosen = [trial for trial in TRIALS if trial.name in options.trials]
    if options.broken:
        return _broken([trial.name for trial in chosen], options.records)
    played = []
    folder = options.records or RESULTS / "faults"
    todo = jobs(chosen, quick=options.quick, at_most=options.at_most)
    for record in play(todo, folder, again=options.again):
        played.append(record)
        _say(
            f"{record.experiment}, {record.arm}: {record.figures['tried']} tried, {len(record.figures['failures'])} failed"
        )
        if options.records is None:
            write_results()
    _say("\n" + table(played))
    return 1 if failed(played) else 0


def write_results() -> None:
    """Write the page of all records, and the table of the guide."""
    (RESULTS / "faults.md").write_text(page(RESULTS / "faults"), encoding="utf-8")
    GUIDE.write_text(with_promises(GUIDE.read_text(encoding="utf-8"), RESULTS / "faults"), encoding="utf-8")


def _broken(names: list[str], folder: Path) -> int:
    """Break gankit in a fork for each trial, and try the first kind of fault of it; 0 if each fails."""
    warm_up()
    passed = []
    for name, break_it in ways_to_break().items():
        if name not in names:
            continue
        _say(f"broken for {name}:")
        child = os.fork()
        if child == 0:
            break_it()
            todo = jobs([trial for trial in TRIALS if trial.name == name], quick=True)[:1]
            records = list(play(todo, folder))
            _say(table(records))
            os._exit(_FOUND if failed(records) else 0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != _FOUND:
            passed.append(name)
    _say(f"passed though gankit was broken: {', '.join(passed) or 'none'}")
    return 1 if passed else 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
