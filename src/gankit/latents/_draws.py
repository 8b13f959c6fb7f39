"""Random draws of latents: normal, truncated normal and uniform."""

import math

import torch

from gankit._core import Latents, check_at_least, check_finite, check_positive, random_tensor


def normal_latents(
    count: int,
    features: int,
    *,
    scale: float = 1.0,
    rng: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Latents:
    r"""Draw independent normal numbers with standard deviation `scale`, the usual noise (z) of a generator.

    .. math:: z = \text{scale} \cdot \epsilon, \qquad \epsilon \sim N(0, 1)

    Train with scale 1. A lower scale at sampling time is a lower temperature: latents closer to the center, so images that
    are more similar and mostly better; with 0 all are the same. The numbers are ``scale * torch.randn(count, features)``, so
    one generator state gives the same directions at every scale. The numbers depend on how many are drawn at once (torch
    fills a tensor in blocks); use `gankit.latents.fixed_latents` if they must not.

    Args:
        count: Number of latents.
        features: Number of features per latent.
        scale: Standard deviation, 0 or more.
        rng: Generator of the random numbers, on the device of the latents. Default: the device's default generator.
        device: Device of the latents. Default: the device of `rng`, or torch's default device without `rng`.
        dtype: A floating-point dtype. Default: torch's default dtype.

    Shape:
        ``(count, features)``, unbounded.

    Raises:
        ValueError: `count` or `features` is below 1, `scale` is negative, `rng` is on another device, or `dtype` is not a
            floating-point dtype.

    Example:
        >>> import torch
        >>> from gankit.latents import normal_latents
        >>> rng = torch.Generator().manual_seed(7)
        >>> normal_latents(64, 100, scale=0.7, rng=rng).shape
        torch.Size([64, 100])

    Reference:
        White 2016, "Sampling Generative Networks" (arXiv:1609.04468), section 2, on why a normal prior goes with
        spherical interpolation.
    """
    check_size(count, features)
    check_scale(scale)
    drawn = random_tensor(torch.randn, (count, features), rng, device=_device_for(rng, device), dtype=dtype_for(dtype))
    return scale * drawn


def truncated_normal_latents(
    count: int,
    features: int,
    *,
    threshold: float,
    scale: float = 1.0,
    rng: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Latents:
    r"""Draw normal numbers that are not farther from 0 than `threshold`: the truncation trick.

    .. math:: z = \text{scale} \cdot \epsilon, \qquad \epsilon \sim N(0, 1) \text{ given } |\epsilon| \le \text{threshold}

    BigGAN uses it at sampling time: less variety, better images. The distribution is exact, by the inverse distribution
    function in float64 of one ``torch.rand(count, features)``; nothing is drawn again, so the function can be traced and
    replayed. The standard deviation is below 1: .5396 at threshold 1, .2839 at threshold 0.5.

    Args:
        count: Number of latents.
        features: Number of features per latent.
        threshold: Largest distance of a number from 0, in standard deviations before `scale`, above 0.
        scale: Factor on the truncated numbers, 0 or more.
        rng: As in `gankit.latents.normal_latents`.
        device: As in `gankit.latents.normal_latents`; the device must support float64.
        dtype: As in `gankit.latents.normal_latents`.

    Shape:
        ``(count, features)``, in ``-scale * threshold..scale * threshold`` up to the rounding of the dtype.

    Raises:
        ValueError: As `gankit.latents.normal_latents`, or `threshold` is not above 0.

    Example:
        >>> import torch
        >>> from gankit.latents import truncated_normal_latents
        >>> drawn = truncated_normal_latents(64, 100, threshold=0.5, rng=torch.Generator().manual_seed(7))
        >>> drawn.abs().max() <= 0.5, drawn.std()
        (tensor(True), tensor(0.2...))

    Reference:
        Brock, Donahue and Simonyan 2019, "Large Scale GAN Training for High Fidelity Natural Image Synthesis"
        (arXiv:1809.11096), section 3.1, which draws numbers beyond the threshold again: the same distribution.
        StyleGAN's truncation is different: it moves mapped latents towards their mean.
    """
    check_size(count, features)
    check_positive("threshold", threshold)
    check_scale(scale)
    chosen = dtype_for(dtype)
    uniform = random_tensor(torch.rand, (count, features), rng, device=_device_for(rng, device), dtype=torch.float64)
    # The error function is odd about 0, so both tails are equally precise. Beyond about 8 standard deviations its inverse is
    # infinite at the ends, hence the clamp.
    inside = math.erf(threshold / math.sqrt(2))
    normal = math.sqrt(2) * torch.erfinv((2 * uniform - 1) * inside)
    return (scale * normal.clamp(-threshold, threshold)).to(chosen)


def uniform_latents(
    count: int,
    features: int,
    *,
    low: float = -1.0,
    high: float = 1.0,
    rng: torch.Generator | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Latents:
    r"""Draw independent uniform numbers from `low` to `high`, the noise of the first DCGANs.

    .. math:: z = \text{low} + (\text{high} - \text{low})\,u, \qquad u \text{ uniform in } 0..1

    The numbers are ``low + (high - low) * torch.rand(count, features)``. Latents with many features are near the corners of
    their cube, so interpolate linearly between them, not on a sphere.

    Args:
        count: Number of latents.
        features: Number of features per latent.
        low: Lower end.
        high: Upper end, above `low`; reached by rounding only.
        rng: As in `gankit.latents.normal_latents`.
        device: As in `gankit.latents.normal_latents`.
        dtype: As in `gankit.latents.normal_latents`.

    Shape:
        ``(count, features)``, in ``low..high``.

    Raises:
        ValueError: `count` or `features` is below 1, `low` is not below `high`, `rng` is on another device, or `dtype` is not
            a floating-point dtype.

    Example:
        >>> import torch
        >>> from gankit.latents import uniform_latents
        >>> uniform_latents(64, 100, rng=torch.Generator().manual_seed(7)).abs().max() <= 1
        tensor(True)

    Reference:
        Radford, Metz and Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
        Adversarial Networks" (arXiv:1511.06434), section 4 (uniform noise with 100 features).
    """
    check_size(count, features)
    check_finite("low", low)
    check_finite("high", high)
    if low >= high:
        raise ValueError(f"low must be below high, got {low!r} and {high!r}")
    drawn = random_tensor(torch.rand, (count, features), rng, device=_device_for(rng, device), dtype=dtype_for(dtype))
    return low + (high - low) * drawn


def check_size(count: int, features: int) -> None:
    """Refuse sizes that are not whole numbers, or below 1."""
    check_at_least("count", count, 1)
    check_at_least("features", features, 1)


def check_scale(scale: float) -> None:
    """Refuse anything but a finite number, 0 or more."""
    check_finite("scale", scale)
    if scale < 0:
        raise ValueError(f"scale must be 0 or more, got {scale!r}")


def dtype_for(dtype: torch.dtype | None) -> torch.dtype:
    """Return the given floating-point dtype, or torch's default."""
    chosen = torch.get_default_dtype() if dtype is None else dtype
    if not isinstance(chosen, torch.dtype) or not chosen.is_floating_point:
        raise ValueError(f"dtype must be a floating-point dtype, got {chosen!r}")
    return chosen


def _device_for(rng: torch.Generator | None, device: torch.device | str | None) -> torch.device | None:
    """Return the given device, or else the generator's; None for torch's default."""
    if rng is not None and not isinstance(rng, torch.Generator):
        raise ValueError(f"rng must be a torch.Generator, got {rng!r}")
    if rng is None:
        return None if device is None else torch.device(device)
    if device is None:
        return rng.device
    chosen = torch.device(device)
    if chosen.type != rng.device.type:
        raise ValueError(f"rng must be on the device of the latents, {chosen}, got one on {rng.device}")
    return chosen
