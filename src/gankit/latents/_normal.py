"""Normal noise, at any temperature."""

import torch

from gankit._core import Latents, random_tensor
from gankit.latents._arguments import check_scale, check_size, device_for, dtype_for


def normal_latents(
    count: int,
    features: int,
    *,
    scale: float = 1.0,
    rng: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Latents:
    """Draw independent normal numbers of standard deviation `scale`, the usual noise of a generator.

    Train at 1. A lower scale at sampling time is a lower temperature: latents nearer to the center, so pictures that are more
    alike and mostly better; at 0 all are the same. The numbers are ``scale * torch.randn(count, features)``, so one generator
    state gives the same directions at every scale. How many are drawn at once changes the numbers (torch fills a tensor in
    blocks); `gankit.latents.fixed_latents` does not depend on that.

    Args:
        count: How many latents.
        features: Numbers in each.
        scale: Standard deviation, 0 or more.
        rng: Where they are drawn from, on their device; the default generator where None.
        device: Where they live: the generator's device, or torch's default, where None.
        dtype: Floating-point; torch's default where None.

    Shape:
        ``(count, features)``, unbounded.

    Raises:
        ValueError: `count` or `features` is below 1, `scale` is negative, `rng` lives on another device, or `dtype` is no
            floating-point one.

    Example:
        >>> import torch
        >>> from gankit.latents import normal_latents
        >>> rng = torch.Generator().manual_seed(7)
        >>> normal_latents(64, 100, scale=0.7, rng=rng).shape
        torch.Size([64, 100])

    Reference:
        White 2016, "Sampling Generative Networks", section 2, on why a normal prior goes with walks on a sphere.
    """
    check_size(count, features)
    check_scale(scale)
    drawn = random_tensor(torch.randn, (count, features), rng, device=device_for(rng, device), dtype=dtype_for(dtype))
    return scale * drawn
