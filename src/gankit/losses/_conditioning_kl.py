"""What a learned spread of conditions pays for leaving the normal distribution."""

import torch

from gankit._core import Scalar, check_batch, check_floating, check_same_shape
from gankit.losses._objective import widen


def conditioning_kl_loss(mean: torch.Tensor, log_variance: torch.Tensor) -> Scalar:
    """Divergence of normal distributions from the standard one, summed over features and averaged over samples.

    For conditioning augmentation, where a condition is drawn around a learned mean with a learned spread: the term keeps the
    spread from shrinking to nothing. A sample pays ``(mean^2 + exp(log_variance) - 1 - log_variance) / 2``, summed.

    Args:
        mean: The mean of each feature.
        log_variance: The logarithm of the variance of each feature, of the same shape.

    Shape:
        Any shape with a batch axis, equal for both; the loss is 0-d, in float32 or wider, and 0 or more.

    Raises:
        ValueError: Shapes differ, the batch is empty, or an argument is not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import conditioning_kl_loss
        >>> conditioning_kl_loss(torch.zeros(2, 128), torch.zeros(2, 128))
        tensor(0.)
        >>> conditioning_kl_loss(torch.ones(2, 128), torch.zeros(2, 128))
        tensor(64.)

    Reference:
        Zhang et al. 2017, "StackGAN", equation 2. The published programs take the mean over features as well, so that their
        weight of 2.0 on 128 features is ``2.0 / 128`` here.
    """
    check_floating("mean", mean)
    check_batch("mean", mean)
    check_floating("log_variance", log_variance)
    check_same_shape("log_variance", log_variance, "mean", mean)
    mean, log_variance = widen(mean), widen(log_variance)
    # expm1, since exp(v) - 1 would round away the little by which a variance near 1 differs from it.
    divergences = 0.5 * (mean.square() + (torch.expm1(log_variance) - log_variance))
    return divergences.sum() / len(mean)
