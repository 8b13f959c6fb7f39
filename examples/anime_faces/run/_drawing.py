"""From latents and conditions to uint8 pictures, the same for previews and for samples."""

import torch
from torch import nn

CHUNK = 128


@torch.no_grad()
def draw_images(
    generator: nn.Module, latents: torch.Tensor, condition: torch.Tensor | None, *, device: str
) -> torch.Tensor:
    """Draw one picture for each latent, with the network as it would be used: in evaluation mode, in float32.

    Args:
        generator: Called as ``generator(latents, condition)``; its mode is put back afterwards.
        latents: ``(n, features)``.
        condition: What the generator is given beside them, one row a latent; None without labels.
        device: Where the generator lies.

    Returns:
        uint8 ``(n, 3, size, size)`` on the CPU.
    """
    was_training = generator.training
    generator.eval()
    try:
        drawn: list[torch.Tensor] = []
        for start in range(0, len(latents), CHUNK):
            some = slice(start, start + CHUNK)
            given = None if condition is None else condition[some].to(device)
            images = generator(latents[some].to(device), given)
            drawn.append(to_pixels(images).cpu())
        return torch.cat(drawn)
    finally:
        generator.train(was_training)


def to_pixels(images: torch.Tensor) -> torch.Tensor:
    """Round -1..1 to uint8 0..255."""
    return images.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8)
