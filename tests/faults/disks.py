"""Disks that are full, and folders that cannot be written."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

import gankit as gk
from tests.faults.children import Ended, command, start
from tests.faults.materials import training
from tests.faults.runs import newest
from tests.faults.saves import leftovers
from tests.faults.tally import Arm, Attempt, Setting, Tally, Trial, UntriedError

NOBODY = 65534
SMALL = 1 << 20
"""Bytes of the largest file, and of a small disk."""
MISTAKE = 2


def small_files() -> None:
    """Let this process write no file of more than `SMALL` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL, SMALL))


def as_nobody() -> None:
    """Give up the rights of the superuser, whom no folder refuses."""
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _unprepared() -> None:
    """Leave this process as it is."""


def opened_for_all(folder: Path) -> None:
    """Let everybody reach a folder."""
    for one in (folder, *folder.parents):
        if one.owner() == folder.owner() and one != Path(one.anchor):
            one.chmod(one.stat().st_mode | 0o555)


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """Give a small file system of its own.

    Raises:
        UntriedError: This user may not mount one.
    """
    folder = place / "disk"
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(words, check=False, capture_output=True).returncode:
        raise UntriedError("mounting a small file system is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def save_into(folder: Path, prepare: Callable[[], None]) -> int:
    """Save a state that does not fit; 0 if it was refused as promised."""
    prepare()
    checkpoints = gk.training.Checkpoints(folder)
    try:
        checkpoints.save(2, {"weights": torch.zeros(3 * SMALL // 4)})
    except OSError as error:
        sys.stdout.write(str(error))
        return 0
    return 1


def _save_and_look(setting: Setting, tally: Tally, folder: Path, prepare: Callable[[], None], what: str) -> None:
    with tally.attempt(what) as attempt:
        gk.training.Checkpoints(folder).save(1, {"weights": torch.ones(10)})
        opened_for_all(folder)
        ended = start(partial(save_into, folder, prepare), setting.place / "output").wait()
        attempt.expect(ended.status == 0, f"no OSError: {ended.in_short}")
        attempt.expect(str(folder) in ended.output, f"the message does not name the path: {ended.in_short}")
        found = gk.training.Checkpoints(folder).load_latest()
        attempt.expect(found is not None and found[0] == 1, "the checkpoint before is gone")
        attempt.expect(not leftovers(folder), f"{leftovers(folder)} are left")


def library_disk(setting: Setting, count: int, tally: Tally, *, kind: str) -> None:
    """Save checkpoints where that cannot be done."""
    for number in range(count):
        folder = setting.place / f"checkpoints-{number}"
        folder.mkdir()
        if kind == "a full disk":
            with small_disk(setting.place, SMALL) as disk:
                _save_and_look(setting, tally, disk / "checkpoints", _unprepared, kind)
        elif kind == "a limit of the size of files":
            _save_and_look(setting, tally, folder, small_files, kind)
        else:
            _save_and_look(setting, tally, folder, as_nobody, kind)


def example_disk(setting: Setting, count: int, tally: Tally, *, kind: str) -> None:
    """Go on with a training where its results cannot be written."""
    for number in range(count):
        out = setting.place / f"run-{number}"
        with tally.attempt(kind) as attempt:
            if kind == "a full disk":
                with small_disk(setting.place, 4 * SMALL) as disk:
                    run = setting.materials.run_in(disk / "run")
                    free = shutil.disk_usage(disk).free
                    (disk / "filler").write_bytes(bytes(free - 150_000))
                    _go_on(setting, attempt, run, _unprepared, needs_path=False)
                continue
            setting.materials.run_in(out)
            if kind == "a limit of the size of files":
                _go_on(setting, attempt, out, partial(resource.setrlimit, resource.RLIMIT_FSIZE, (100_000, 100_000)))
            elif kind == "a read-only folder":
                opened_for_all(setting.materials.faces)
                opened_for_all(out)
                _go_on(setting, attempt, out, as_nobody)
            elif kind == "/dev/full as the log":
                (out / "log.jsonl").unlink()
                (out / "log.jsonl").symlink_to("/dev/full")
                _go_on(setting, attempt, out, _unprepared, may_end_well=True)
            else:
                _go_on(setting, attempt, out, _print_to_full, may_end_well=True, needs_path=False)


def _print_to_full() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def _go_on(
    setting: Setting,
    attempt: Attempt,
    out: Path,
    prepare: Callable[[], object],
    *,
    may_end_well: bool = False,
    needs_path: bool = True,
) -> None:
    before = newest(out)

    def work() -> int:
        prepare()
        return command(*training(setting.materials.faces, "--out", str(out), steps=8))()

    ended = start(work, setting.place / f"{out.name}.output").wait()
    attempt.expect(newest(out) >= before >= 0, "the checkpoint before is gone")
    attempt.expect(not leftovers(out / "checkpoints"), f"{leftovers(out / 'checkpoints')} are left")
    if not (may_end_well and ended.status == 0):
        _expect_message(attempt, ended, str(out) if needs_path else "")


def _expect_message(attempt: Attempt, ended: Ended, path: str) -> None:
    attempt.expect(ended.status == MISTAKE, f"it should end with {MISTAKE}: {ended.in_short}")
    attempt.expect(ended.is_one_line and "Traceback" not in ended.errors, f"not one line: {ended.in_short}")
    attempt.expect(path in ended.errors, f"the message does not name the path: {ended.in_short}")


LIBRARY = ("a full disk", "a limit of the size of files", "a read-only folder")
EXAMPLE = (*LIBRARY, "/dev/full as the log", "/dev/full as the standard output")
DISKS = Trial(
    name="disks",
    how=(
        "A small disk, a limit of the size of files, a folder of another user, `/dev/full` as the log and as the "
        "output."
    ),
    promise="A disk that is full or cannot be written is an error that names the path; the previous checkpoint is unchanged.",
    arms={
        **{f"checkpoints, {kind}": Arm(run=partial(library_disk, kind=kind), long=3, quick=1) for kind in LIBRARY},
        **{f"training, {kind}": Arm(run=partial(example_disk, kind=kind), long=3, quick=1) for kind in EXAMPLE},
    },
)
