"""Terms for the generator beside the critic's score: features, variety, and the spread of conditions."""

from collections.abc import Sequence
from typing import TypeAlias

import torch

from gankit._core import (
    Latents,
    Scalar,
    check_batch,
    check_floating,
    check_positive,
    check_same_shape,
    mean_of_whole_batch,
    ranks_of_whole_batch,
    sum_over_ranks,
    values_are_readable,
    widen,
)

Features: TypeAlias = torch.Tensor | Sequence["Features"]
"""Features of one layer, of several layers, or of several critics with several layers each."""


def feature_matching_loss(real: Features, fake: Features) -> Scalar:
    r"""Mean absolute difference between the features of each real sample and of its generated counterpart.

    .. math:: L = \mathbb{E}\,|f(x) - f(G(c))|

    with the features f(x) of a real sample and those of the sample that is generated for the same condition c.

    For generators that reconstruct a given sample: from a label map, a spectrogram, a latent of an autoencoder. Features are
    the outputs of the critic's inner layers. If real and generated samples are not pairs, use
    `gankit.losses.mean_feature_loss`.

    Args:
        real: Features of real samples: a tensor, a sequence of layers, or a sequence of critics with their layers. They are
            constants here: they get no gradient.
        fake: Features of generated samples in the same structure, with the generator's graph attached.

    Shape:
        Any shape with a batch axis, equal for both sides of a layer; the loss is 0-d, in float32 or wider. It is the mean
        within each layer, then across a critic's layers, then across critics.

    Raises:
        ValueError: Shapes or numbers of layers differ, a batch is empty, or features are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import feature_matching_loss
        >>> real, fake = [torch.zeros(2, 8), torch.zeros(2, 3, 4, 4)], [torch.ones(2, 8), torch.full((2, 3, 4, 4), 3.0)]
        >>> feature_matching_loss(real, fake)
        tensor(2.)

    Reference:
        Wang et al. 2018, "High-resolution image synthesis and semantic manipulation with conditional GANs" (pix2pixHD,
        arXiv:1711.11585), equation 4. Its program multiplies each layer by ``4 / (layers + 1)``, where its critics with
        3 layers have 4 maps of features, and sums over layers: 4 times this mean. HiFi-GAN sums over layers and critics
        and doubles.
    """
    return _difference("real", real, "fake", fake)


def mean_feature_loss(real: torch.Tensor, fake: torch.Tensor) -> Scalar:
    r"""Squared distance between the mean features of real samples and those of generated ones.

    .. math:: L = \lVert \mathbb{E}\,f(x) - \mathbb{E}\,f(G(z)) \rVert_2^2

    For generators whose samples have no real counterpart. The means are over the whole batch: ranks share them, and gradient
    accumulation, which would use the means of its parts, is refused.

    Args:
        real: Features of real samples, the output of an inner layer of the critic. They are constants here: they get no
            gradient.
        fake: Features of generated samples, with the generator's graph attached.

    Shape:
        ``(n, ...)``, equal except for the number of samples; the loss is 0-d, in float32 or wider, and 0 or more. Squares are
        summed over features, positions included.

    Raises:
        ValueError: Shapes per sample differ, a batch is empty, features are not floating-point, or only a part of the batch
            is given.

    Example:
        >>> import torch
        >>> from gankit.losses import mean_feature_loss
        >>> mean_feature_loss(torch.tensor([[1.0, 2.0], [3.0, 2.0]]), torch.tensor([[1.0, 1.0]]))
        tensor(2.)

    Reference:
        Salimans et al. 2016, "Improved techniques for training GANs" (arXiv:1606.03498), section 3.1. The published
        programs take a mean over features instead of the sum, on CIFAR-10 of absolute differences; so does StudioGAN.
    """
    _check_features("real", real)
    _check_features("fake", fake)
    if real.shape[1:] != fake.shape[1:]:
        raise ValueError(
            f"real and fake must have features of the same shape, got {tuple(real.shape)} and {tuple(fake.shape)}"
        )
    name = mean_feature_loss.__name__
    return (_mean_sample(name, widen(fake)) - _mean_sample(name, widen(real.detach()))).square().sum()


def mode_seeking_loss(
    first: torch.Tensor,
    second: torch.Tensor,
    first_latents: Latents,
    second_latents: Latents,
    *,
    epsilon: float = 1e-5,
) -> Scalar:
    r"""Return ``1 / (ratio + epsilon)``, where the ratio is the distance of samples divided by the distance of their latents.

    .. math:: L = \frac{1}{r + \epsilon}, \qquad r = \frac{\mathbb{E}\,|G(z_1, c) - G(z_2, c)|}{\mathbb{E}\,|z_1 - z_2|}

    The loss is large for a conditional generator that ignores its noise (mode collapse). Draw two latents for each condition,
    and pass both samples. Distances are means of absolute differences over the whole batch: ranks share them, and gradient
    accumulation, which would use the means of its parts, is refused.

    Args:
        first: Generated samples, with the generator's graph attached.
        second: Samples of the same conditions from other latents.
        first_latents: The latents of `first`.
        second_latents: The latents of `second`.
        epsilon: Bounds the loss if all samples are equal; above 0.

    Shape:
        - first, second: any shape with a batch axis, equal for both.
        - first_latents, second_latents: any shape with a batch axis, equal for both, with as many samples.
        - result: 0-d, in float32 or wider, in ``0..1 / epsilon``.

    Raises:
        ValueError: Shapes differ, a batch is empty, an argument is not floating-point, `epsilon` is not above 0, the
            latents are the same (checked on the CPU only), or only a part of the batch is given.

    Example:
        >>> import torch
        >>> from gankit.losses import mode_seeking_loss
        >>> latents = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
        >>> mode_seeking_loss(torch.zeros(2, 3), torch.full((2, 3), 0.5), latents, latents + 1)
        tensor(2.0000)

    Reference:
        Mao et al. 2019, "Mode seeking generative adversarial networks for diverse image synthesis" (arXiv:1903.05628).
        The paper maximizes the ratio; the published program minimizes its inverse, of means over the batch and with
        this epsilon, with weight 1. So does gankit.
    """
    check_positive("epsilon", epsilon)
    _check_pair("first", first, "second", second)
    _check_pair("first_latents", first_latents, "second_latents", second_latents)
    if len(first) != len(first_latents):
        raise ValueError(f"first_latents must hold one row per sample, {len(first)}, got {len(first_latents)}")
    if values_are_readable(first_latents) and torch.equal(first_latents, second_latents):
        raise ValueError("first_latents and second_latents must differ, got the same latents twice")
    name = mode_seeking_loss.__name__
    apart = mean_of_whole_batch(name, (widen(first) - widen(second)).abs())
    latents_apart = mean_of_whole_batch(name, (widen(first_latents) - widen(second_latents)).abs())
    loss = 1 / (apart / latents_apart + epsilon)
    # An infinite distance would give a loss of 0, which would hide it.
    return torch.where(apart.isfinite() & latents_apart.isfinite(), loss, torch.nan)


def conditioning_kl_loss(mean: torch.Tensor, log_variance: torch.Tensor) -> Scalar:
    r"""Kullback-Leibler divergence of normal distributions from the standard one, summed over features, averaged over samples.

    .. math::

        L = \frac{1}{n} \sum_{i=1}^{n} \sum_j \frac{1}{2} \left(\mu_{ij}^2 + \sigma_{ij}^2 - 1 - \log \sigma_{ij}^2\right)

    For conditioning augmentation, where a condition is drawn around a learned mean with a learned variance: the term keeps
    the variance from shrinking to 0. In the formula :math:`\mu` is `mean`, and :math:`\log \sigma^2` is `log_variance`.

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
        Zhang et al. 2017, "StackGAN" (arXiv:1612.03242), equation 2. The published programs also take the mean over
        features, so their weight of 2.0 with 128 features is ``2.0 / 128`` here.
    """
    _check_features("mean", mean)
    check_floating("log_variance", log_variance)
    check_same_shape("log_variance", log_variance, "mean", mean)
    mean, log_variance = widen(mean), widen(log_variance)
    # expm1 keeps the small difference of a variance from 1, which exp(v) - 1 would round away.
    divergences = 0.5 * (mean.square() + (torch.expm1(log_variance) - log_variance))
    return divergences.sum() / len(mean)


def _difference(name: str, real: Features, other_name: str, fake: Features) -> Scalar:
    if isinstance(real, torch.Tensor) and isinstance(fake, torch.Tensor):
        _check_pair(name, real, other_name, fake)
        return (widen(fake) - widen(real.detach())).abs().mean()
    layers, other_layers = _as_layers(name, real), _as_layers(other_name, fake)
    if len(layers) != len(other_layers):
        raise ValueError(
            f"{other_name} and {name} must hold equally many layers, got {len(other_layers)} and {len(layers)}"
        )
    pairs = enumerate(zip(layers, other_layers, strict=True))
    return torch.stack(
        [_difference(f"{name}[{i}]", one, f"{other_name}[{i}]", other) for i, (one, other) in pairs]
    ).mean()


def _as_layers(name: str, features: Features) -> Sequence[Features]:
    if not isinstance(features, Sequence) or isinstance(features, str):
        raise ValueError(
            f"{name} must be a tensor or a sequence of layers, as the other side is, got {type(features).__name__}"
        )
    if not features:
        raise ValueError(f"{name} must hold at least one layer, got an empty sequence")
    return features


def _mean_sample(name: str, features: torch.Tensor) -> torch.Tensor:
    if ranks_of_whole_batch(name) == 1:
        return features.mean(dim=0)
    count = features.new_full((1,), len(features))
    total = sum_over_ranks(torch.cat([features.sum(dim=0).flatten(), count]))
    return (total[:-1] / total[-1]).unflatten(0, features.shape[1:] or (1,))


def _check_features(name: str, features: torch.Tensor) -> None:
    check_floating(name, features)
    check_batch(name, features)


def _check_pair(name: str, one: torch.Tensor, other_name: str, other: torch.Tensor) -> None:
    _check_features(name, one)
    _check_features(other_name, other)
    check_same_shape(other_name, other, name, one)
