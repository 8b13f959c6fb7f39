"""SIGKILL while checkpoints are saved."""

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

import gankit as gk
from tests.faults.children import PATIENCE, start
from tests.faults.tally import Arm, Setting, Tally, Trial, UntriedError

NUMBERS = 500_000
"""Of each of two tensors: 4 MB in all, so that a save takes long enough to be hit."""
LONGEST = 0.25
OTHER = Path("/dev/shm")


def state_of(step: int) -> dict[str, object]:
    """Return a state in which every number is the step, so that a mixture of two saves shows."""
    return {"first": torch.full((NUMBERS,), float(step)), "second": torch.full((NUMBERS,), float(step)), "step": step}


def save_forever(folder: Path, temporary: Path, pipe: int) -> None:
    """Save one step after the other, and write the number of each into the pipe once it is saved."""
    os.environ["TMPDIR"] = str(temporary)
    tempfile.tempdir = None
    checkpoints = gk.training.Checkpoints(folder)
    step = max(checkpoints.steps(), default=0)
    while True:
        step += 1
        checkpoints.save(step, state_of(step))
        os.write(pipe, f"{step}\n".encode())


def save_once(folder: Path) -> None:
    """Be the next writer."""
    checkpoints = gk.training.Checkpoints(folder)
    step = max(checkpoints.steps(), default=0) + 1
    checkpoints.save(step, state_of(step))


def leftovers(folder: Path) -> list[str]:
    """Return the names of what is neither a checkpoint nor a lock."""
    names = (path.name for path in folder.iterdir())
    return [name for name in names if not name.endswith(".lock") and (name[:11], name[-3:]) != ("checkpoint-", ".pt")]


def kill(setting: Setting, count: int, tally: Tally, *, other: bool) -> None:
    """Kill a process that saves, `count` times, and look at what it leaves.

    Args:
        setting: See `Arm`.
        count: How often.
        tally: Receives the attempts.
        other: Have the folder of temporary files on another file system.
    """
    folder, temporary = setting.place / "checkpoints", setting.place / "temporary"
    if other:
        if not OTHER.is_dir() or OTHER.stat().st_dev == setting.place.stat().st_dev:
            raise UntriedError(f"{OTHER} is no other file system here")
        temporary = Path(tempfile.mkdtemp(dir=OTHER))
    temporary.mkdir(exist_ok=True)
    try:
        start(partial(save_once, folder), setting.place / "first").wait()
        for number in range(count):
            _attempt(setting, tally, folder, temporary, number)
        tally.add("files left in TMPDIR", len(list(temporary.iterdir())))
    finally:
        shutil.rmtree(temporary)


def _attempt(setting: Setting, tally: Tally, folder: Path, temporary: Path, number: int) -> None:
    before = max(gk.training.Checkpoints(folder).steps())
    delay = setting.rng.uniform(0, LONGEST)
    with tally.attempt(f"kill {number}, {1000 * delay:.0f} ms after a save") as attempt:
        acknowledged = max([before, *_kill_while_saving(partial(save_forever, folder, temporary), setting, delay)])
        left = leftovers(folder)
        tally.add("kills in the middle of a file", bool(left))
        for step in gk.training.Checkpoints(folder).steps():
            try:
                gk.training.load_checkpoint(gk.training.Checkpoints(folder).path(step))
            except gk.training.CheckpointError as error:
                attempt.expect(holds=False, problem=f"corrupt: {error}")
        found = gk.training.Checkpoints(folder).load_latest()
        attempt.expect(found is not None, "missing: no checkpoint is left")
        found = found or (0, state_of(0))
        step, state = found[0], dict[str, Any](found[1])
        attempt.expect(step >= acknowledged, f"lost: step {acknowledged} was acknowledged, the newest is {step}")
        torn = any(bool((state[name] != step).any()) for name in ("first", "second"))
        attempt.expect(not torn and state["step"] == step, f"torn: checkpoint {step} holds another state")
        next_writer = start(partial(save_once, folder), setting.place / "next").wait()
        attempt.expect(next_writer.status == 0, f"the next writer failed: {next_writer.in_short}")
        orphans = leftovers(folder)
        tally.add("orphans before the next writer", len(left))
        attempt.expect(not orphans, f"orphans: {orphans} are left after the next writer's first save")


def _kill_while_saving(work: Callable[[int], None], setting: Setting, delay: float) -> list[int]:
    """Kill a process some seconds after its first save; return the steps that it acknowledged."""
    reader, writer = os.pipe()
    child = start(partial(work, writer), setting.place / "child")
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        first = pipe.readline()
        time.sleep(delay)
        child.send(signal.SIGKILL)
        rest = pipe.read()
    ended = child.wait(PATIENCE)
    if not first or ended.status != -signal.SIGKILL:
        raise RuntimeError(f"the process that saves ended by itself: {ended.in_short}")
    return [int(line) for line in (first + rest).split()]


def _damage(
    setting: Setting, count: int, tally: Tally, *, how: Callable[[random.Random, bytes], tuple[str, bytes]]
) -> None:
    path = setting.place / "checkpoint.pt"
    state = {
        "weights": torch.randn(37, 41),
        "moments": [torch.randn(11), torch.randint(0, 255, (13,))],
        "step": 7,
        "name": "a",
    }
    gk.training.save_checkpoint(path, state)
    whole = path.read_bytes()
    with tally.attempt("the undamaged file") as attempt:
        attempt.expect(gk.training.load_checkpoint(path)["step"] == 7, "it must load")
    tally.tried -= 1  # it is no fault
    for _ in range(count):
        what, data = how(setting.rng, whole)
        path.write_bytes(data)
        with tally.attempt(what) as attempt:
            try:
                gk.training.load_checkpoint(path)
            except gk.training.CheckpointError as error:
                attempt.expect(str(path) in str(error), f"the message does not name the file: {error}")
            else:
                attempt.expect(holds=False, problem="it was loaded")


def flip(rng: random.Random, whole: bytes) -> tuple[str, bytes]:
    """Flip one bit."""
    place = rng.randrange(8 * len(whole))
    data = bytearray(whole)
    data[place // 8] ^= 1 << place % 8
    return f"bit {place} of {8 * len(whole)} flipped", bytes(data)


def cut(rng: random.Random, whole: bytes) -> tuple[str, bytes]:
    """Leave out the end."""
    length = rng.randrange(len(whole))
    return f"cut to {length} of {len(whole)} bytes", whole[:length]


def extend(rng: random.Random, whole: bytes) -> tuple[str, bytes]:
    """Append zeros, random bytes, a part of the file, or the file again."""
    length = rng.randint(1, len(whole))
    kinds = {
        "zeros": bytes(length),
        "random bytes": rng.randbytes(length),
        "its own end": whole[-length:],
        "itself": whole,
    }
    kind = rng.choice(list(kinds))
    return f"{len(kinds[kind])} bytes appended, {kind}", whole + kinds[kind]


KILLS = Trial(
    name="kills",
    how=(
        "SIGKILL at random moments of saves of 4 MB, half of them with `TMPDIR` on another file system; then the "
        "next writer saves."
    ),
    promise="A process that is killed while it saves loses no acknowledged checkpoint, and leaves none that is damaged.",
    arms={
        "TMPDIR on the same file system": Arm(run=partial(kill, other=False), long=100, quick=3),
        "TMPDIR on another file system": Arm(run=partial(kill, other=True), long=100, quick=2),
    },
)
DAMAGE = Trial(
    name="damage",
    how="One random bit flipped, the end cut off, bytes appended.",
    promise="A checkpoint in which anything was changed is refused.",
    arms={
        "one bit flipped": Arm(run=partial(_damage, how=flip), long=1000, quick=100),
        "cut short": Arm(run=partial(_damage, how=cut), long=300, quick=30),
        "bytes appended": Arm(run=partial(_damage, how=extend), long=100, quick=20),
    },
)
