"""Where pictures are kept during training, and batches of them whose order depends on the seed and the epoch alone."""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch

from examples.anime_faces.systems import Hardware, Selection

Batch = tuple[torch.Tensor, torch.Tensor | None]
PARTNERS = 1  # keeps the draws of partners apart from those of the order
MOST_PICTURES = 100_000  # in a batch
OTHERS = 2  # and those of the pictures that mix a batch
REPLACED = 3  # and those of the order itself, where pictures are drawn with replacement
RESIDENT_SHARE = 0.4  # of the free memory; the rest is for networks


class Store(Protocol):
    """Hands out pictures by row."""

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Return these rows as uint8 ``(n, height, width, 3)`` on the device."""
        ...


class ResidentStore:
    """All pictures in the device's memory as one uint8 tensor: the fastest store, for sets that fit."""

    def __init__(self, images: "np.ndarray | JoinedImages", device: str) -> None:
        self._images = torch.from_numpy(np.array(images)).to(device)

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Gather on the device."""
        return self._images.index_select(0, torch.from_numpy(rows).to(self._images.device))


class MappedStore:
    """Pictures stay on disk and are read when they are needed; pinned memory makes the copy to CUDA asynchronous."""

    def __init__(self, images: "np.ndarray | JoinedImages", device: str) -> None:
        self._images = images
        self._device = torch.device(device)

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Gather on the host, then move."""
        batch = torch.from_numpy(np.ascontiguousarray(self._images[rows]))
        if self._device.type == "cuda":
            return batch.pin_memory().to(self._device, non_blocking=True)
        return batch


class JoinedImages:
    """The pictures of two data sets as one array; they are read when they are needed."""

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self._first, self._second = first, second
        self.nbytes = first.nbytes + second.nbytes

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """Return all pictures, the first ones first."""
        del copy
        return np.concatenate([self._first, self._second], dtype=dtype)

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the pictures of some rows."""
        pictures = np.empty((len(rows), *self._first.shape[1:]), dtype=self._first.dtype)
        in_first = rows < len(self._first)
        pictures[in_first] = self._first[rows[in_first]]
        pictures[~in_first] = self._second[rows[~in_first] - len(self._first)]
        return pictures


def choose_store(images: np.ndarray, hardware: Hardware, *, second: np.ndarray | None = None) -> Store:
    """Keep the pictures, and those of a second data set after them, on the device where they fit."""
    if second is not None:
        return _store_of(JoinedImages(images, second), hardware)
    return _store_of(images, hardware)


def _store_of(images: "np.ndarray | JoinedImages", hardware: Hardware) -> Store:
    fits = images.nbytes <= RESIDENT_SHARE * _free_memory(torch.device(hardware.device))
    return ResidentStore(images, hardware.device) if fits else MappedStore(images, hardware.device)


def _free_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError):  # Windows and macOS do not say; pictures on disk are read well enough
        return 0


def as_network_input(images: torch.Tensor, hardware: Hardware) -> torch.Tensor:
    """Turn uint8 ``(n, height, width, 3)`` into float32 ``(n, 3, height, width)`` in -1..1.

    Stored pictures have their channels innermost, so the permuted view already has torch's channels-last layout.
    """
    pixels = images.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)
    return pixels if hardware.channels_last else pixels.contiguous()


def pictures_of(images: np.ndarray) -> Callable[[int, torch.Generator], torch.Tensor]:
    """Return a function that draws pictures of a data set, as generators that change pictures are given them."""

    def pictures(count: int, rng: torch.Generator) -> torch.Tensor:
        rows = torch.randint(len(images), (count,), generator=rng)
        return as_network_input(torch.from_numpy(np.asarray(images[rows.numpy()])), Hardware())

    return pictures


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
        repeat: How often each batch is used before the next one.
        group: Pictures of each condition in a batch. The order gives the first ``batch_size / group`` of them; partners
            with the same condition, drawn by seed and number of the batch, follow in as many blocks of that length. Without
            conditions it does nothing.
        replacement: Draw the order with replacement, by seed and number of the batch, in place of epochs.

    If the selection's batches must be mixed and all conditions of a batch are the same, its last picture is replaced by one
    with another condition, drawn by seed and number of the batch.

    Raises:
        ValueError: `batch_size` is below 1 or above 100,000, or below 2 if batches must be mixed, or not a multiple of `group`.
    """

    def __init__(
        self,
        store: Store,
        selection: Selection,
        *,
        batch_size: int,
        seed: int,
        hardware: Hardware,
        repeat: int = 1,
        group: int = 1,
        replacement: bool = False,
    ) -> None:
        if not 1 <= batch_size <= MOST_PICTURES:
            raise ValueError(f"batch size must be at least 1 and at most {MOST_PICTURES:,}, but it is {batch_size}")
        if selection.mixed and batch_size < 2:
            raise ValueError(f"batch size must be at least 2, for two different conditions, but it is {batch_size}")
        if batch_size % group:
            raise ValueError(f"batch size must be a multiple of {group}, but it is {batch_size}")
        self.draws = 0
        self.batch_size = batch_size
        self._store, self._selection, self._seed, self._hardware = store, selection, seed, hardware
        self._repeat, self._replacement = repeat, replacement
        self._leaders = batch_size if selection.conditions is None else batch_size // group
        self._peers = _rows_by_condition(selection.conditions) if self._leaders < batch_size else None
        self._orders: dict[int, np.ndarray] = {}
        self._current: tuple[int, Batch] | None = None
        self._conditions = None
        if selection.conditions is not None:
            self._conditions = torch.from_numpy(selection.conditions).to(hardware.device)
        self._vectors = None if selection.vectors is None else selection.vectors.to(hardware.device)
        mapped_to_cuda = isinstance(store, MappedStore) and torch.device(hardware.device).type == "cuda"
        self._reader = ThreadPoolExecutor(1) if mapped_to_cuda else None
        self._ahead: tuple[int, Future[Batch]] | None = None

    def __iter__(self) -> "Feed":
        """Return itself."""
        return self

    def __next__(self) -> Batch:
        """Return the next batch, or the same one again as often as it is repeated."""
        number = self.draws // self._repeat
        if self._current is None or self._current[0] != number:
            self._current = (number, self._batch(number))
        self.draws += 1
        return self._current[1]

    def rows(self, number: int) -> np.ndarray:
        """Return the positions (within the selection) of batch `number`."""
        leaders = self._leading(number)
        if self._selection.mixed:
            return self._mixed(leaders, number)
        return leaders if self._peers is None else self._with_partners(leaders, number, self._peers)

    def _leading(self, number: int) -> np.ndarray:
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

    def _order(self, epoch: int) -> np.ndarray:
        if epoch not in self._orders:
            self._orders = {old: order for old, order in self._orders.items() if old >= epoch - 1}
            self._orders[epoch] = np.random.default_rng((self._seed, epoch)).permutation(len(self._selection.rows))
        return self._orders[epoch]

    def _batch(self, number: int) -> Batch:
        if self._reader is None:
            return self._load(number)
        waiting, self._ahead = self._ahead, None
        batch = waiting[1].result() if waiting is not None and waiting[0] == number else self._load(number)
        self._ahead = (number + 1, self._reader.submit(self._load, number + 1))
        return batch

    def _load(self, number: int) -> Batch:
        positions = self.rows(number)
        images = as_network_input(self._store.take(self._selection.rows[positions]), self._hardware)
        if self._conditions is None:
            return images, None
        condition = self._conditions[torch.from_numpy(positions).to(self._conditions.device)]
        return images, condition if self._vectors is None else self._vectors[condition]


def _rows_by_condition(conditions: np.ndarray | None) -> list[np.ndarray]:
    """For each row, all rows of the same condition."""
    assert conditions is not None
    _, kinds = np.unique(conditions, axis=0, return_inverse=True)
    kinds = kinds.reshape(-1)
    order = np.argsort(kinds, kind="stable")
    together = np.split(order, np.cumsum(np.bincount(kinds))[:-1])
    return [together[kind] for kind in kinds]
