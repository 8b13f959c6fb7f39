"""Peak memory of an iteration: on a CPU in a process of its own, on a GPU as its allocator counts."""

import ctypes
import gc
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from benchmarks.step_throughput.cases import Case
from benchmarks.step_throughput.forms import FORMS, Form
from benchmarks.step_throughput.setting import Setting

MEBIBYTE = 2**20
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_megabytes(case: Case, form: Form, setting: Setting) -> float | None:
    """Return the most mebibytes that an iteration holds at a time, over what is held between iterations.

    Weights, optimizers' states and batches are not counted; gradients, activations and fakes are. The first iteration, which
    also compiles, is not measured.

    Returns:
        None where the system does not tell it: on a CPU only Linux does.
    """
    if setting.device.type == "cuda":
        return peak_on_cuda(lambda: _prepared(case, form, setting), setting.device)
    if not CLEAR.exists():
        return None
    context = multiprocessing.get_context(
        "forkserver"
    )  # torch is imported once, in the server, and has no threads there
    context.set_forkserver_preload([__name__])
    receiving, sending = context.Pipe(duplex=False)
    place = FORMS.index(form)
    process = context.Process(
        target=_send_peak, args=(sending, case.slug, place, setting, torch.get_num_threads()), daemon=True
    )
    process.start()
    sending.close()
    try:
        return receiving.recv()
    finally:
        process.join()


def peak_on_cuda(prepare: Callable[[], Callable[[], None]], device: torch.device) -> float:
    """Return the most mebibytes that the second call of what `prepare` returns adds to what the device holds before it."""
    iterate = prepare()
    iterate()
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    iterate()
    torch.cuda.synchronize(device)
    return (torch.cuda.max_memory_allocated(device) - before) / MEBIBYTE


def peak_here(iterate: Callable[[], None], clear: Callable[[], None]) -> float:
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


def _send_peak(sending: Connection, slug: str, place: int, setting: Setting, threads: int) -> None:
    from benchmarks.step_throughput.cases import CASES  # noqa: PLC0415 (in the other process)

    torch.set_num_threads(threads)
    case = next(case for case in CASES if case.slug == slug)
    form = FORMS[place]
    own = form.setting(case, setting)
    iterate, networks = form.start(case, own)
    batches = case.batches(own, case.rule.critic_steps)

    def clear() -> None:
        for network in (networks.generator, networks.critic):
            network.zero_grad()

    sending.send(peak_here(lambda: iterate(batches), clear))
    sending.close()


def _prepared(case: Case, form: Form, setting: Setting) -> Callable[[], None]:
    own = form.setting(case, setting)
    iterate, networks = form.start(case, own)
    batches = case.batches(own, case.rule.critic_steps)

    def run() -> None:
        for network in (networks.generator, networks.critic):
            network.zero_grad()
        iterate(batches)

    return run


def _resident(name: str) -> int:
    """Return a line of the process's status, in kibibytes."""
    lines = STATUS.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def _give_back() -> None:
    """Let the C library return what was freed to the system."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
