import errno
import os

import pytest
import torch

from gankit._core import beyond_memory, lacks_memory, memory_of_machine


def test_the_memory_of_the_machine_is_that_of_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 256}.__getitem__)
    assert memory_of_machine() == 768
    monkeypatch.delattr(os, "sysconf")  # as on Windows
    assert memory_of_machine() is None


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError(""),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        OSError(errno.ENOMEM, "none"),
    ],
)
def test_too_little_memory_is_known_in_all_its_forms(error: Exception) -> None:
    assert lacks_memory(error)


def test_the_allocator_of_torch_says_so_itself() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8, device="cpu")
    assert lacks_memory(caught.value)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), OSError(5, "out of memory"), ValueError("out of memory")]
)
def test_other_errors_are_no_lack_of_memory(error: Exception) -> None:
    assert not lacks_memory(error)


def test_what_does_not_fit_is_said_with_both_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 3, "SC_PAGE_SIZE": 256}.__getitem__)
    assert beyond_memory(768) == ""
    assert beyond_memory(769) == "769 bytes of memory, and this machine has 768"
    monkeypatch.delattr(os, "sysconf")
    assert beyond_memory(1 << 60) == ""
