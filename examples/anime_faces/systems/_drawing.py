"""From latents (or pictures) and conditions to uint8 pictures, the same for previews and for samples."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from examples.anime_faces.systems._recipe import Blueprint

CHUNK = 128

Pictures = Callable[[int, torch.Generator], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """Networks that draw, used as they would be later: in evaluation mode, in float32, without gradients.

    Args:
        networks: The networks that draw, by name.
        blueprint: How they draw.
        device: Where they are.
    """

    networks: Mapping[str, nn.Module]
    blueprint: Blueprint
    device: str

    def inputs(self, count: int, rng: torch.Generator, pictures: Pictures) -> torch.Tensor:
        """Draw the networks' input on the CPU: latents, or pictures for networks that change pictures.

        Args:
            count: How many.
            rng: Where they are drawn from.
            pictures: Draws pictures ``(count, 3, size, size)`` in -1..1 of a data set; only called if they are needed.
        """
        if self.blueprint.latents is None:
            return pictures(count, rng)
        return self.blueprint.latents(count, rng=rng)

    @torch.no_grad()
    def draw(self, inputs: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
        """Draw one picture for each input.

        Args:
            inputs: Latents or pictures, one a row.
            condition: What the networks are given beside them, one a row; None without labels.

        Returns:
            uint8 ``(n, 3, size, size)`` on the CPU.
        """
        with ExitStack() as stack:
            for network in self.networks.values():
                stack.enter_context(_evaluating(network))
            drawn: list[torch.Tensor] = []
            for start in range(0, len(inputs), CHUNK):
                some = slice(start, start + CHUNK)
                given = None if condition is None else condition[some].to(self.device)
                images = self.blueprint.draw(self.networks, inputs[some].to(self.device), given)
                drawn.append(to_pixels(images).cpu())
            return torch.cat(drawn)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """Round -1..1 to uint8 0..255."""
    return images.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
