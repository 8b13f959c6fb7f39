"""Peak memory of a piece of work, on a CPU in a process of its own."""

import ctypes
import gc
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

import torch

MEBIBYTE = 2**20
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
Work: TypeAlias = tuple[Callable[[], object], Callable[[], object]]
"""A call that is measured, and one that drops what only the next call fills, such as gradients."""


def peak_in_own_process(prepare: Callable[..., Work], *arguments: Any) -> float | None:
    """Return the most mebibytes that the work adds to a process, see `peak_here`.

    Args:
        prepare: Builds the work there, a function of a module.
        arguments: Its arguments; they are pickled.

    Returns:
        None where the system does not tell it: only Linux does.

    Raises:
        EOFError: The work failed; the process has printed why.
    """
    if not CLEAR.exists():
        return None
    context = multiprocessing.get_context(
        "forkserver"
    )  # torch is imported once, in the server, and has no threads there
    context.set_forkserver_preload([__name__, prepare.__module__])
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_send_peak, args=(sending, torch.get_num_threads(), prepare, arguments))
    process.start()
    sending.close()
    try:
        return receiving.recv()
    finally:
        process.join()


def peak_on_cuda(iterate: Callable[[], object], clear: Callable[[], object], device: torch.device) -> float:
    """Return the most mebibytes that the second call of `iterate` adds to what the device holds before it."""
    iterate()
    clear()
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    iterate()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before) / MEBIBYTE


def peak_here(iterate: Callable[[], object], clear: Callable[[], object]) -> float:
    """Return the most mebibytes of resident memory that a call of `iterate` adds to this process, after a first one.

    Of two calls the smaller figure counts: pages that the system maps late, such as code, are in the first.

    Args:
        iterate: What is measured.
        clear: Called between both calls, to drop what only the next call fills, such as gradients.
    """
    iterate()
    peaks = []
    for _ in range(2):
        clear()
        gc.collect()
        _give_back()
        CLEAR.write_text("5", encoding="ascii")  # sets the peak that the system keeps to what is resident now
        before = _resident("VmRSS")
        iterate()
        peaks.append((_resident("VmHWM") - before) / 1024)
    return min(peaks)


def _send_peak(sending: Connection, threads: int, prepare: Callable[..., Work], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(threads)
    sending.send(peak_here(*prepare(*arguments)))
    sending.close()


def _resident(name: str) -> int:
    """Return a line of the process's status, in kibibytes."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _give_back() -> None:
    """Let the C library return what was freed to the system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
