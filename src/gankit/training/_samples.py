"""What a pool of samples takes: batches of dense tensors, those of a state, and places for them."""

from collections.abc import Sequence

import torch

from gankit._core import brief, check_batch
from gankit.training._saving import finite_tensor


def check_samples(samples: Sequence[object]) -> None:
    """Refuse what is not one dense tensor or several with equally many rows."""
    if not samples:
        raise ValueError("samples must be one tensor or several, got none")
    counts: list[int] = []
    for one in samples:
        if not isinstance(one, torch.Tensor):
            raise ValueError(f"samples must be dense tensors, got {type(one).__name__}")
        if one.layout is not torch.strided or one.is_nested or one.is_quantized:
            raise ValueError(f"samples must be dense tensors, got one of layout {one.layout} and dtype {one.dtype}")
        check_batch("samples", one)
        counts.append(len(one))
    if len(set(counts)) > 1:
        raise ValueError(f"samples must have equally many rows in each tensor, got {counts}")


def samples_of_state(whose: str, samples: object) -> list[torch.Tensor]:
    """Return the samples of a state: finite tensors with equally many rows."""
    if not isinstance(samples, list | tuple):
        raise ValueError(f"state of {whose} must hold samples as a list of tensors, got {brief(samples)}")
    tensors = [finite_tensor(whose, f"samples[{place}]", one) for place, one in enumerate(samples)]
    counts = [len(one) if one.ndim else None for one in tensors]
    if None in counts or len(set(counts)) > 1 or any(len(one) and not one.numel() for one in tensors):
        shapes = [list(one.shape) for one in tensors]
        raise ValueError(f"state of {whose} must hold tensors with equally many samples, none empty, got {shapes}")
    return tensors


def places_for(capacity: int, samples: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """Return places for samples: tensors that may be changed in inference mode and outside of it, whatever the samples are."""
    try:
        with torch.inference_mode(False):
            return tuple(one.new_empty((capacity, *one.shape[1:])) for one in samples)
    except (MemoryError, OverflowError, RuntimeError, TypeError) as error:
        shapes = [list(one.shape[1:]) for one in samples]
        raise ValueError(
            f"capacity must be a number of samples that fit into memory, got {capacity} of the shapes {shapes}"
        ) from error


def kinds_of(samples: Sequence[torch.Tensor]) -> list[tuple[list[int], bool]]:
    """Return the shape of a sample of each tensor, and whether it is floating-point."""
    return [(list(one.shape[1:]), one.is_floating_point()) for one in samples]
