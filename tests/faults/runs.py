"""Trainings of the example that are stopped, started twice, or given numbers that are not finite."""

import os
import re
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

import gankit as gk
from tests.faults.children import PATIENCE, Child, Ended, command, fresh_command, start
from tests.faults.materials import training
from tests.faults.tally import Arm, Attempt, Setting, Tally, Trial

STEPS = 40
END_SECONDS = 10.0
IN_USE, DIVERGED, TERMINATED = 3, 4, 128 + signal.SIGTERM
NOT_FINITE = (float("nan"), float("inf"))


MOST_FRESH = 3
"""How many resumed trainings of an arm are new interpreters, which take ten times as long to start as forks."""


def begin(setting: Setting, words: Sequence[str], name: str, *, fresh: bool) -> Child:
    """Start a command of the example, its output in a folder of this name."""
    make = fresh_command(words) if setting.fresh and fresh else command(*words)
    return start(make, setting.place / f"{name}.output")


def digest_in(ended: Ended) -> str:
    """Return the digest of all state that a training prints at its end."""
    found = re.search(r"^digest +([0-9a-f]{64})$", ended.output, re.MULTILINE)
    return "" if found is None else found[1]


def newest(out: Path) -> int:
    """Return the step of the newest checkpoint that can be loaded, -1 if there is none; it must hold no bad number."""
    found = gk.training.Checkpoints(out / "checkpoints").load_latest() if (out / "checkpoints").is_dir() else None
    bad = [] if found is None else poisoned(found[1])
    if bad:
        raise ValueError(f"the checkpoint of step {found[0] if found else ''} is poisoned: {bad[:3]}")
    return -1 if found is None else found[0]


def poisoned(state: object, where: str = "state") -> list[str]:
    """Return the names of tensors that hold NaN or infinity."""
    if isinstance(state, torch.Tensor):
        return [where] if state.is_floating_point() and not bool(state.isfinite().all()) else []
    pairs = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list | tuple) else ()
    return [name for key, value in pairs for name in poisoned(value, f"{where}[{key!r}]")]


def has_begun(out: Path) -> bool:
    """Whether a training has saved its first checkpoint."""
    return any(out.glob("checkpoints/checkpoint-*.pt"))


def wait_until(holds: Callable[[], bool], child: Child) -> None:
    """Wait for something that a process does.

    Raises:
        RuntimeError: It has ended, or did not do it in time.
    """
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if child.has_ended() or time.monotonic() > deadline:
            raise RuntimeError(f"a training did not begin: {child.wait(0).in_short}")
        time.sleep(0.002)


def go_on(setting: Setting, count: int, tally: Tally, *, shards: int) -> None:
    """Stop a training by SIGTERM at a random step, go on, and compare all state with that of a training without a stop.

    Args:
        setting: See `Arm`.
        count: How often.
        tally: Receives the attempts.
        shards: In how many shards the pictures are, which threads read; 0 for one array.
    """
    data = setting.materials.shards(shards) if shards else setting.materials.faces
    words = training(data, steps=STEPS)
    out = setting.place / "whole"
    child = begin(setting, [*words, "--out", str(out)], "whole", fresh=True)
    wait_until(lambda: has_begun(out), child)
    begun = time.monotonic()
    whole = child.wait()
    duration = time.monotonic() - begun
    if whole.status or not digest_in(whole):
        raise RuntimeError(f"the training without a stop failed: {whole.in_short}")
    done = 0
    for number in range(20 * count):  # a signal may come too late
        to_group = bool(number % 2)
        delay = setting.rng.uniform(0, 0.8 * duration)
        out = setting.place / f"cut-{number}"
        child = begin(setting, [*words, "--out", str(out)], f"cut-{number}", fresh=done < MOST_FRESH)
        wait_until(lambda: has_begun(out), child)  # noqa: B023  called here only
        time.sleep(delay)
        if child.has_ended():
            continue
        target = "its process group" if to_group else "the process"
        with tally.attempt(f"SIGTERM to {target} after {delay:.2f} s") as attempt:
            _stop(child, attempt, tally, out, to_group=to_group)
            again = begin(setting, [*words, "--out", str(out)], f"resumed-{number}", fresh=done < MOST_FRESH)
            resumed = again.wait()
            attempt.expect(resumed.status == 0, f"it did not go on: {resumed.in_short}")
            attempt.expect(digest_in(resumed) == digest_in(whole), "the state at the end is another")
        done += 1
        if done == count:
            return
    tally.failures.append("trainings ended before they were stopped: make them longer")


def _stop(child: Child, attempt: Attempt, tally: Tally, out: Path, *, to_group: bool) -> None:
    sent = time.monotonic()
    child.send(signal.SIGTERM, to_group=to_group)
    ended = child.wait()
    seconds = time.monotonic() - sent
    tally.most("seconds until the end", round(seconds, 2))
    attempt.expect(not ended.hung and seconds <= END_SECONDS, f"it ended after {seconds:.1f} s")
    step = newest(out)
    stopped = re.search(r"^stopped +after step (\d+)", ended.output, re.MULTILINE)
    if ended.status in (0, -signal.SIGTERM) and step == STEPS:
        return  # the signal came after the last step
    attempt.expect(ended.status == TERMINATED, f"it should end with {TERMINATED}: {ended.in_short}")
    attempt.expect(
        stopped is not None and step == int(stopped[1]), f"the checkpoint is of step {step}: {ended.in_short}"
    )


def start_together(setting: Setting, count: int, tally: Tally) -> None:
    """Start the same training `count` times at once, as forks: new interpreters take seconds to load, each another time."""
    out = setting.place / "run"
    words = training(setting.materials.faces, "--out", str(out), steps=100_000)
    reader, writer = os.pipe()

    def work() -> int:
        os.read(reader, 1)
        return command(*words)()

    children = [start(work, setting.place / f"start-{number}") for number in range(count)]
    os.write(writer, bytes(count))
    with tally.attempt(f"{count} starts of one run") as attempt:
        deadline = time.monotonic() + PATIENCE
        while sum(not child.has_ended() for child in children) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        left = [child for child in children if not child.has_ended()]
        attempt.expect(len(left) == 1, f"{len(left)} of them run")
        for child in children:
            if child not in left:
                ended = child.wait()
                tally.most("processor seconds of one that ended", round(ended.own_seconds, 2))
                refused = ended.status == IN_USE and "in use by another training run" in ended.errors
                attempt.expect(refused and ended.is_one_line, f"one was not refused: {ended.in_short}")
        if left:
            wait_until(lambda: has_begun(out), left[0])
            left[0].send(signal.SIGTERM)
            ended = left[0].wait()
            attempt.expect(ended.status == TERMINATED, f"the one that runs was disturbed: {ended.in_short}")
            attempt.expect(newest(out) >= 0, "no checkpoint can be loaded")
    for child in children:
        child.kill()
    tally.tried = count
    os.close(reader)
    os.close(writer)


def poison_run(setting: Setting, count: int, tally: Tally) -> None:
    """Make the output of a random layer not finite, at a random call."""
    for number in range(count):
        call, value = setting.rng.randrange(100, 1500), NOT_FINITE[number % 2]
        out = setting.place / f"run-{number}"
        words = training(setting.materials.faces, "--out", str(out), steps=100_000)
        with tally.attempt(f"{value} in the result of convolution number {call}") as attempt:
            ended = start(partial(_with_poison, words, call, value), setting.place / f"run-{number}.output").wait()
            attempt.expect(ended.status == DIVERGED, f"it should end with {DIVERGED}: {ended.in_short}")
            attempt.expect(ended.is_one_line, f"not one line: {ended.in_short}")
            attempt.expect(newest(out) >= 0, "no checkpoint can be loaded")


def _with_poison(words: Sequence[str], call: int, value: float) -> int:
    calls = 0

    def hook(layer: nn.Module, _: object, result: torch.Tensor) -> torch.Tensor | None:
        nonlocal calls
        if not isinstance(layer, nn.Conv2d):
            return None
        calls += 1
        return result + value if calls == call else None

    hooks: Any = nn.modules.module
    hooks.register_module_forward_hook(hook)
    return command(*words)()


GO_ON = Trial(
    name="resume",
    how=(
        "SIGTERM to the process or its group at a random step, then the same command again; digests of all state "
        "are compared."
    ),
    promise=(
        "A training that gets SIGTERM finishes its step, saves, and ends within 10 s with status 143. When it is "
        "resumed, it ends with the same state as without a stop, bit for bit."
    ),
    arms={
        "pictures in one array": Arm(run=partial(go_on, shards=0), long=10, quick=0, limits={"seconds": END_SECONDS}),
        "pictures in 1 shard": Arm(run=partial(go_on, shards=1), long=10, quick=0, limits={"seconds": END_SECONDS}),
        "pictures in 2 shards": Arm(run=partial(go_on, shards=2), long=10, quick=1, limits={"seconds": END_SECONDS}),
    },
)
STARTS = Trial(
    name="starts",
    how="Simultaneous starts of the same command.",
    promise="Of several trainings that are started in one folder, exactly one runs; the others end at once with status 3.",
    arms={"at the same moment": Arm(run=start_together, long=20, quick=3)},
)
POISON = Trial(
    name="poison",
    how="NaN or infinity in the result of a random layer, at a random step.",
    promise="A training in which a number becomes NaN or infinite ends with status 4, and its checkpoint is good.",
    arms={"in a layer of the example": Arm(run=poison_run, long=20, quick=1)},
)
