"""Images read between their pixels, and beyond their borders."""

import torch

from gankit.augment._pixels import take_pixels


def resampled(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Read each image at these places, ``(n, height, width)``, by linear interpolation between the four pixels around.

    Beyond the border the image is mirrored in its outermost pixels, as often as it takes. At whole places the result is the
    pixel itself, exactly. Linear in the images, so it can be differentiated twice; places get no gradient.
    """
    height, width = images.shape[2:]
    top, left = rows.floor(), columns.floor()
    down, right = ((rows - top).to(images.dtype).unsqueeze(1), (columns - left).to(images.dtype).unsqueeze(1))
    above, below = (mirrored(top.long() + step, height) * width for step in (0, 1))
    before, behind = (mirrored(left.long() + step, width) for step in (0, 1))
    upper = take_pixels(images, above + before) * (1 - right) + take_pixels(images, above + behind) * right
    lower = take_pixels(images, below + before) * (1 - right) + take_pixels(images, below + behind) * right
    return upper * (1 - down) + lower * down


def mirrored(places: torch.Tensor, length: int) -> torch.Tensor:
    """Fold whole places into 0..length - 1, back and forth: -1 becomes 1, ``length`` becomes ``length - 2``."""
    period = max(2 * (length - 1), 1)
    folded = places % period
    return torch.minimum(folded, period - folded)
