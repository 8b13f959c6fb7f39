"""Ways in which generators fail, made from real pictures: what the figures must notice.

Each takes real pictures that were held out, uint8 ``(n, 3, size, size)``, and returns as many that a failed generator could
have drawn. None needs labels, so they can be tried on any data set.
"""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch.nn import functional

Failure: TypeAlias = Callable[[torch.Tensor], torch.Tensor]

BEIGE = (232.0, 205.0, 180.0)
FEW = 16


def average_picture(images: torch.Tensor) -> torch.Tensor:
    """Return the mean of all pictures, again and again."""
    return _bytes(images.float().mean(dim=0, keepdim=True)).expand_as(images)


def blob(images: torch.Tensor) -> torch.Tensor:
    """Return a beige blob with two dots, each a little different."""
    count, _, size, _ = images.shape
    rng = torch.Generator().manual_seed(0)
    across = torch.linspace(-1.0, 1.0, size)
    radius = (across[:, None] ** 2 + across[None, :] ** 2).sqrt()
    head = torch.sigmoid((0.7 - radius) * 12.0)
    dots = sum(torch.exp(-((across[:, None] + 0.1) ** 2 + (across[None, :] - x) ** 2) / 0.012) for x in (-0.3, 0.3))
    beige = torch.tensor(BEIGE)[:, None, None]
    picture = 245.0 * (1.0 - head) + beige * head - 170.0 * dots
    tint = 25.0 * torch.randn(count, 3, 1, 1, generator=rng)
    return _bytes(picture + tint)


def blotches(images: torch.Tensor) -> torch.Tensor:
    """Return pictures under large soft blotches of color."""
    rng = torch.Generator().manual_seed(0)
    coarse = 60.0 * torch.randn(len(images), 3, 6, 6, generator=rng)
    return _bytes(images.float() + functional.interpolate(coarse, images.shape[2:], mode="bicubic"))


def noise(images: torch.Tensor) -> torch.Tensor:
    """Return noise."""
    rng = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, images.shape, generator=rng, dtype=torch.uint8)


def one_repeated(images: torch.Tensor) -> torch.Tensor:
    """Return one good picture, again and again."""
    return images[:1].expand_as(images)


def few_repeated(images: torch.Tensor) -> torch.Tensor:
    """Return 16 good pictures, again and again."""
    return images[torch.arange(len(images)) % FEW]


def half_missing(images: torch.Tensor) -> torch.Tensor:
    """Return only pictures of one half of the distribution: those on one side of its main direction of color."""
    small = functional.adaptive_avg_pool2d(images.float(), 4).flatten(1)
    main = torch.linalg.svd(small - small.mean(dim=0), full_matrices=False)[2][0]
    kept = (small @ main).argsort()[: max(1, len(images) // 2)]
    return images[kept[torch.arange(len(images)) % len(kept)]]


def checkerboard(images: torch.Tensor) -> torch.Tensor:
    """Return pictures under a faint checkerboard, as transposed convolutions leave it."""
    steps = torch.arange(images.shape[2])
    return _bytes(images.float() + 8.0 * (1 - 2 * ((steps[:, None] + steps[None, :]) % 2)))


def blur(images: torch.Tensor) -> torch.Tensor:
    """Return blurred pictures."""
    kernel = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0])
    weights = (kernel[:, None] * kernel[None, :] / 256.0).expand(3, 1, 5, 5)
    return _bytes(functional.conv2d(functional.pad(images.float(), [2] * 4, mode="replicate"), weights, groups=3))


def grain(images: torch.Tensor) -> torch.Tensor:
    """Return pictures under fine noise."""
    rng = torch.Generator().manual_seed(0)
    return _bytes(images.float() + 16.0 * torch.randn(images.shape, generator=rng))


def same_border(images: torch.Tensor) -> torch.Tensor:
    """Return pictures that all have the border, an eighth of the width, of the first one: the background never changes."""
    width = images.shape[2] // 8
    changed = images[:1].expand_as(images).clone()
    changed[:, :, width:-width, width:-width] = images[:, :, width:-width, width:-width]
    return changed


def one_part_smeared(images: torch.Tensor) -> torch.Tensor:
    """Return pictures with one part, a quarter of the width left of the center, smeared to one color, such as a missing eye."""
    side = images.shape[2] // 4
    changed = images.clone()
    part = changed[:, :, side + side // 2 : 2 * side + side // 2, side : 2 * side]
    part[:] = _bytes(part.float().mean(dim=(2, 3), keepdim=True))
    return changed


def colors_swapped(images: torch.Tensor) -> torch.Tensor:
    """Return pictures whose red, green and blue are exchanged."""
    return images.roll(1, dims=1)


def faint(images: torch.Tensor) -> torch.Tensor:
    """Return pictures of half the contrast."""
    return _bytes(64.0 + images.float() / 2.0)


def squares_shuffled(images: torch.Tensor) -> torch.Tensor:
    """Return pictures whose parts are all there, in another order."""
    tile = images.shape[2] // 4
    used = images[:, :, : 4 * tile, : 4 * tile].float()
    tiles = functional.unfold(used, tile, stride=tile)
    order = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    changed = images.clone()
    changed[:, :, : 4 * tile, : 4 * tile] = _bytes(
        functional.fold(tiles[:, :, order], used.shape[2:], tile, stride=tile)
    )
    return changed


FAILURES: tuple[Failure, ...] = (
    average_picture,
    blob,
    blotches,
    noise,
    one_repeated,
    few_repeated,
    half_missing,
    checkerboard,
    blur,
    grain,
    same_border,
    one_part_smeared,
    colors_swapped,
    faint,
    squares_shuffled,
)


def _bytes(images: torch.Tensor) -> torch.Tensor:
    return images.round().clamp(0, 255).to(torch.uint8)
