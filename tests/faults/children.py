"""Child processes whose output, time and memory are measured, and which can be killed at any moment."""

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARS = ("training: ", "reading: ", "rendering: ", "checking: ")
BESIDES = ("note: ", "what to do: ", "detail: ")
PATIENCE = 300.0
"""Seconds until a child that should have ended is killed, and counts as hanging."""
ROOM = 4 << 30
"""Bytes of address space that a child may use beyond those that it begins with: what never ends must not fill the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended.

    Args:
        status: Its exit status, or the negative number of the signal that ended it.
        output: What it wrote to its standard output.
        errors: What it wrote to its standard error.
        own_seconds: Processor time of it and its children.
        peak: The largest memory that it used, in bytes.
        hung: Whether it was killed since it had not ended in time.
    """

    status: int
    output: str
    errors: str
    own_seconds: float
    peak: int
    hung: bool

    @property
    def in_short(self) -> str:
        """The status, and the end of what it wrote."""
        said = " | ".join((self.errors or self.output).strip().splitlines()[-3:])
        return f"{'hung' if self.hung else f'status {self.status}'}, {said[-300:] or 'nothing written'}"

    @property
    def is_one_line(self) -> bool:
        """Whether it has said in one line what is wrong, besides notes, what to do, details and bars of progress."""
        lines = [line for line in self.errors.replace("\r", "\n").splitlines() if line.strip()]
        said = [line for line in lines if not line.strip().startswith((*BESIDES, *BARS))]
        return len(said) == 1 and said[0].startswith("error: ")


class Child:
    """A process that was just started, in a session and process group of its own.

    Args:
        pid: Its number.
        folder: Where its output goes.
    """

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid = pid
        self._folder = folder
        self._found: tuple[int, resource.struct_rusage] | None = None

    def send(self, number: int, *, to_group: bool = False) -> None:
        """Send a signal to the process, or to its whole group; a process that has ended gets none."""
        if not self.has_ended():
            (os.killpg if to_group else os.kill)(self.pid, number)

    def has_ended(self) -> bool:
        """Whether it has ended."""
        if self._found is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self._found = os.waitstatus_to_exitcode(status), usage
        return self._found is not None

    def wait(self, seconds: float = PATIENCE) -> Ended:
        """Wait for its end, and kill it where that does not come."""
        deadline = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(0.002)
        hung = not self.has_ended()
        if hung:
            self.kill()
        assert self._found is not None
        status, usage = self._found
        return Ended(
            status=status,
            output=self.read("output"),
            errors=self.read("errors"),
            own_seconds=usage.ru_utime + usage.ru_stime,
            peak=usage.ru_maxrss * 1024,
            hung=hung,
        )

    def kill(self) -> None:
        """End it and its group, and wait until it is gone."""
        self.send(signal.SIGKILL, to_group=True)
        while not self.has_ended():
            time.sleep(0.001)

    def read(self, name: str) -> str:
        """Return what it has written so far to ``output`` or ``errors``."""
        path = self._folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def start(
    work: Callable[[], int | None], folder: Path, *, memory: int = ROOM, own_seconds: float | None = None
) -> Child:
    """Run something in a fork of this process.

    Args:
        work: Returns the exit status; None is 0.
        folder: Where its output goes; made if it is not there.
        memory: Bytes of address space that it may use beyond those of now.
        own_seconds: Processor time after which the system ends it. None: no limit.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            if own_seconds is not None:
                resource.setrlimit(resource.RLIMIT_CPU, (int(own_seconds), int(own_seconds) + 1))
            status = _work(work, folder, memory)
        finally:
            os._exit(status)
    return Child(pid, folder)


def command(*words: str) -> Callable[[], int]:
    """Return work that runs a command of the example in this process, as ``python -m examples.anime_faces`` does."""

    def work() -> int:
        from examples.anime_faces.__main__ import main

        return main(list(words))

    return work


def fresh_command(words: Sequence[str], *, launcher: Sequence[str] = ()) -> Callable[[], int]:
    """Return work that becomes a new interpreter with a command of the example.

    Args:
        words: The command.
        launcher: Arguments of the interpreter before the program, such as ``-m torch.distributed.run``.
    """

    def work() -> int:
        arguments = [sys.executable, *launcher, "-m", "examples.anime_faces", *words]
        os.chdir(ROOT)
        os.execv(sys.executable, arguments)

    return work


def _work(work: Callable[[], int | None], folder: Path, memory: int) -> int:
    os.setsid()
    for number, name in ((1, "output"), (2, "errors")):
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        status = work() or 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001  as an interpreter does
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status
