"""Run something in a forked process, within limits, and return its result."""

import gc
import os
import pickle
import resource
import select
import signal
from collections.abc import Callable
from typing import Any

import torch


class OutOfTimeError(Exception):
    """The child used up its time."""


class CrashedError(Exception):
    """The child died without a result."""


def in_child(work: Callable[[], Any], *, seconds: float) -> Any:
    """Result of `work` in a forked process that may use `seconds` of processor time, and ten times as many in total.

    Its changes stay in that process. It may limit its pieces by `bound_next`.
    """
    reader, writer = os.pipe()
    gc.freeze()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work_and_exit(work, writer, seconds)
    os.close(writer)
    try:
        data = _read_all(reader, 10 * seconds)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        data = None
    finally:
        os.close(reader)
    _, status = os.waitpid(child, 0)
    if data is None or (
        os.WIFSIGNALED(status) and os.WTERMSIG(status) in {signal.SIGXCPU, signal.SIGPROF, signal.SIGKILL}
    ):
        raise OutOfTimeError
    if not data:
        raise CrashedError
    return pickle.loads(data)


def bound_next(seconds: float) -> None:
    """End this process as out of time unless it calls this again within `seconds` of processor time."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def warm_up() -> None:
    """Load what would make the first test of a kind slow, before processes are forked."""
    # Before the first compilation, which in CUDA builds of torch would start threads of autograd that a fork does not have.
    torch.ones(1, requires_grad=True).sum().backward()
    torch.compile(lambda x: x + 1, backend="aot_eager", fullgraph=True)(
        torch.ones(1, requires_grad=True)
    ).sum().backward()
    torch.compiler.reset()


def _work_and_exit(work: Callable[[], Any], writer: int, seconds: float) -> None:
    limit = int(seconds) + 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(pickle.dumps(work()))
    finally:
        os._exit(0)


def _read_all(reader: int, seconds: float) -> bytes:
    pieces = []
    while True:
        ready, _, _ = select.select([reader], [], [], seconds)
        if not ready:
            raise TimeoutError
        piece = os.read(reader, 1 << 16)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
