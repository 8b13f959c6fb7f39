"""Hostile files in the place of every file that the library or the example reads."""

import shutil
from functools import partial

from tests.faults.archives import check_forging
from tests.faults.children import Ended, start
from tests.faults.contents import NODES, Write, writing
from tests.faults.readers import MISTAKE, Reader
from tests.faults.readers_of_data import READERS as OF_DATA
from tests.faults.readers_of_runs import READERS as OF_RUNS
from tests.faults.readers_of_weights import READERS as OF_WEIGHTS
from tests.faults.tally import Arm, Setting, Tally, Trial

OWN_SECONDS = 1.0
MEGABYTES = 100.0
QUICK = 1
LIMITS = {"seconds": OWN_SECONDS, "MB": MEGABYTES}
READERS = {**OF_WEIGHTS, **OF_RUNS, **OF_DATA}
ALL = 100_000
"""More than there are cases: the long form tries all."""


def try_reader(setting: Setting, count: int, tally: Tally, *, reader: Reader) -> None:
    """Put hostile contents at the place of a file, one after the other, and have it read by a process of its own."""
    check_forging()
    sentinel = setting.materials.folder / "sentinel"  # the same for all readers: hostile files are made once
    cases = {**reader.contents(setting.materials, sentinel), **NODES}
    names = list(cases) if count >= len(cases) else setting.rng.sample(list(cases), count)
    # The memory of a reader that finds an empty file: what is loaded before anything hostile is looked at.
    times = 3 if count > QUICK else 1
    baseline = min(_read(setting, reader, writing(b""), f"baseline-{number}").peak for number in range(times))
    for number, name in enumerate(names):
        with tally.attempt(name) as attempt:
            ended = _read(setting, reader, cases[name], f"case-{number}")
            more = max(0.0, (ended.peak - baseline) / 1e6)
            executed = sentinel.exists()
            if executed:
                shutil.rmtree(sentinel) if sentinel.is_dir() else sentinel.unlink()
            passed = ended.status == 0 and reader.may_pass(name)
            attempt.expect(not executed, "code in it was executed")
            attempt.expect(not ended.hung, "it was never refused")
            attempt.expect("Traceback" not in ended.errors, f"a traceback: {ended.in_short}")
            if passed:
                tally.add("used or skipped")
                continue
            attempt.expect(ended.own_seconds < OWN_SECONDS, f"it took {ended.own_seconds:.1f} s")
            attempt.expect(more < MEGABYTES, f"it took {more:.0f} MB")
            attempt.expect(ended.status == MISTAKE, f"it was not refused: {ended.in_short}")
            attempt.expect(ended.is_one_line, f"not one line: {ended.in_short}")
            tally.most("seconds", round(ended.own_seconds, 2))
            tally.most("MB", round(more, 1))


def _read(setting: Setting, reader: Reader, write: Write, name: str) -> Ended:
    folder = setting.place / name
    folder.mkdir()
    path = reader.place(setting.materials, folder)
    if path.is_symlink() or path.exists():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write(path)
    work = reader.read(path, folder, setting.materials)
    ended = start(work, folder.with_suffix(".output"), own_seconds=10 * OWN_SECONDS).wait()
    shutil.rmtree(folder)
    return ended


HOSTILE = Trial(
    name="hostile",
    how=(
        "Pickles that run code, bombs, wrong archives, JSON, arrays, texts, pictures, pipes and devices in the "
        "place of every file that is read."
    ),
    promise=(
        "Nothing in a file that the library or the example reads is executed; a hostile file is refused in one line, in "
        "under 1 s of processor time and 100 MB."
    ),
    arms={
        name: Arm(run=partial(try_reader, reader=reader), long=ALL, quick=QUICK * reader.quick, limits=LIMITS)
        for name, reader in READERS.items()
    },
)
