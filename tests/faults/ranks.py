"""A rank of several that is killed."""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from tests.faults.children import Child, fresh_command, start
from tests.faults.materials import training
from tests.faults.runs import newest, wait_until
from tests.faults.tally import Arm, Setting, Tally, Trial

END_SECONDS = 15.0
RANKS = 2
LAUNCHER = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={RANKS}")


def lose_rank(setting: Setting, count: int, tally: Tally, *, rank: int) -> None:
    """Kill one rank of a training at a random moment."""
    out = setting.place / "run"
    words = training(setting.materials.faces, "--out", str(out), steps=1_000_000, batch_size=16)
    for number in range(count):
        before = newest(out)
        delay = setting.rng.uniform(0, 3)
        child = start(fresh_command(words, launcher=LAUNCHER), setting.place / f"output-{number}")
        with tally.attempt(f"rank {rank} killed after {delay:.1f} s of training") as attempt:
            wait_until(lambda: "training" in child.read("errors") + child.read("output"), child)  # noqa: B023
            wait_until(lambda: newest(out) >= max(before, 0), child)  # noqa: B023
            time.sleep(delay)
            os.kill(_processes(child)[rank], signal.SIGKILL)
            begun = time.monotonic()
            ended = child.wait(60)
            seconds = time.monotonic() - begun
            tally.most("seconds until the end", round(seconds, 2))
            attempt.expect(
                not ended.hung and seconds <= END_SECONDS, f"it ended after {seconds:.1f} s: {ended.in_short}"
            )
            attempt.expect(ended.status > 0, f"it should fail: {ended.in_short}")
            said = f"rank {rank} has stopped" in ended.errors + ended.output
            attempt.expect(said, f"no message names the rank: {ended.in_short}")
            attempt.expect(newest(out) >= max(before, 0), "the last checkpoint is gone")
        child.kill()


def _processes(launcher: Child) -> dict[int, int]:
    """Return the processes of the ranks, by rank."""
    found: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
                words = (folder / "environ").read_text(encoding="utf-8", errors="replace").split("\0")
            except OSError:
                continue
            names = dict(word.split("=", 1) for word in words if "=" in word)
            if int(parent) == launcher.pid and "RANK" in names:
                found[int(names["RANK"])] = int(folder.name)
    if len(found) != RANKS:
        raise RuntimeError(f"{launcher.pid} has the ranks {sorted(found)}, not {RANKS} of them: {sys.platform}")
    return found


RANKS_LOST = Trial(
    name="ranks",
    how="SIGKILL of one of two ranks under `torchrun`, at a random moment.",
    promise="Where one of several ranks is killed, the run ends within 15 s with a message, and its checkpoint is good.",
    arms={
        "the first rank": Arm(run=partial(lose_rank, rank=0), long=10, quick=0, limits={"seconds": END_SECONDS}),
        "the second rank": Arm(run=partial(lose_rank, rank=1), long=10, quick=1, limits={"seconds": END_SECONDS}),
    },
)
