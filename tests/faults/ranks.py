"""A rank of several that is killed."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.children import Child, command, fresh_command, start
from tests.faults.materials import training
from tests.faults.runs import newest, wait_until
from tests.faults.tally import Arm, Setting, Tally, Trial

END_SECONDS = 15.0
RANKS = 2
LAUNCHER = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={RANKS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Ranks that were started.

    Args:
        first: The process that writes what the first rank says.
        others: The other processes that were started.
        left: The process that must end with a message when a rank is lost.
        struck: Returns the number of the process of the rank that will be lost.
    """

    first: Child
    others: tuple[Child, ...]
    left: Child
    struck: Callable[[], int]


def by_launcher(setting: Setting, words: Sequence[str], name: str, rank: int) -> Ranks:
    """Start ranks by ``torchrun``, as new interpreters."""
    launcher = start(fresh_command(words, launcher=LAUNCHER), setting.place / name)
    return Ranks(first=launcher, others=(), left=launcher, struck=lambda: _processes(launcher)[rank])


def alone(setting: Setting, words: Sequence[str], name: str, rank: int) -> Ranks:
    """Start ranks as forks of this process: nobody watches over them, so that they must notice a lost one themselves."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    one, other = (
        start(partial(_as_rank, number, port, words), setting.place / f"{name}-{number}") for number in range(RANKS)
    )
    left, lost = (other, one) if rank == 0 else (one, other)
    return Ranks(first=one, others=(other,), left=left, struck=lambda: lost.pid)


def _as_rank(number: int, port: str, words: Sequence[str]) -> int:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ |= {"RANK": str(number), "LOCAL_RANK": str(number)}
    os.environ |= {"WORLD_SIZE": str(RANKS), "LOCAL_WORLD_SIZE": str(RANKS)}
    return command(*words)()


def lose_rank(
    setting: Setting,
    count: int,
    tally: Tally,
    *,
    rank: int,
    begin: Callable[[Setting, Sequence[str], str, int], Ranks],
) -> None:
    """Kill one rank of a training at a random moment."""
    out = setting.place / "run"
    words = training(setting.materials.faces, "--out", str(out), steps=1_000_000, batch_size=16)
    for number in range(count):
        before = newest(out)
        delay = setting.rng.uniform(0, 3)
        ranks = begin(setting, words, f"output-{number}", rank)
        with tally.attempt(f"rank {rank} killed after {delay:.1f} s of training") as attempt:
            first = ranks.first
            wait_until(lambda: "training" in first.read("errors") + first.read("output"), first)  # noqa: B023
            wait_until(lambda: newest(out) >= max(before, 0), first)  # noqa: B023
            time.sleep(delay)
            os.kill(ranks.struck(), signal.SIGKILL)
            begun = time.monotonic()
            ended = ranks.left.wait(60)
            seconds = time.monotonic() - begun
            tally.most("seconds until the end", round(seconds, 2))
            attempt.expect(
                not ended.hung and seconds <= END_SECONDS, f"it ended after {seconds:.1f} s: {ended.in_short}"
            )
            attempt.expect(ended.status > 0, f"it should fail: {ended.in_short}")
            said = f"rank {rank} has stopped" in ended.errors + ended.output
            attempt.expect(said, f"no message names the rank: {ended.in_short}")
            attempt.expect(newest(out) >= max(before, 0), "the last checkpoint is gone")
        for child in (ranks.first, *ranks.others):
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


def _arm(rank: int, begin: Callable[[Setting, Sequence[str], str, int], Ranks], *, long: int, quick: int) -> Arm:
    run = partial(lose_rank, rank=rank, begin=begin)
    return Arm(run=run, long=long, quick=quick, limits={"seconds": END_SECONDS})


RANKS_LOST = Trial(
    name="ranks",
    how="SIGKILL of one of two ranks at a random moment, under `torchrun`, and without it.",
    promise="If one of several ranks is killed, the run ends within 15 s with a message, and its checkpoint is good.",
    arms={
        "the first rank, under torchrun": _arm(0, by_launcher, long=3, quick=0),
        "the second rank, under torchrun": _arm(1, by_launcher, long=3, quick=0),
        "the first rank": _arm(0, alone, long=7, quick=1),
        "the second rank": _arm(1, alone, long=7, quick=1),
    },
)
