"""Pixels taken from elsewhere, by a form that autograd can differentiate twice."""

import torch


def take_pixels(images: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Build images whose pixel (i, j) is the pixel number ``places[n, i, j]`` of sample n, counted row by row.

    A gather, since ``torch.nn.functional.grid_sample`` has no second derivative in older versions of torch. Images with
    channels innermost in memory stay so.
    """
    if images.is_contiguous() or not images.is_contiguous(memory_format=torch.channels_last):
        index = places.flatten(1).unsqueeze(1).expand(-1, images.shape[1], -1)
        return images.flatten(2).gather(2, index).unflatten(2, places.shape[1:])
    index = places.flatten(1).unsqueeze(2).expand(-1, -1, images.shape[1])
    pixels = images.movedim(1, -1).flatten(1, 2).gather(1, index)
    return pixels.unflatten(1, places.shape[1:]).movedim(-1, 1)
