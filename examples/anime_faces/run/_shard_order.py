"""The order in which pictures in shards are used: a pure function of seed and epoch, which reads each shard once an epoch."""

from collections.abc import Sequence
from functools import lru_cache, partial

import numpy as np

MOST_LANES = 16
SHARDS, WITHIN = 4, 5  # keep these draws apart from each other, and from those of the feed


class ShardOrder:
    """Batches from lanes: each lane goes through shards of its own, one after the other, and through each in a random order.

    Every batch has equally many pictures of each lane, lane by lane. The lanes are as many as divide the batch, at most 16 and
    one for each shard; they do not depend on the number of ranks, of which each reads the shards of its lanes only. In every
    epoch the shards are dealt to the lanes again.

    Args:
        shards: The shard of each picture in use.
        batch_size: Pictures in one batch, of all ranks together.
        seed: The order depends on it and on the number of the epoch only.

    Attributes:
        lanes: How many there are.
        shards: The shard of each picture in use.
    """

    def __init__(self, shards: np.ndarray, *, batch_size: int, seed: int) -> None:
        order = np.argsort(shards, kind="stable")
        _, starts = np.unique(shards[order], return_index=True)
        self._members = np.split(order, starts[1:])
        self._seed, self.shards = seed, shards
        self.lanes = max(n for n in range(1, MOST_LANES + 1) if batch_size % n == 0 and n <= len(self._members))
        self._each = batch_size // self.lanes
        self._ends: list[list[int]] = [[0] for _ in range(self.lanes)]  # of each epoch, in pictures of the lane
        # The last ones are kept, since batches follow each other.
        self._within = lru_cache(maxsize=2 * self.lanes)(partial(_within, self._members, seed))

    def batch(self, number: int) -> np.ndarray:
        """Return the positions of batch `number` among the pictures in use."""
        first = number * self._each
        return np.concatenate([self._of_lane(lane, first, first + self._each) for lane in range(self.lanes)])

    def _of_lane(self, lane: int, start: int, stop: int) -> np.ndarray:
        found: list[np.ndarray] = []
        ends = self._ends[lane]
        while ends[-1] < stop:
            ends.append(ends[-1] + sum(len(self._members[one]) for one in self._dealt(len(ends) - 1, lane)))
        epoch = int(np.searchsorted(ends, start, side="right")) - 1
        while start < stop:
            before = ends[epoch]
            for shard in self._dealt(epoch, lane):
                after = before + len(self._members[shard])
                if start < after and before < stop:
                    found.append(self._within(epoch, shard)[max(0, start - before) : stop - before])
                before = after
            start, epoch = before, epoch + 1
        return np.concatenate(found)

    def _dealt(self, epoch: int, lane: int) -> list[int]:
        order = np.random.default_rng((self._seed, epoch, SHARDS)).permutation(len(self._members))
        return order[lane :: self.lanes].tolist()


def _within(members: Sequence[np.ndarray], seed: int, epoch: int, shard: int) -> np.ndarray:
    """Return the pictures of a shard in the order of an epoch."""
    return np.random.default_rng((seed, epoch, shard, WITHIN)).permutation(members[shard])
