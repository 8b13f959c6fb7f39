"""A few real steps of a training that is not kept: how long each network takes, and what a checkpoint takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.run import Feed, choose_store, profile_rounds
from examples.anime_faces.systems import Hardware, Recipe, Selection, Training, assemble

SHARED = "shared by both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a few steps took.

    Args:
        device: Where they ran.
        seconds: Of a whole step.
        parts: Seconds of a step by network, each part waited for; what belongs to no network is `SHARED`.
        rounds: How many were measured.
        checkpoint: Bytes of a checkpoint.
        saving: Seconds in which it was written.
        memory: The most bytes that the process, or the GPU, held. None: the system does not say.
    """

    device: str
    seconds: float
    parts: dict[str, float]
    rounds: int
    checkpoint: int
    saving: float
    memory: int | None


def try_steps(
    recipe: Recipe,
    options: Any,
    dataset: Dataset,
    selection: Selection,
    hardware: Hardware,
    *,
    steps: int,
    seconds: float,
) -> Trial:
    """Play steps from the middle of a plan, and write a checkpoint into a temporary folder.

    Args:
        recipe: How to train.
        options: Its options.
        dataset: The data.
        selection: The pictures in use.
        hardware: What it computes on; torch has its number of threads afterwards.
        steps: The planned steps.
        seconds: Begin no further step after this time.
    """
    torch.set_num_threads(hardware.threads)
    second = None if selection.second is None else selection.second.images
    store = choose_store(dataset.images, hardware, second=second)
    built: list[Training] = []

    def build(gradients: Callable[[], gk.training.Gradients]) -> tuple[Training, Feed]:
        torch.manual_seed(0)
        training = assemble(recipe, selection.description, options, steps=steps, hardware=hardware, gradients=gradients)
        built.append(training)
        return training, Feed.of_system(training.system, store, selection, seed=0, hardware=hardware)

    found = profile_rounds(build, steps=steps, seconds=seconds)
    checkpoint, saving = _saved(built[0])
    return Trial(
        device=hardware.device,
        seconds=found.whole,
        parts=by_network(found.parts),
        rounds=found.rounds,
        checkpoint=checkpoint,
        saving=saving,
        memory=_most_memory(hardware.device),
    )


def by_network(parts: "dict[str, float] | Any") -> dict[str, float]:
    """Return the seconds of each network, all parts of its updates together.

    Example:
        >>> by_network({"critic: forward passes": 1.0, "critic/r1: optimizer": 0.5, "generator: optimizer": 2.0, "data": 0.25})
        {'critic': 1.5, 'generator': 2.0, 'shared by both': 0.25}
    """
    sums: dict[str, float] = {}
    for name, seconds in parts.items():
        player = name.partition(":")[0].partition("/")[0] if ":" in name else SHARED
        sums[player] = sums.get(player, 0.0) + seconds
    return sums


def _saved(training: Training) -> tuple[int, float]:
    """Write the state into a temporary folder; returns bytes and seconds."""
    with TemporaryDirectory() as folder:
        path, before = Path(folder) / "checkpoint.pt", time.perf_counter()
        gk.training.save_checkpoint(path, {"state": training.state_dict()})
        return path.stat().st_size, time.perf_counter() - before


def _most_memory(device: str) -> int | None:
    if torch.device(device).type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii", errors="replace").splitlines() if status.exists() else []
    peaks = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return peaks[0] if peaks else None
