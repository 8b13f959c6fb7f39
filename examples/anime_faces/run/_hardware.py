"""Choosing the hardware of a run: CUDA where there is one; on the CPU, bfloat16 where it is faster."""

import time

import torch
from torch.nn import functional

from examples.anime_faces.recipes._hardware import PRECISIONS, Hardware

FASTER = 0.85  # a lower precision must save at least this much to be worth its rounding


def choose_hardware(
    *, device: str | None = None, precision: str | None = None, threads: int | None = None
) -> tuple[Hardware, str]:
    """Choose what the user left open.

    Args:
        device: As torch spells it; CUDA where there is one if None.
        precision: ``"float32"`` or ``"bfloat16"``; decided by the device, on CPUs by a short timing, if None.
        threads: CPU threads; as many as torch would take if None.

    Returns:
        The choice, and why the precision is what it is, in words.

    Raises:
        ValueError: The device does not exist here, or an argument is out of range.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"--threads must be at least 1, but it is {threads}")
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"--precision must be one of {', '.join(PRECISIONS)}, but it is {precision!r}")
    name = _existing_device(device)
    count = torch.get_num_threads() if threads is None else threads
    reason = "as asked"
    if precision is None:
        torch.set_num_threads(count)
        precision, reason = _faster_precision(name)
    return Hardware(device=name, precision=precision, channels_last=True, threads=count), reason


def _existing_device(device: str | None) -> str:
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device {device} cannot be used here: {str(error).splitlines()[0]}") from error
    return device


def _faster_precision(device: str) -> tuple[str, str]:
    if torch.device(device).type == "cuda":
        if torch.cuda.is_bf16_supported():
            return "bfloat16", "the GPU computes in bfloat16"
        return "float32", "the GPU has no bfloat16"
    full, half = (_seconds_of_a_convolution(dtype) for dtype in (torch.float32, torch.bfloat16))
    ratio = half / full
    words = f"a convolution takes {ratio:.2f} of its float32 time in bfloat16"
    return ("bfloat16" if ratio < FASTER else "float32"), words


def _seconds_of_a_convolution(dtype: torch.dtype) -> float:
    """Time a convolution forward and backward, the best of a few: what a training step is made of."""
    images = torch.ones(16, 64, 32, 32).to(dtype=dtype, memory_format=torch.channels_last).requires_grad_()
    weight = torch.ones(64, 64, 3, 3).to(dtype=dtype, memory_format=torch.channels_last).requires_grad_()
    times: list[float] = []
    for _ in range(6):
        start = time.perf_counter()
        functional.conv2d(images, weight, padding=1).sum().backward()
        times.append(time.perf_counter() - start)
    return min(times)
