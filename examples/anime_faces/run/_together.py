"""Several processes that train one run together, as `torchrun` starts them: what they agree on, and who writes."""

import getpass
import os
import signal
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import distributed

from examples.anime_faces.run._lost import Fates, Heartbeats
from examples.anime_faces.systems import WHOLE, Share

LONGEST_WAIT = timedelta(minutes=10)
"""How long ranks wait for each other, as while the first one draws grids and saves, or one compiles longer than the others. A
process that hangs is noticed earlier, see `Heartbeats`."""

CACHE = "TORCHINDUCTOR_CACHE_DIR"


class Together:
    """The ranks of a run, or a process that trains alone.

    Every rank must call the methods in the same order. Alone, they return what they are given.

    Args:
        share: The part of each batch that this rank trains on.

    Attributes:
        is_training: Whether steps are taken, so that a signal to stop is known to all ranks soon.
    """

    def __init__(self, share: Share = WHOLE) -> None:
        self.share = share
        self.is_training = False

    @contextmanager
    def taking_steps(self) -> Iterator[None]:
        """Note that steps are taken inside; after an error it stays noted, since the rank is about to end."""
        self.is_training = True
        yield
        self.is_training = False

    @property
    def is_alone(self) -> bool:
        """Whether there is one process."""
        return self.share.ranks == 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run's files and prints for the user."""
        return self.share.rank == 0

    def largest(self, number: int) -> int:
        """Return the largest number of all ranks."""
        if self.is_alone:
            return number
        sent = torch.tensor([number])
        distributed.all_reduce(sent, distributed.ReduceOp.MAX)
        return int(sent)

    def of_first(self, number: int) -> int:
        """Return the number of the first rank, as for what depends on its clock."""
        if self.is_alone:
            return number
        sent = torch.tensor([number])
        distributed.broadcast(sent, 0)
        return int(sent)

    def clock(self) -> float:
        """Return the seconds of the first rank's clock, so that all ranks decide alike."""
        return self.of_first(time.perf_counter_ns()) * 1e-9

    def bytes_of_first(self, make: Callable[[], bytes]) -> bytes:
        """Return what the first rank makes, on all."""
        data = make() if self.is_first else b""
        if self.is_alone:
            return data
        length = self.of_first(len(data))
        if not length:
            return b""
        sent = torch.empty(length, dtype=torch.uint8)
        if self.is_first:
            sent.copy_(torch.frombuffer(bytearray(data), dtype=torch.uint8))
        distributed.broadcast(sent, 0)
        return sent.numpy().tobytes()

    def text_of_first(self, make: Callable[[], str]) -> str:
        """Return the text that the first rank makes, on all."""
        return self.bytes_of_first(lambda: make().encode()).decode()

    def of_all(self, value: Any) -> list[Any]:
        """Return the values of all ranks, in their order."""
        found: list[Any] = [value] * self.share.ranks
        if not self.is_alone:
            distributed.all_gather_object(found, value)
        return found

    def check_same(self, texts: Mapping[str, str]) -> None:
        """Refuse ranks that differ.

        Args:
            texts: By what they describe; the names must be the same on all ranks.

        Raises:
            ValueError: A text differs between the ranks.
        """
        if self.is_alone:
            return
        numbers = torch.tensor([zlib.crc32(text.encode()) for text in texts.values()])
        ends = torch.stack([numbers, -numbers])
        distributed.all_reduce(ends, distributed.ReduceOp.MAX)
        differing = [name for name, same in zip(texts, (ends[0] == -ends[1]).tolist(), strict=True) if not same]
        if differing:
            raise ValueError(
                f"{', '.join(differing)} must be the same on all {self.share.ranks} ranks: they need the same program, the "
                "same versions and the same data"
            )


ALONE = Together()


def ranks_here() -> int:
    """Return how many ranks share the memory of this machine, as `torchrun` says."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _take_gpu(device: str | None) -> bool:
    """Take the GPU of this rank's number on its machine, and return whether there is one: without CUDA there is none.

    Raises:
        ValueError: The machine has fewer GPUs than ranks, or one GPU was named.
    """
    if device not in (None, "cpu", "cuda"):
        raise ValueError(f"--device must be cpu or cuda where several ranks train, one GPU each, but it is {device}")
    if device == "cpu" or (device is None and not torch.cuda.is_available()):
        return False
    count = torch.cuda.device_count()
    if ranks_here() > count:
        raise ValueError(
            f"--nproc-per-node must be at most {count}, the GPUs of this machine, but it is {ranks_here()}; or train with "
            "--device cpu"
        )
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return True


@contextmanager
def joined(device: str | None, folder: Path) -> Iterator[Together]:
    """Join the ranks that `torchrun` has started; a process that was started alone stays so.

    Only the first rank prints. Where a rank stops or fails, the others end within seconds with a message.

    Args:
        device: Where the run computes; None for a GPU if there is one.
        folder: That of the run, in which the last checkpoint is.

    Raises:
        RankError: Another rank has stopped or failed, or this one has and is not the first.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    _take_compiler_cache()
    from torch.distributed.rendezvous import rendezvous

    store, rank, ranks = next(rendezvous("env://", timeout=LONGEST_WAIT))
    store.set_timeout(LONGEST_WAIT)
    fates, together = Fates(store, rank, ranks, folder), Together(Share(rank=rank, ranks=ranks))
    try:
        heartbeats = Heartbeats(store, rank, ranks, fates)
        with _silent(rank > 0), _signals_of_the_launcher(together), heartbeats:
            try:
                backend = "cpu:gloo,cuda:nccl" if _take_gpu(device) else "gloo"
                distributed.init_process_group(backend, store=store, rank=rank, world_size=ranks, timeout=LONGEST_WAIT)
                yield together
            except SystemExit:  # after a signal, when all is saved
                _meet()
                raise
            except Exception as error:
                raise fates.explained(error) from error
            _meet()
    finally:
        if distributed.is_initialized() and sys.exc_info()[0] in (None, SystemExit):
            distributed.destroy_process_group()


def _take_compiler_cache() -> None:
    """Let each rank compile in a folder of its own: in one folder, a rank may load what another one is still writing."""
    usual = Path(tempfile.gettempdir()) / f"torchinductor_{getpass.getuser()}"
    folder = Path(os.environ.get(CACHE, usual)) / f"rank-{os.environ.get('LOCAL_RANK', '0')}"
    os.environ[CACHE] = str(folder)


def _meet() -> None:
    """Wait for all ranks: when one exits with an error, the launcher stops the others, and the first may still write."""
    distributed.all_reduce(torch.zeros(1))


@contextmanager
def _signals_of_the_launcher(together: Together) -> Iterator[None]:
    """Let this rank say what happened when another one is lost, though the launcher asks it to end at once.

    Where steps are taken, the connection to the lost rank fails too, and ends this rank with an error.
    """

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        if not together.is_training:
            os._exit(128 + number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _silent(is_silent: bool) -> Iterator[None]:
    if not is_silent:
        yield
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
