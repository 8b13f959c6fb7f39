"""What a generator pays for features of the critic that differ between real and generated samples."""

from collections.abc import Sequence
from typing import TypeAlias

import torch

from gankit._core import Scalar, check_batch, check_floating, check_same_shape, ranks_of_whole_batch, sum_over_ranks
from gankit.losses._objective import widen

Features: TypeAlias = torch.Tensor | Sequence["Features"]
"""Features of one layer, of several layers, or of several critics with several layers each."""


def feature_matching_loss(real: Features, fake: Features) -> Scalar:
    """Mean absolute difference between the features of each real sample and of its generated counterpart.

    For generators that are to draw a given sample: from a label map, a spectrogram, a latent of an autoencoder. The features
    are what the critic's inner layers return. Where real and generated samples are no pairs, use
    `gankit.losses.mean_feature_loss`.

    Args:
        real: Features of real samples: a tensor, or a sequence of layers, or a sequence of critics with their layers. They
            are constants here: no gradient reaches them.
        fake: Features of generated samples, laid out likewise, with the generator's graph attached.

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
        Wang et al. 2018, "High-resolution image synthesis and semantic manipulation with conditional GANs" (pix2pixHD),
        equation 4. Its program multiplies each layer by ``4 / (layers + 1)``, where its critics with 3 layers have 4 maps of
        features, and sums over layers: 4 times this mean. HiFi-GAN sums over layers and critics and doubles.
    """
    return _difference("real", real, "fake", fake)


def _difference(name: str, real: Features, other_name: str, fake: Features) -> Scalar:
    if isinstance(real, torch.Tensor) and isinstance(fake, torch.Tensor):
        _check_features(name, real)
        _check_features(other_name, fake)
        check_same_shape(other_name, fake, name, real)
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


def _check_features(name: str, features: torch.Tensor) -> None:
    check_floating(name, features)
    check_batch(name, features)


def mean_feature_loss(real: torch.Tensor, fake: torch.Tensor) -> Scalar:
    """Squared distance between the mean features of real samples and those of generated ones.

    For generators whose samples have no real counterpart. The means are those of the whole batch: ranks share them, and
    gradient accumulation, which would take the means of its parts, is refused.

    Args:
        real: Features of real samples, what an inner layer of the critic returns. They are constants here: no gradient
            reaches them.
        fake: Features of generated samples, with the generator's graph attached.

    Shape:
        ``(n, ...)``, equal but for the number of samples; the loss is 0-d, in float32 or wider, and 0 or more. Squares are
        summed over features, positions included.

    Raises:
        ValueError: Shapes of a sample differ, a batch is empty, features are not floating-point, or only a part of the batch
            is at hand.

    Example:
        >>> import torch
        >>> from gankit.losses import mean_feature_loss
        >>> mean_feature_loss(torch.tensor([[1.0, 2.0], [3.0, 2.0]]), torch.tensor([[1.0, 1.0]]))
        tensor(2.)

    Reference:
        Salimans et al. 2016, "Improved techniques for training GANs", section 3.1. The published programs take a mean over
        features instead of their sum, on CIFAR-10 of absolute differences; StudioGAN does as the latter.
    """
    _check_features("real", real)
    _check_features("fake", fake)
    if real.shape[1:] != fake.shape[1:]:
        raise ValueError(
            f"real and fake must have features of the same shape, got {tuple(real.shape)} and {tuple(fake.shape)}"
        )
    name = mean_feature_loss.__name__
    return (_mean_sample(name, widen(fake)) - _mean_sample(name, widen(real.detach()))).square().sum()


def _mean_sample(name: str, features: torch.Tensor) -> torch.Tensor:
    if ranks_of_whole_batch(name) == 1:
        return features.mean(dim=0)
    count = features.new_full((1,), len(features))
    total = sum_over_ranks(torch.cat([features.sum(dim=0).flatten(), count]))
    return (total[:-1] / total[-1]).unflatten(0, features.shape[1:] or (1,))
