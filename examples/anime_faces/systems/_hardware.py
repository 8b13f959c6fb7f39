"""What a run computes on: device, number format, memory layout, threads; described, and chosen if left open."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import nn
from torch.nn import functional

Network = TypeVar("Network", bound=nn.Module)
Function = TypeVar("Function", bound=Callable[..., Any])

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
FASTER = 0.85  # a lower precision must reach this share of the time to be worth its rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The device and the number format of a run, chosen once and kept in its settings.

    Args:
        device: A device as torch spells it: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        precision: ``"float32"`` or ``"bfloat16"``; the second runs forward passes under autocast.
        channels_last: Whether pictures and weights are stored with the channels innermost.
        threads: CPU threads of torch; results repeat only with the same number.
    """

    device: str = "cpu"
    precision: str = "float32"
    channels_last: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, but it is {self.precision!r}")
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, but it is {self.threads}")

    def place(self, network: Network) -> Network:
        """Move a network to the device, in this memory layout."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        return network.to(device=torch.device(self.device), memory_format=layout)  # pyright: ignore[reportCallIssue]

    def autocast(self, function: Function) -> Function:
        """Return ``function`` with its forward passes in this precision; gankit's losses themselves stay float32."""
        if self.precision == "float32":
            return function
        device_type = torch.device(self.device).type

        @wraps(function)
        def in_lower_precision(*inputs: Any) -> Any:
            with torch.autocast(device_type, PRECISIONS[self.precision]):
                return function(*inputs)

        return in_lower_precision  # pyright: ignore[reportReturnType]

    def __str__(self) -> str:
        """Return the choice as one readable line."""
        layout = "channels last" if self.channels_last else "channels first"
        return f"{self.device}, {self.precision}, {layout}, {self.threads} CPU thread{'s' * (self.threads > 1)}"


def choose_hardware(
    *, device: str | None = None, precision: str | None = None, threads: int | None = None
) -> tuple[Hardware, str]:
    """Choose what the user did not.

    Args:
        device: As torch spells it. Default: CUDA if there is one.
        precision: ``"float32"`` or ``"bfloat16"``. Default: decided by the device, on CPUs by a short timing.
        threads: CPU threads. Default: torch's number.

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
    """Time a convolution forward and backward, most of a training step: the best of a few."""
    images = torch.ones(16, 64, 32, 32).to(dtype=dtype, memory_format=torch.channels_last).requires_grad_()
    weight = torch.ones(64, 64, 3, 3).to(dtype=dtype, memory_format=torch.channels_last).requires_grad_()
    times: list[float] = []
    for _ in range(6):
        start = time.perf_counter()
        functional.conv2d(images, weight, padding=1).sum().backward()
        times.append(time.perf_counter() - start)
    return min(times)
