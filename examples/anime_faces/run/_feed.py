"""Batches of pictures with their conditions, whose order depends on the seed and the epoch alone."""

from bisect import bisect_right
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
import torch

import gankit as gk
from examples.anime_faces.run._shard_order import ShardOrder
from examples.anime_faces.run._stores import MappedStore, ShardStore, Store, as_network_input
from examples.anime_faces.systems import WHOLE, Hardware, Selection, Share, System

Batch = tuple[torch.Tensor, torch.Tensor | None]
PARTNERS = 1  # keeps the draws of partners apart from those of the order
MOST_PICTURES = 100_000  # in a batch
OTHERS = 2  # and those of the pictures that mix a batch
AHEAD = 8  # batches: their shards are read in the meantime
REPLACED = 3  # and those of the order itself, where pictures are drawn with replacement
EPOCHS = 2  # whose orders are in memory: a batch may reach into the next one


class Feed:
    """An endless iterator of ``(images, condition)``.

    All epochs form one sequence that is cut into batches, so a batch may reach into the next epoch, and every picture is seen
    equally often, also if there are fewer pictures than a batch holds.

    Args:
        store: Holds the pictures.
        selection: The rows in use and their conditions.
        batch_size: Pictures in one batch.
        seed: The order depends on it and on the number of the epoch only.
        hardware: The device and layout of batches.
        shared: The schedule whose critic updates of one round share a batch. None: none do.
        group: Pictures of each condition in a batch. The order gives the first ``batch_size / group`` of them; partners
            with the same condition, drawn by seed and number of the batch, follow in as many blocks of that length. Without
            conditions it does nothing.
        replacement: Draw the order with replacement, by seed and number of the batch, in place of epochs.
        share: The part of each batch that this rank gets.

    Pictures in shards are used in another order, see `ShardOrder`, and their partners are from the same shards.

    If the selection's batches must be mixed and all conditions of a batch are the same, its last picture is replaced by one
    with another condition, drawn by seed and number of the batch; then the same is done with this rank's part of it.

    Raises:
        ValueError: `batch_size` is below 1 or above 100,000, or below 2 if batches must be mixed, or not a multiple of `group`,
            or cannot be divided among the ranks; or pictures in shards are to be drawn with replacement.
    """

    def __init__(
        self,
        store: Store,
        selection: Selection,
        *,
        batch_size: int,
        seed: int,
        hardware: Hardware,
        shared: gk.schedules.Schedule | None = None,
        group: int = 1,
        replacement: bool = False,
        share: Share = WHOLE,
    ) -> None:
        if not 1 <= batch_size <= MOST_PICTURES:
            raise ValueError(f"batch size must be at least 1 and at most {MOST_PICTURES:,}, but it is {batch_size}")
        if selection.mixed and batch_size < 2:
            raise ValueError(f"batch size must be at least 2, for two different conditions, but it is {batch_size}")
        if batch_size % group:
            raise ValueError(f"batch size must be a multiple of {group}, but it is {batch_size}")
        share.size(batch_size, group)
        self.draws = 0
        self.batch_size = batch_size
        self._share, self._blocks = share, group
        self._store, self._selection, self._seed, self._hardware = store, selection, seed, hardware
        self._shared, self._replacement = shared, replacement
        self._ends = [0]  # for each round, and before the first one, how many draws there were at its end
        self._leaders = batch_size if selection.conditions is None else batch_size // group
        self._shards = self._shard_order(store, batch_size)
        self._peers = _rows_by_condition(selection, self._shards) if self._leaders < batch_size else None
        self._order = lru_cache(maxsize=EPOCHS)(partial(_order_of, seed, len(selection.rows)))
        self._current: tuple[int, Batch] | None = None
        self._conditions = None
        if selection.conditions is not None:
            self._conditions = torch.from_numpy(selection.conditions).to(hardware.device)
        self._vectors = None if selection.vectors is None else selection.vectors.to(hardware.device)
        mapped_to_cuda = isinstance(store, MappedStore) and torch.device(hardware.device).type == "cuda"
        self._reader = ThreadPoolExecutor(1) if mapped_to_cuda else None
        self._ahead: tuple[int, Future[Batch]] | None = None

    @classmethod
    def of_system(
        cls, system: System, store: Store, selection: Selection, *, seed: int, hardware: Hardware, share: Share = WHOLE
    ) -> "Feed":
        """Return the feed that a system is trained by."""
        return cls(
            store,
            selection,
            batch_size=system.batch_size,
            seed=seed,
            hardware=hardware,
            shared=system.shared,
            group=system.group,
            replacement=system.replacement,
            share=share,
        )

    def __iter__(self) -> "Feed":
        """Return itself."""
        return self

    def __next__(self) -> Batch:
        """Return the next batch, or the same one again while the updates of a round share it."""
        number = self._number()
        if self._current is None or self._current[0] != number:
            self._current = (number, self._batch(number))
        self.draws += 1
        return self._current[1]

    def _number(self) -> int:
        """Return the number of the batch that is drawn next."""
        if self._shared is None:
            return self.draws
        while self._ends[-1] <= self.draws:
            self._ends.append(self._ends[-1] + max(1, self._shared(len(self._ends) - 1).critic))
        return bisect_right(self._ends, self.draws) - 1

    def rows(self, number: int) -> np.ndarray:
        """Return the positions (within the selection) of batch `number`, of all ranks together."""
        leaders = self._leading(number)
        if self._selection.mixed:
            return self._mixed(leaders, number)
        return leaders if self._peers is None else self._with_partners(leaders, number, self._peers)

    def _own_rows(self, number: int) -> np.ndarray:
        own = self._share.of(self.rows(number), self._blocks)
        return self._mixed(own, number) if self._selection.mixed else own

    def _shard_order(self, store: Store, batch_size: int) -> ShardOrder | None:
        """Return the order of pictures in shards, whose store then keeps what a batch needs; None for others."""
        if not isinstance(store, ShardStore):
            return None
        if self._replacement:
            raise ValueError("pictures in shards cannot be drawn with replacement: prepare the data without --shards")
        order = ShardOrder(store.images.shards[self._selection.rows], batch_size=self._leaders, seed=self._seed)
        if order.lanes % self._share.ranks:
            raise ValueError(
                f"{self._share.ranks} ranks cannot share {order.lanes} lanes of shards: give a number of ranks that divides "
                f"it, or another --batch-size than {batch_size}"
            )
        store.images.kept = max(store.images.kept, 2 * order.lanes // self._share.ranks + 2)
        return order

    def _leading(self, number: int) -> np.ndarray:
        if self._shards is not None:
            return self._shards.batch(number)
        count = len(self._selection.rows)
        if self._replacement:
            return np.random.default_rng((self._seed, number, REPLACED)).integers(count, size=self._leaders)
        positions = np.arange(number * self._leaders, (number + 1) * self._leaders)
        epochs, places = np.divmod(positions, count)
        return np.concatenate([self._order(int(epoch))[places[epochs == epoch]] for epoch in np.unique(epochs)])

    def _mixed(self, leaders: np.ndarray, number: int) -> np.ndarray:
        conditions = self._selection.conditions
        assert conditions is not None
        if (conditions[leaders] != conditions[leaders[0]]).any():
            return leaders
        others = np.flatnonzero(conditions != conditions[leaders[0]])
        return np.append(leaders[:-1], np.random.default_rng((self._seed, number, OTHERS)).choice(others))

    def _with_partners(self, leaders: np.ndarray, number: int, peers: list[np.ndarray]) -> np.ndarray:
        rng = np.random.default_rng((self._seed, number, PARTNERS))
        blocks = self.batch_size // self._leaders - 1
        partners = [np.array([rng.choice(peers[leader]) for leader in leaders]) for _ in range(blocks)]
        return np.concatenate([leaders, *partners])

    def _batch(self, number: int) -> Batch:
        if self._reader is None:
            return self._load(number)
        waiting, self._ahead = self._ahead, None
        batch = waiting[1].result() if waiting is not None and waiting[0] == number else self._load(number)
        self._ahead = (number + 1, self._reader.submit(self._load, number + 1))
        return batch

    def _load(self, number: int) -> Batch:
        positions = self._own_rows(number)
        images = as_network_input(self._store.take(self._selection.rows[positions]), self._hardware)
        if isinstance(self._store, ShardStore):
            self._store.images.read_ahead(self._selection.rows[self._own_rows(number + AHEAD)])
        if self._conditions is None:
            return images, None
        condition = self._conditions[torch.from_numpy(positions).to(self._conditions.device)]
        return images, condition if self._vectors is None else self._vectors[condition]


def _order_of(seed: int, count: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(count)


def _rows_by_condition(selection: Selection, shards: ShardOrder | None) -> list[np.ndarray]:
    """For each row, all rows of the same condition, and of the same shard where there are shards."""
    assert selection.conditions is not None
    conditions = selection.conditions
    if shards is not None:
        conditions = np.column_stack([shards.shards, conditions])
    _, kinds = np.unique(conditions, axis=0, return_inverse=True)
    kinds = kinds.reshape(-1)
    order = np.argsort(kinds, kind="stable")
    together = np.split(order, np.cumsum(np.bincount(kinds))[:-1])
    return [together[kind] for kind in kinds]
