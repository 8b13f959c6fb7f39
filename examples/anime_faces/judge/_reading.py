"""Running a published network over many pictures, in float32 whatever the processor.

A figure must not depend on the machine that it was measured on, and reading is a forward pass only, so a lower precision would
save a few seconds at most. On processors without bfloat16 it would take ten times as long.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from examples.anime_faces.judge._network import BINARY_HEADS, CLASS_HEADS, Encoder, Judge, prepare

BATCH = 64
"""What fits into the caches of a processor; 256 take a third longer there."""


def read(judge: Judge, images: torch.Tensor) -> dict[str, np.ndarray]:
    """Return what the judge reads from pictures.

    Args:
        judge: A judge in evaluation mode.
        images: uint8 tensor of shape ``(n, 3, height, width)``, n at least 1.

    Returns:
        For each head with classes their probabilities ``(n, classes)``; for each question the probability of yes
        ``(n,)``; for each number its value ``(n,)``, about -1..1.
    """
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in judge.head_sizes}
    for batch in _batches(judge, images):
        with torch.no_grad():
            outputs = judge(batch)
        for name, output in outputs.items():
            parts[name].append(_meaning(name, output.float()).cpu())
    return {name: torch.cat(part).numpy() for name, part in parts.items()}


def encode(encoder: Encoder, images: torch.Tensor) -> torch.Tensor:
    """Return the encoder's vectors of pictures.

    Args:
        encoder: An encoder in evaluation mode.
        images: uint8 tensor of shape ``(n, 3, height, width)``, n at least 1.

    Returns:
        Float tensor of shape ``(n, num_features)`` on the CPU.
    """
    return encode_with(lambda batch: encoder(prepare(batch)), images, next(encoder.parameters()).device)


def encode_with(
    network: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, device: torch.device | str = "cpu"
) -> torch.Tensor:
    """Return the vectors that any feature network computes from pictures.

    Args:
        network: Takes uint8 pictures ``(n, 3, height, width)`` and returns vectors ``(n, features)``.
        images: uint8 tensor of shape ``(n, 3, height, width)``, n at least 1.
        device: The device of the network.

    Raises:
        ValueError: The network does not return one vector for each picture.
    """
    parts = []
    for batch in images.split(BATCH):
        with torch.no_grad():
            vectors = network(batch.to(device))
        if vectors.ndim != 2 or len(vectors) != len(batch):
            raise ValueError(
                f"a feature network must return one vector for each picture, ({len(batch)}, features), "
                f"got {tuple(vectors.shape)}"
            )
        parts.append(vectors.float().cpu())
    return torch.cat(parts)


def _batches(judge: Judge, images: torch.Tensor) -> Iterator[torch.Tensor]:
    device = next(judge.parameters()).device
    return (prepare(batch.to(device)) for batch in images.split(BATCH))


def _meaning(name: str, output: torch.Tensor) -> torch.Tensor:
    if name in CLASS_HEADS:
        return output.softmax(dim=1)
    return output[:, 0].sigmoid() if name in BINARY_HEADS else output[:, 0]
