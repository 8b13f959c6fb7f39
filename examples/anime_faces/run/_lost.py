"""What the other ranks of a run say when one of them has stopped or failed."""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from torch import distributed

import gankit as gk
from examples.anime_faces.errors import CommandError, RankError
from examples.anime_faces.run._folder import RunFolder

GRACE = 3.0
"""Seconds in which every rank that still works notices that one is lost."""
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
            return self._of_lost_connection()
        with suppress(RuntimeError):  # the store is gone with its machine
            self._store.set(str(self._rank), f"{FAILED}{error}")
        if self._rank == 0 or not isinstance(error, CommandError | ValueError | OSError):
            return error
        same = self._wait_for([0], seconds=1.0).get(0) == f"{FAILED}{error}"  # all ranks read the same request
        return RankError("" if same else f"rank {self._rank}: {error}")

    def _of_lost_connection(self) -> RankError:
        with suppress(RuntimeError):
            self._store.set(str(self._rank), LOST)
        known = self._wait_for(range(self._ranks), seconds=GRACE)
        if self._rank != min([self._rank, *(rank for rank, fate in known.items() if fate == LOST)]):
            return RankError()
        failed = [rank for rank in range(self._ranks) if known.get(rank, LOST) != LOST]
        stopped = [rank for rank in range(self._ranks) if rank not in known and rank != self._rank]
        found = self._last_checkpoint()
        if failed and not stopped and found is None:
            return RankError()  # nothing was lost, and the reason is printed already
        where = "no checkpoint was saved yet" if found is None else f"the last checkpoint, of step {found}, is whole"
        return RankError(f"{in_words(stopped, failed)}; {where}; the same command goes on")

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


def is_lost_connection(error: BaseException) -> bool:
    """Whether an error says that another rank cannot be reached any more."""
    if isinstance(error, distributed.DistError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in CONNECTION)


def in_words(stopped: Sequence[int], failed: Sequence[int]) -> str:
    """Return what happened to ranks.

    Example:
        >>> in_words([1], []), in_words([1, 3], [2]), in_words([], [])
        ('rank 1 has stopped', 'ranks 1 and 3 have stopped; rank 2 failed with an error', 'a rank has stopped')
    """
    parts: list[str] = []
    if stopped:
        names = " and ".join(map(str, stopped))
        parts.append(f"rank {names} has stopped" if len(stopped) == 1 else f"ranks {names} have stopped")
    if failed:
        names = " and ".join(map(str, failed))
        parts.append(f"rank{'s' * (len(failed) > 1)} {names} failed with an error")
    return "; ".join(parts) or "a rank has stopped"
