"""Where the pictures lie while training, and how a batch of them becomes floats in -1..1."""

import os
from typing import Protocol

import numpy as np
import torch

from examples.anime_faces.recipes._hardware import Hardware

RESIDENT_SHARE = 0.4  # of the free memory; the rest is left for networks


class Store(Protocol):
    """Hands out pictures by row."""

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Return these rows as uint8 ``(n, height, width, 3)`` on the device."""
        ...


class ResidentStore:
    """All pictures in the device's memory as one uint8 tensor: the fastest, for sets that fit."""

    def __init__(self, images: np.ndarray, device: str) -> None:
        self._images = torch.from_numpy(np.array(images)).to(device)

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Gather on the device."""
        return self._images.index_select(0, torch.from_numpy(rows).to(self._images.device))


class MappedStore:
    """Pictures stay on disk and are read as they are asked for; pinned memory makes the way to CUDA asynchronous."""

    def __init__(self, images: np.ndarray, device: str) -> None:
        self._images = images
        self._device = torch.device(device)

    def take(self, rows: np.ndarray) -> torch.Tensor:
        """Gather on the host, then move."""
        batch = torch.from_numpy(np.ascontiguousarray(self._images[rows]))
        if self._device.type == "cuda":
            return batch.pin_memory().to(self._device, non_blocking=True)
        return batch


def choose_store(images: np.ndarray, hardware: Hardware) -> Store:
    """Keep the pictures on the device where they fit."""
    device = torch.device(hardware.device)
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    fits = images.nbytes <= RESIDENT_SHARE * free
    return ResidentStore(images, hardware.device) if fits else MappedStore(images, hardware.device)


def as_network_input(images: torch.Tensor, hardware: Hardware) -> torch.Tensor:
    """Turn uint8 ``(n, height, width, 3)`` into float32 ``(n, 3, height, width)`` in -1..1.

    Stored pictures have their channels innermost, so the permuted view already lies in torch's channels-last layout.
    """
    pixels = images.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1)
    return pixels if hardware.channels_last else pixels.contiguous()
