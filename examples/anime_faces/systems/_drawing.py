"""From latents (or pictures) and conditions to uint8 pictures, the same for previews and for samples."""

import zlib
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

    @property
    def changes_pictures(self) -> bool:
        """Whether the networks change pictures that they are given, in place of drawing from noise."""
        return self.blueprint.latents is None

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

        Networks that draw random numbers themselves, such as dropout that is always on, get the same for the same inputs, and
        the random state of the process stays as it was.

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
                with _own_random_numbers(inputs[some], self.device):
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


@contextmanager
def _own_random_numbers(inputs: torch.Tensor, device: str) -> Iterator[None]:
    """Seed the default generators by the inputs for a while: a picture can be drawn again, and training continues as before."""
    seed = zlib.crc32(inputs.contiguous().numpy().tobytes())
    with random_numbers_kept(device) as places:
        for place in places:
            _set_random_state(place, torch.Generator(place).manual_seed(seed).get_state())
        yield


@contextmanager
def random_numbers_kept(device: str) -> Iterator[list[torch.device]]:
    """Put the states of the default generators, of the CPU and of this device, back afterwards; yields where they are."""
    places = [place for place in dict.fromkeys((torch.device("cpu"), torch.device(device))) if place.type != "meta"]
    states = [_random_state(place) for place in places]
    try:
        yield places
    finally:
        for place, state in zip(places, states, strict=True):
            _set_random_state(place, state)


def _random_state(place: torch.device) -> torch.Tensor:
    if place.type == "cpu":
        return torch.get_rng_state()
    of = torch.get_device_module(place)
    return of.get_rng_state() if place.type == "mps" else of.get_rng_state(place)  # MPS has one device and takes none


def _set_random_state(place: torch.device, state: torch.Tensor) -> None:
    if place.type == "cpu":
        torch.set_rng_state(state)
        return
    of = torch.get_device_module(place)
    of.set_rng_state(state) if place.type == "mps" else of.set_rng_state(state, place)


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """Round -1..1 to uint8 0..255."""
    return images.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
