"""Files of weights as the program of StarGAN's authors saves them, small, with their names written by hand."""

import torch


def published_generator(entries: int = 5, *, width: int = 4, blocks: int = 2) -> dict[str, torch.Tensor]:
    """A generator's file with the names and the order of shapes of the authors' program, written by hand."""
    state: dict[str, torch.Tensor] = {}
    rng = torch.Generator().manual_seed(entries)

    def convolution(name: str, *shape: int) -> None:
        state[f"{name}.weight"] = 0.3 * torch.randn(shape, generator=rng)

    def norm(name: str, channels: int) -> None:
        state[f"{name}.weight"] = 1 + 0.1 * torch.randn(channels, generator=rng)
        state[f"{name}.bias"] = 0.1 * torch.randn(channels, generator=rng)
        state[f"{name}.running_mean"] = 50 + torch.randn(channels, generator=rng)
        state[f"{name}.running_var"] = 9 + torch.rand(channels, generator=rng)

    convolution("main.0", width, 3 + entries, 7, 7)
    norm("main.1", width)
    convolution("main.3", 2 * width, width, 4, 4)
    norm("main.4", 2 * width)
    convolution("main.6", 4 * width, 2 * width, 4, 4)
    norm("main.7", 4 * width)
    for block in range(9, 9 + blocks):
        for place in (0, 3):
            convolution(f"main.{block}.main.{place}", 4 * width, 4 * width, 3, 3)
            norm(f"main.{block}.main.{place + 1}", 4 * width)
    end = 9 + blocks
    convolution(f"main.{end}", 4 * width, 2 * width, 4, 4)
    norm(f"main.{end + 1}", 2 * width)
    convolution(f"main.{end + 3}", 2 * width, width, 4, 4)
    norm(f"main.{end + 4}", width)
    convolution(f"main.{end + 6}", 3, width, 7, 7)
    return state


def published_critic(entries: int = 5, *, width: int = 2, halvings: int = 3, side: int = 2) -> dict[str, torch.Tensor]:
    """A critic's file, likewise."""
    rng = torch.Generator().manual_seed(entries)
    channels = [3, *(width << step for step in range(halvings))]
    state: dict[str, torch.Tensor] = {}
    for step in range(halvings):
        state[f"main.{2 * step}.weight"] = torch.randn(channels[step + 1], channels[step], 4, 4, generator=rng)
        state[f"main.{2 * step}.bias"] = torch.randn(channels[step + 1], generator=rng)
    state["conv1.weight"] = torch.randn(1, channels[-1], 3, 3, generator=rng)
    state["conv2.weight"] = torch.randn(entries, channels[-1], side, side, generator=rng)
    return state
