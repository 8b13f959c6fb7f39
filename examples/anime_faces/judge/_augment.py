"""Small changes that leave the labels of a picture true.

A judge that has seen only clean renders would stumble over the faint blur and noise of generated pictures. Hue is
never touched: the color is what is judged.
"""

import torch
from torch.nn import functional


def jitter(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Return the pictures, each slightly shifted, blurred, coarse or noisy, brighter or darker, with more or less contrast.

    Args:
        images: ``(n, 3, size, size)`` in -1..1.
        rng: where the draws come from.
    """
    changed = shift(images, rng, most=2).clone()
    third = len(images) // 3
    # The order of a batch is random already: its first third is blurred or coarse, its second gets noise.
    if torch.rand((), generator=rng) < 0.5:
        changed[:third] = blur(changed[:third], deviation=0.3 + 0.6 * float(torch.rand((), generator=rng)))
    else:
        changed[:third] = coarse(changed[:third])
    grain = changed[third : 2 * third]
    grain += 0.08 * torch.rand(len(grain), 1, 1, 1, generator=rng) * torch.randn(grain.shape, generator=rng)
    contrast = 1.0 + 0.2 * _draw(len(images), rng)
    return changed.mul_(contrast).add_(0.1 * _draw(len(images), rng)).clamp_(-1.0, 1.0)


def shift(images: torch.Tensor, rng: torch.Generator, *, most: int) -> torch.Tensor:
    """Return the pictures moved together by up to ``most`` pixels each way, the border repeated."""
    down, right = (int(torch.randint(-most, most + 1, (), generator=rng)) for _ in range(2))
    padded = functional.pad(images, (most, most, most, most), mode="replicate")
    height, width = images.shape[2:]
    return padded[:, :, most + down : most + down + height, most + right : most + right + width]


def coarse(images: torch.Tensor) -> torch.Tensor:
    """Return the pictures as they are when drawn at half their size and enlarged."""
    return functional.interpolate(
        functional.avg_pool2d(images, 2), scale_factor=2.0, mode="bilinear", align_corners=False
    )


def blur(images: torch.Tensor, *, deviation: float) -> torch.Tensor:
    """Return the pictures under a Gaussian blur of the given standard deviation in pixels, the border repeated."""
    reach = max(1, round(3 * deviation))
    offsets = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-(offsets**2) / (2 * deviation**2))
    kernel = (kernel / kernel.sum()).repeat(images.shape[1], 1)
    channels = images.shape[1]
    padded = functional.pad(images, (reach, reach, reach, reach), mode="replicate")
    rows = functional.conv2d(padded, kernel[:, None, None, :], groups=channels)
    return functional.conv2d(rows, kernel[:, None, :, None], groups=channels)


def _draw(count: int, rng: torch.Generator) -> torch.Tensor:
    """Return numbers in -1..1 that spread over pictures."""
    return 2.0 * torch.rand(count, 1, 1, 1, generator=rng) - 1.0
