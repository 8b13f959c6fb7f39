"""Is the machine idle? The share of the processors that others use, and how even a fixed piece of work is."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

MOST_OTHERS = 0.05
MOST_SPREAD = 0.10
PROCESSES = Path("/proc")
UNUSED = (3, 4)  # columns of the first line of /proc/stat: idle, and waiting for a disk


class BusyError(RuntimeError):
    """The machine does other work, so times would say little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idleness:
    """What else the machine did.

    Args:
        others: Share of all processors that other processes used; None where the system does not say.
        spread: Distance of the quartiles of a fixed piece of work, over its median.
        load: Processes that were ready to run, on average over a minute; this program is one of them.
    """

    others: float | None
    spread: float
    load: float

    @property
    def idle(self) -> bool:
        """Whether both are small."""
        return (self.others or 0.0) <= MOST_OTHERS and self.spread <= MOST_SPREAD

    def __str__(self) -> str:
        """Return the figures as one readable line."""
        others = "unknown" if self.others is None else f"{100 * self.others:.1f} %"
        return (
            f"other processes used {others} of the processors (bound {100 * MOST_OTHERS:.0f} %), the quartiles of a fixed "
            f"product lay {100 * self.spread:.1f} % apart (bound {100 * MOST_SPREAD:.0f} %), load {self.load:.1f}"
        )

    def as_figures(self) -> dict[str, float | None]:
        """Return plain values for a record."""
        return asdict(self)


class Watch:
    """Measures what other processes use between its start and `others`."""

    def __init__(self, processes: Path = PROCESSES) -> None:
        self._processes = processes
        self._start = self._ticks()

    def others(self) -> float | None:
        """Return the share of all processors that others have used since the start, or None where it is not known."""
        now, start = self._ticks(), self._start
        if now is None or start is None or now[0] <= start[0]:
            return None
        total, busy, own = (after - before for after, before in zip(now, start, strict=True))
        return max(0.0, busy - own) / total

    def _ticks(self) -> tuple[float, float, float] | None:
        file = self._processes / "stat"
        if not file.exists():
            return None
        ticks = [int(number) for number in file.read_text(encoding="utf-8").splitlines()[0].split()[1:9]]
        unused = sum(ticks[column] for column in UNUSED)
        return float(sum(ticks)), float(sum(ticks) - unused), float(own_ticks(self._processes, os.getpid()))


def own_ticks(processes: Path, own: int) -> int:
    """Return the time of a process, of what it has started, such as compilers, and of children of these that have ended."""
    parents: dict[int, int] = {}
    times: dict[int, int] = {}
    for folder in processes.glob("[0-9]*"):
        try:
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has just ended
            continue
        fields = text.rpartition(")")[2].split()  # the name, in brackets, may hold spaces
        parents[int(folder.name)] = int(fields[1])
        times[int(folder.name)] = sum(map(int, fields[11:15]))

    def belongs(process: int) -> bool:
        while process != own and process in parents:
            process = parents[process]
        return process == own

    return sum(time for process, time in times.items() if belongs(process))


def look(*, seconds: float = 3.0, clock: Callable[[], float] = time.perf_counter) -> Idleness:
    """Wait a little, then time a fixed product, and return what was seen."""
    watch = Watch()
    time.sleep(seconds)
    others = watch.others()
    left, right = torch.ones(384, 384), torch.ones(384, 384)
    times = []
    for _ in range(60):
        start = clock()
        for _ in range(8):
            torch.mm(left, right)
        times.append(clock() - start)
    low, middle, high = statistics.quantiles(times[20:], n=4)
    return Idleness(others=others, spread=(high - low) / middle, load=os.getloadavg()[0])


def refuse_busy(idleness: Idleness, *, busy: bool) -> None:
    """Raise unless the machine is idle or the caller has said that it need not be.

    Raises:
        BusyError: It is not; the message has the figures.
    """
    if not busy and not idleness.idle:
        raise BusyError(
            f"the machine is not idle: {idleness}. Wait until it is, or give --busy to publish a table that says so"
        )
