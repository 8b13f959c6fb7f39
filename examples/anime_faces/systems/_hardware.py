"""What a run computes on: device, number format, memory layout, threads; described, and chosen if left open."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import nn

import gankit as gk

Network = TypeVar("Network", bound=nn.Module)
Function = TypeVar("Function", bound=Callable[..., Any])

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
GRADIENTS: dict[str, Callable[[], gk.training.Gradients]] = {
    "eager": gk.training.Eager,
    "compiled": gk.training.Compiled,
    "graphed": gk.training.Graphed,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The device and the number format of a run, chosen once and kept in its settings.

    Args:
        device: A device as torch spells it: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        precision: ``"float32"``, or ``"bfloat16"`` or ``"float16"``, which run forward passes under autocast; with float16,
            losses are scaled.
        channels_last: Whether pictures and weights are stored with the channels innermost.
        threads: CPU threads of torch; results repeat only with the same number.
        gradients: How the gradients of an update are computed: ``"eager"``, ``"compiled"`` into one graph by
            ``torch.compile``, or ``"graphed"``, replayed as a CUDA graph.
    """

    device: str = "cpu"
    precision: str = "float32"
    channels_last: bool = True
    threads: int = 1
    gradients: str = "eager"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, but it is {self.precision!r}")
        if self.threads < 1:
            raise ValueError(f"threads must be at least 1, but it is {self.threads}")
        if self.gradients not in GRADIENTS:
            raise ValueError(f"gradients must be one of {', '.join(GRADIENTS)}, but it is {self.gradients!r}")

    def gradient_part(self) -> gk.training.Gradients:
        """Return a new part that computes the gradients of one update."""
        return GRADIENTS[self.gradients]()

    def stepper(self) -> gk.training.Stepper | None:
        """Return a new part that makes a step of the gradients of one update; None for the usual one."""
        return gk.training.ScaledStepper(self.device) if self.precision == "float16" else None

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
        updates = "" if self.gradients == "eager" else f", {self.gradients} updates"
        return (
            f"{self.device}, {self.precision}, {layout}, {self.threads} CPU thread{'s' * (self.threads > 1)}{updates}"
        )


def wait_for(device: str) -> None:
    """Wait until a device has done its work; otherwise a clock would measure how fast work is queued."""
    if torch.device(device).type != "cpu":
        torch.accelerator.synchronize(torch.device(device))
