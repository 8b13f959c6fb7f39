"""Where pictures are kept, on the device or on disk, and the numbers that networks are given for them."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from examples.anime_faces.data import ShardedImages
from examples.anime_faces.run import _stores
from examples.anime_faces.run._stores import (
    JoinedImages,
    MappedStore,
    ResidentStore,
    ShardStore,
    as_network_input,
    choose_store,
    pictures_of,
)
from examples.anime_faces.systems import Hardware

IMAGES = np.arange(11, dtype=np.uint8)[:, None, None, None].repeat(2, 1).repeat(2, 2).repeat(3, 3)


@pytest.mark.parametrize("free", [1, 10**9])
def test_pictures_of_a_second_set_follow_those_of_the_first(free: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._stores._free_memory", lambda device: free)
    first, second = IMAGES[:4], IMAGES[4:]
    store = choose_store(first, Hardware(), second=second)
    assert type(store) is (MappedStore if free == 1 else ResidentStore)
    rows = np.array([10, 0, 3, 4, 4, 2])
    assert torch.equal(store.take(rows), torch.from_numpy(IMAGES[rows]))
    assert torch.equal(store.take(np.array([1, 2])), torch.from_numpy(IMAGES[[1, 2]]))


def test_batches_are_floats_in_minus_one_to_one_and_channels_last() -> None:
    pixels = torch.tensor([0, 127, 255], dtype=torch.uint8).reshape(1, 1, 1, 3).expand(2, 4, 5, 3).contiguous()
    images = as_network_input(pixels, Hardware())
    assert images.shape == (2, 3, 4, 5)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images[0, :, 0, 0].tolist() == pytest.approx([-1, 127 / 127.5 - 1, 1])
    assert as_network_input(pixels, Hardware(channels_last=False)).is_contiguous()


def test_stores_agree() -> None:
    rows = np.array([4, 0, 9])
    assert isinstance(choose_store(IMAGES, Hardware()), ResidentStore)
    torch.testing.assert_close(ResidentStore(IMAGES, "cpu").take(rows), MappedStore(IMAGES, "cpu").take(rows))


@pytest.mark.parametrize("processes", [1, 4])
def test_pictures_that_fill_a_share_of_the_free_memory_fit(processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is for networks; each process has a copy."""
    least = round(IMAGES.nbytes * processes / 0.4)
    for free, kind in ((least, ResidentStore), (least - 1, MappedStore)):
        monkeypatch.setattr("examples.anime_faces.run._stores._free_memory", lambda device, free=free: free)
        assert type(choose_store(IMAGES, Hardware(), processes=processes)) is kind
        assert processes > 1 or type(choose_store(IMAGES, Hardware())) is kind


def test_pictures_of_two_sets_are_one_array() -> None:
    joined = JoinedImages(IMAGES[:4], IMAGES[4:])
    assert np.array_equal(np.asarray(joined), IMAGES)
    assert joined.nbytes == IMAGES.nbytes
    assert joined.__array__(np.dtype(np.int64)).dtype == np.int64
    assert joined[np.array([3, 4])].dtype == np.uint8


def test_pictures_are_drawn_by_the_generator_alone() -> None:
    pictures = pictures_of(IMAGES)
    drawn = pictures(40, torch.Generator().manual_seed(1))
    assert drawn.shape == (40, 3, 2, 2)
    assert set(((drawn[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()) == set(range(11))
    rows = torch.randint(11, (40,), generator=torch.Generator().manual_seed(1))
    assert torch.equal(drawn, (torch.from_numpy(IMAGES)[rows].permute(0, 3, 1, 2) / 127.5) - 1)


def test_pictures_stay_on_disk_where_the_free_memory_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> int:
        raise ValueError(f"unrecognized configuration name {name}")

    monkeypatch.setattr("examples.anime_faces.run._stores.os.sysconf", unknown)
    assert isinstance(choose_store(IMAGES, Hardware()), MappedStore)
    assert _stores._free_memory(torch.device("cpu")) == 0


@pytest.mark.skipif(not hasattr(os, "sysconf"), reason="asks as POSIX does")
def test_the_free_memory_is_that_of_the_machine() -> None:
    free = _stores._free_memory(torch.device("cpu"))
    assert 2**20 < free <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_on_cuda_the_memory_of_the_device_is_asked_for_and_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has a device of its own."""
    least = round(IMAGES.nbytes / 0.4)
    monkeypatch.setattr(_stores, "ResidentStore", lambda images, device: (images, device))
    for free, fits in ((least, True), (least - 1, False)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 10**12))
        store = choose_store(IMAGES, Hardware(device="cuda"), processes=4)
        assert isinstance(store, tuple) == fits
        assert store[1] == "cuda" if isinstance(store, tuple) else isinstance(store, MappedStore)


def test_shards_are_never_whole_in_memory_nor_joined(tmp_path: Path) -> None:
    images = ShardedImages(tmp_path, [{"pictures": 3}, {"pictures": 2}], 2)
    store = choose_store(images, Hardware())
    assert isinstance(store, ShardStore)
    assert store.images is images
    with pytest.raises(
        ValueError, match=r"^a data set in shards cannot be joined with a second one: .* without --shards$"
    ):
        choose_store(images, Hardware(), second=IMAGES)


def test_a_resident_store_has_a_copy_of_its_own() -> None:
    images = IMAGES.copy()
    store = ResidentStore(images, "cpu")
    images[:] = 0
    assert torch.equal(store.take(np.array([4, 9])), torch.from_numpy(IMAGES[[4, 9]]))


def test_a_resident_store_gathers_on_its_device() -> None:
    """The device `meta` stands for any other than the processor."""
    taken = ResidentStore(IMAGES, "meta").take(np.array([4, 9]))
    assert (taken.device.type, taken.shape) == ("meta", (2, 2, 2, 3))
