"""The distance between the distributions of single coordinates, estimated from two batches."""

import torch

from gankit._core import Scalar, check_batch, check_floating, widen


def energy_distance_loss(real: torch.Tensor, fake: torch.Tensor) -> Scalar:
    r"""Energy distance between real and generated values, coordinate by coordinate.

    .. math:: L = 2\,\mathbb{E}\,|x - y| - \mathbb{E}\,|x - x'| - \mathbb{E}\,|y - y'|

    with real values x, x' and generated ones y, y' of one coordinate, then the mean over coordinates. It is 0 if both have
    the same distribution, and greater otherwise. It works against mode collapse: a critic that scores pictures one by one
    cannot detect that all of them have the same background; this loss pushes coordinates apart that do not vary enough. Use
    it beside the critic's score, on a few coordinates that should vary, such as the colors of a picture reduced to 8 x 8
    pixels. It does not measure how coordinates depend on each other.

    The expectations are means over pairs of different samples, so the estimate is unbiased for any number of samples. Ranks
    and parts of a batch may compute it separately: their mean is unbiased too. A single estimate can be below 0. Sorting
    takes the place of comparing all pairs, so the time grows like ``n log n``.

    Args:
        real: Real values. They are constants here: they get no gradient.
        fake: Generated values, with the generator's graph attached. Give them the conditions of the real ones, in any order.

    Shape:
        ``(n, ...)`` and ``(m, ...)``, equal except for the number of samples, at least 2 each; the loss is 0-d, in float32 or
        wider: the mean over coordinates.

    Raises:
        ValueError: Shapes per sample differ, there are fewer than 2 samples, or values are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import energy_distance_loss
        >>> real, fake = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])
        >>> energy_distance_loss(real, fake)  # 2 * 1 - 2 - 0
        tensor(0.)
        >>> energy_distance_loss(real, fake + 3.0)  # 2 * 3 - 2 - 0
        tensor(4.)

    Reference:
        Szekely and Rizzo 2013, "Energy statistics: A class of statistics based on distances"
        (doi:10.1016/j.jspi.2013.03.018), definition 1. Bellemare et al. 2017, "The Cramer distance as a solution to
        biased Wasserstein gradients" (arXiv:1705.10743), section 4: in one dimension it is twice the squared Cramer
        distance, and its gradients on batches are unbiased.
    """
    for name, values in (("real", real), ("fake", fake)):
        check_floating(name, values)
        check_batch(name, values)
        if len(values) < 2:
            raise ValueError(f"{name} must hold at least 2 samples, to compare them with each other, got {len(values)}")
    if real.shape[1:] != fake.shape[1:]:
        raise ValueError(
            f"real and fake must have samples of the same shape, got {tuple(real.shape)} and {tuple(fake.shape)}"
        )
    x, y = (widen(one).reshape(len(one), -1) for one in (real.detach(), fake))
    center = x.mean(dim=0)  # sums of small differences of large values would be rounded away
    x, y = x - center, y - center
    n, m = len(x), len(y)
    of_x, of_y = _sum_over_pairs(x), _sum_over_pairs(y)
    across = _sum_over_pairs(torch.cat([x, y])) - of_x - of_y
    distances = across * (2 / (n * m)) - of_x * (2 / (n * (n - 1))) - of_y * (2 / (m * (m - 1)))
    return distances.mean()


def _sum_over_pairs(values: torch.Tensor) -> torch.Tensor:
    """Return the sum of ``|a - b|`` over all pairs of rows, for each column."""
    count = len(values)
    ranks = torch.arange(1 - count, count, 2, device=values.device, dtype=values.dtype)
    return (values.sort(dim=0).values * ranks.unsqueeze(1)).sum(dim=0)
