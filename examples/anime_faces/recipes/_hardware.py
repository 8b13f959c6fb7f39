"""What a run computes on: device, number format, memory layout, threads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)
Terms = Callable[..., Mapping[str, torch.Tensor]]

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The device and the number format of a run, chosen once and kept in its settings.

    Args:
        device: A device as torch spells it: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        precision: ``"float32"`` or ``"bfloat16"``; the second runs forward passes under autocast.
        channels_last: Whether pictures and weights lie in memory with the channels innermost.
        threads: CPU threads of torch; results are repeatable for a fixed number only.
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

    def autocast(self, terms: Terms) -> Terms:
        """Return ``terms`` with their forward passes in this precision; the losses themselves stay float32."""
        if self.precision == "float32":
            return terms
        device_type = torch.device(self.device).type

        @wraps(terms)
        def in_lower_precision(*inputs: object) -> Mapping[str, torch.Tensor]:
            with torch.autocast(device_type, PRECISIONS[self.precision]):
                return terms(*inputs)

        return in_lower_precision

    def __str__(self) -> str:
        """Return the choice as one readable line."""
        layout = "channels last" if self.channels_last else "channels first"
        return f"{self.device}, {self.precision}, {layout}, {self.threads} CPU thread{'s' * (self.threads > 1)}"
