"""What the other ranks of a run say when one of them has stopped, failed, or hangs."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from torch import distributed

import gankit as gk
from examples.anime_faces.errors import CommandError, RankError
from examples.anime_faces.printing import one_line
from examples.anime_faces.run._folder import RunFolder

GRACE = 3.0
"""Seconds in which every rank that still works notices that one is lost."""
SILENCE = 60.0
"""Seconds after which a rank that says nothing is taken for lost."""
BEAT = 2.0
"""Seconds between two signs of a rank."""
CONNECTION = ("gloo", "closed by peer", "reset by peer", "Broken pipe", "NCCL", "ncclUnhandled")
"""Words in the errors of torch where the connection to another rank is lost; they have no type of their own."""
LOST, FAILED = "lost", "failed"


class Fates:
    """How each rank ended, in the store that all can reach.

    Args:
        store: That store.
        rank: The number of this rank.
        ranks: How many there are.
        folder: The folder of the run.
    """

    def __init__(self, store: "distributed.Store", rank: int, ranks: int, folder: Path) -> None:
        self._store = distributed.PrefixStore("fates", store)
        self._rank, self._ranks, self._folder = rank, ranks, RunFolder(folder)

    def explained(self, error: Exception) -> Exception:
        """Return the error that this rank ends with: one rank prints what happened, and the others nothing."""
        if is_lost_connection(error):
            return self._of_lost_connection(is_late="imed out" in str(error))
        with suppress(RuntimeError):  # the store is gone with its machine
            self._store.set(str(self._rank), f"{FAILED}{error}")
        if self._rank == 0 or not isinstance(error, CommandError | ValueError | OSError):
            return error
        same = self._wait_for([0], seconds=1.0).get(0) == f"{FAILED}{error}"  # all ranks read the same request
        return RankError("" if same else f"rank {self._rank}: {error}")

    def of_silence(self, silent: Sequence[int]) -> RankError:
        """Return the error that this rank ends with where others give no sign: the first of the rest prints it."""
        speaker = min(rank for rank in range(self._ranks) if rank not in silent)
        return RankError(self._and_what_is_left(in_words([], [], silent)) if speaker == self._rank else "")

    def _of_lost_connection(self, *, is_late: bool) -> RankError:
        with suppress(RuntimeError):
            self._store.set(str(self._rank), LOST)
        known = self._wait_for(range(self._ranks), seconds=GRACE)
        if self._rank != min([self._rank, *(rank for rank, fate in known.items() if fate == LOST)]):
            return RankError()
        failed = [rank for rank in range(self._ranks) if known.get(rank, LOST) != LOST]
        stopped = [rank for rank in range(self._ranks) if rank not in known and rank != self._rank]
        if failed and not stopped and self._last_checkpoint() is None:
            return RankError()  # nothing was lost, and the reason is printed already
        return RankError(
            self._and_what_is_left(in_words([], failed, stopped) if is_late else in_words(stopped, failed))
        )

    def _and_what_is_left(self, happened: str) -> str:
        found = self._last_checkpoint()
        where = "no checkpoint was saved yet" if found is None else f"the last checkpoint, of step {found}, is whole"
        return f"{happened}; {where}; repeat the command to continue"

    def _wait_for(self, ranks: Sequence[int], *, seconds: float) -> dict[int, str]:
        end, known = time.monotonic() + seconds, dict[int, str]()
        while len(known) < len(ranks) and time.monotonic() < end:
            with suppress(RuntimeError):
                known |= {
                    rank: self._store.get(str(rank)).decode()
                    for rank in ranks
                    if rank not in known and self._store.check([str(rank)])
                }
            time.sleep(0.05)
        return known

    def _last_checkpoint(self) -> int | None:
        """Read the newest checkpoint, to be sure of it."""
        if not self._folder.checkpoints.is_dir():
            return None
        found = gk.training.Checkpoints(self._folder.checkpoints).load_latest()
        return None if found is None else found[0]


class Heartbeats:
    """While entered, a thread gives signs of this rank, and ends it where another one has given none for long.

    A rank that is killed closes its connections, which the others notice at once. One that hangs keeps them open. A rank that
    computes, compiles, draws or saves for long is not silent, since its thread continues.

    Args:
        store: The store that all can reach.
        rank: The number of this rank.
        ranks: How many there are.
        fates: Says how this rank ends.
        end: Ends this process.
    """

    def __init__(
        self,
        store: "distributed.Store",
        rank: int,
        ranks: int,
        fates: Fates,
        end: Callable[[RankError], None] | None = None,
    ) -> None:
        # A connection of its own, since that of the main thread may wait for an answer.
        own: Any = store
        self._store = distributed.PrefixStore("signs", own.clone())
        self._rank, self._ranks, self._fates = rank, ranks, fates
        self._end = _end_at_once if end is None else end
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="heartbeats", daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop; all ranks must do so within the time after which a rank is taken for lost."""
        self._left.set()
        self._thread.join(BEAT)

    def _watch(self) -> None:
        try:
            silent = self._wait_for_silence()
        except RuntimeError:  # the store is gone with its machine
            return
        if silent:
            self._end(self._fates.of_silence(silent))

    def _wait_for_silence(self) -> list[int]:
        """Give signs until ranks are silent, and return those; none once this rank has left."""
        last: dict[int, tuple[int, float]] = {}
        before = time.monotonic()
        while not self._left.wait(BEAT):
            self._store.add(str(self._rank), 1)
            signs = {rank: self._store.add(str(rank), 0) for rank in range(self._ranks) if rank != self._rank}
            now = time.monotonic()
            if now - before > 5 * BEAT:  # this process was stopped itself, perhaps with all others
                last.clear()
            before = now
            for rank, count in signs.items():
                if count and (rank not in last or last[rank][0] != count):
                    last[rank] = count, now
            silent = [rank for rank, (_, since) in last.items() if now - since > SILENCE]
            if silent and not self._left.is_set():
                return silent
        return []


def _end_at_once(error: RankError) -> None:
    """End the process, whose main thread waits for a rank that will not answer."""
    if str(error):
        os.write(2, f"\nerror: {one_line(error)}\n".encode())  # whoever holds the error output hangs
    else:
        time.sleep(GRACE)  # the launcher stops all ranks when the first has ended; let that one speak
    os._exit(error.exit_code)


def is_lost_connection(error: BaseException) -> bool:
    """Whether an error says that another rank cannot be reached any more."""
    if isinstance(error, distributed.DistError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CONNECTION)


def in_words(stopped: Sequence[int], failed: Sequence[int], silent: Sequence[int] = ()) -> str:
    """Return what happened to ranks.

    Example:
        >>> in_words([1], []), in_words([1, 3], [2]), in_words([], [])
        ('rank 1 has stopped', 'ranks 1 and 3 have stopped; rank 2 failed with an error', 'a rank has stopped')
        >>> in_words([], [], [1])
        'rank 1 does not answer'
    """
    parts: list[str] = []
    if stopped:
        names = " and ".join(map(str, stopped))
        parts.append(f"rank {names} has stopped" if len(stopped) == 1 else f"ranks {names} have stopped")
    if silent:
        names = " and ".join(map(str, silent))
        parts.append(f"rank {names} does not answer" if len(silent) == 1 else f"ranks {names} do not answer")
    if failed:
        names = " and ".join(map(str, failed))
        parts.append(f"rank{'s' * (len(failed) > 1)} {names} failed with an error")
    return "; ".join(parts) or "a rank has stopped"
