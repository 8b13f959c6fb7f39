"""The round of one step, with errors that say which step it was and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

import gankit as gk
from examples.anime_faces.errors import DeviceError, TrainingDivergedError
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.systems import Training

NO_MEMORY = ("can't allocate memory", "not enough memory", "size calculation overflowed", "CUDA error: out of memory")
"""What torch says on a CPU, on Linux and on Windows, and for sizes beyond 64 bits."""
FAILED = ("CUDA error", "HIP error", "MPS backend", "device-side assert", "ECC error")
"""What torch says where a device has stopped working; only newer versions have an error of its own."""


def play_named(training: Training, feed: Feed, step: int) -> dict[str, torch.Tensor]:
    """Play the round of one step; errors say which step it was.

    Raises:
        TrainingDivergedError: A cost or gradient is NaN or infinite.
        ValueError: An update was refused, or the memory is too small.
        DeviceError: The device failed.
    """
    device, advice = training.hardware.device, f"lower --batch-size ({feed.batch_size} pictures in a batch here)"
    try:
        with memory_errors(f"step {step + 1}", device, advice):
            return training.play(step, feed)
    except gk.training.NonFiniteError as error:
        raise TrainingDivergedError(f"step {step + 1}: {error}") from error


@contextmanager
def memory_errors(what: str, device: str, advice: str) -> Iterator[None]:
    """Turn the errors of a memory that is too small, and of a device that failed, into one line; torch has several for each.

    Raises:
        ValueError: The memory is too small.
        DeviceError: The device failed.
    """
    try:
        yield
    except MemoryError as error:
        raise ValueError(f"{what}: the computer ran out of memory; {advice}") from error
    except RuntimeError as error:
        reason = str(error)
        if isinstance(error, torch.OutOfMemoryError) or any(words in reason for words in NO_MEMORY):
            raise ValueError(f"{what}: {device} ran out of memory{_most_used(device)}; {advice}") from error
        if isinstance(error, torch.AcceleratorError) or any(words in reason for words in FAILED):
            first = reason.strip().partition("\n")[0]
            raise DeviceError(
                f"{what}: {device} failed ({first}): nothing is saved from it, and the last checkpoint is as it was; repeat "
                "the command to continue from there"
            ) from error
        raise


def _most_used(device: str) -> str:
    """Return in words how much memory torch has used on a GPU at most; empty where that is not known."""
    if torch.device(device).type != "cuda" or not torch.cuda.is_initialized():
        return ""
    return f" after {torch.cuda.max_memory_allocated(device) / 2**30:.1f} GiB"
