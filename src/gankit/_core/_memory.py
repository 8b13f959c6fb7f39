"""Memory: how much this machine has, and errors that mean that there was too little."""

import errno
import os

import torch

SHORT_OF_MEMORY = ("allocate memory", "not enough memory", "out of memory", "bad_alloc")
"""Words of torch's errors where a device, or the computer, has no memory left."""


def memory_of_machine() -> int | None:
    """Return the bytes of memory of this machine; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def beyond_memory(needed: int) -> str:
    """Return how many bytes are needed and how many this machine has, in words; empty where they fit, or it is not known."""
    memory = memory_of_machine()
    return "" if memory is None or needed <= memory else f"{needed} bytes of memory, and this machine has {memory}"


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error means that there was too little memory: torch raises a ``RuntimeError`` for it."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    is_torchs = isinstance(error, RuntimeError) and any(words in str(error) for words in SHORT_OF_MEMORY)
    return is_torchs or isinstance(error, MemoryError | torch.OutOfMemoryError)
