"""Results, one small file a run, so that an interrupted table goes on where it stopped."""

import json
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one run measured, and everything that it depends on.

    Attributes:
        experiment: The experiment's name.
        arm: The arm's name.
        seed: Of networks, data and latents.
        protocol: The settings of the run; a record of other settings is stale.
        figures: What was measured.
        seconds: Processor time of the run.
        torch: Version of torch.
        threads: Threads that torch used.
        machine: The kind of processor.
    """

    experiment: str
    arm: str
    seed: int
    protocol: dict[str, object]
    figures: dict[str, Any]
    seconds: float
    torch: str
    threads: int
    machine: str


def make_record(
    experiment: str,
    arm: str,
    seed: int,
    *,
    protocol: dict[str, object],
    figures: dict[str, Any],
    seconds: float,
) -> Record:
    """Return the record of a run that has just ended in this process."""
    return Record(
        experiment=experiment,
        arm=arm,
        seed=seed,
        protocol=_plain(protocol),
        figures=figures,
        seconds=round(seconds, 1),
        torch=torch.__version__,
        threads=torch.get_num_threads(),
        machine=_machine(),
    )


def save(folder: Path, record: Record) -> None:
    """Write a record; the file is whole or absent, also when the program is stopped meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    path = _path(folder, record.experiment, record.arm, record.seed)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def load(folder: Path, experiment: str, arm: str, seed: int, *, protocol: dict[str, object]) -> Record | None:
    """Return the kept record of a run, or None where there is none of this protocol."""
    path = _path(folder, experiment, arm, seed)
    if not path.exists():
        return None
    record = Record(**json.loads(path.read_text(encoding="utf-8")))
    return record if record.protocol == _plain(protocol) else None


def _path(folder: Path, experiment: str, arm: str, seed: int) -> Path:
    words = re.findall(r"[a-z0-9.]+", arm.lower())
    return folder / f"{'-'.join([experiment, *words, str(seed)])}.json"


def _plain(protocol: dict[str, object]) -> dict[str, object]:
    # As JSON gives it back: tuples are lists there.
    return json.loads(json.dumps(protocol))


def _machine() -> str:
    cpu = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*: (.+)", cpu.read_text(encoding="utf-8")) if cpu.exists() else []
    return names[0] if names else platform.processor() or platform.machine()
