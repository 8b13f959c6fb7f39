"""Where pictures are kept during training, and the numbers that networks are given for them."""

import os
from collections.abc import Callable
from typing import Protocol

import numpy as np
import torch

from examples.anime_faces.data import ShardedImages
from examples.anime_faces.systems import Hardware

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

    def __init__(self, images: "np.ndarray | JoinedImages | ShardedImages", device: str) -> None:
        self._images = images
        self._device = torch.device(device)

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Gather on the host, then move."""
        batch = torch.from_numpy(np.ascontiguousarray(self._images[rows]))
        if self._device.type == "cuda":
            return batch.pin_memory().to(self._device, non_blocking=True)
        return batch


class ShardStore(MappedStore):
    """Pictures in shards, of which each is read whole; a few are kept.

    Args:
        images: The pictures.
        device: Where batches go.
    """

    def __init__(self, images: ShardedImages, device: str) -> None:
        super().__init__(images, device)
        self.images = images


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


def choose_store(
    images: "np.ndarray | ShardedImages", hardware: Hardware, *, second: np.ndarray | None = None, processes: int = 1
) -> Store:
    """Keep the pictures, and those of a second data set after them, on the device where they fit.

    Args:
        images: The pictures.
        hardware: Says which device.
        second: Those of a second data set.
        processes: How many processes share the memory of the machine, each with its own copy.

    Raises:
        ValueError: The pictures are in shards, and there is a second data set.
    """
    if isinstance(images, ShardedImages):
        if second is not None:
            raise ValueError("a data set in shards cannot be joined with a second one: prepare it without --shards")
        return ShardStore(images, hardware.device)
    if second is not None:
        return _store_of(JoinedImages(images, second), hardware, processes)
    return _store_of(images, hardware, processes)


def _store_of(images: "np.ndarray | JoinedImages", hardware: Hardware, processes: int) -> Store:
    device = torch.device(hardware.device)
    share = RESIDENT_SHARE / (processes if device.type == "cpu" else 1)
    fits = images.nbytes <= share * _free_memory(device)
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
