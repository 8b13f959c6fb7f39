"""Learned layers that turn the long vectors of a text encoder into short conditions."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from gankit._core import (
    Condition,
    check_at_least,
    check_batch,
    check_factory,
    check_floating,
    check_same_shape,
    random_tensor,
    refuse_both,
)

_LEAKY_RELU = partial(nn.LeakyReLU, 0.2)


def check_vectors(name: str, vectors: torch.Tensor, features: int) -> None:
    """Refuse anything but a floating-point ``(n, features)`` tensor with at least one sample."""
    check_floating(name, vectors)
    if vectors.ndim != 2 or vectors.shape[1] != features:
        raise ValueError(f"{name} must have shape (n, {features}), got {tuple(vectors.shape)}")
    check_batch(name, vectors)


class TextProjection(nn.Module):
    """Compress a text encoder's vectors by a learned linear map and an activation.

    A sentence vector of 2400 numbers and norm 1 has little effect beside 100 latents of norm 10, and its layers are
    expensive: project it to about the length of the latents first. Generator and critic each have their own projection.
    If the generator ignores the latents, so that one sentence always gives one picture, penalize the weights:
    ``gankit.constraints.weight_penalty(projection.linear.weight)`` adds their squares to the generator's loss.

    Args:
        in_features: Length of the text encoder's vectors.
        out_features: Length of the projected vector.
        activation: Builds the activation; ``nn.Identity`` for no activation.

    Shape:
        - vectors: ``(n, in_features)``.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: A size is below 1; `vectors` have another shape or no sample, or are not a floating-point tensor.

    Example:
        >>> import torch
        >>> from gankit.embedders import TextProjection
        >>> TextProjection(2400, 128)(torch.randn(3, 2400)).shape
        torch.Size([3, 128])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (arXiv:1605.05396), section 4.1 (128
        features, leaky ReLU). The published program projects to 256.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: Callable[[], nn.Module] = _LEAKY_RELU,
    ) -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        check_at_least("out_features", out_features, 1)
        check_factory("activation", activation)
        self.in_features = in_features
        self.out_features = out_features
        self.linear = nn.Linear(in_features, out_features)
        self.activation = activation()

    def forward(self, vectors: torch.Tensor) -> Condition:
        """Return the projected vectors."""
        check_vectors("vectors", vectors, self.in_features)
        return self.activation(self.linear(vectors))


class ConditionDistribution(NamedTuple):
    """Independent normal distributions, one for each number of a condition.

    Args:
        mean: Mean of each number.
        log_variance: Logarithm of the variance of each number.

    Shape:
        Both ``(n, features)``.

    Example:
        >>> import torch
        >>> from gankit.embedders import ConditionDistribution
        >>> narrow = ConditionDistribution(torch.ones(2, 3), torch.full((2, 3), -1000.0))
        >>> narrow.sample()
        tensor([[1., 1., 1.],
                [1., 1., 1.]])
    """

    mean: Condition
    log_variance: torch.Tensor

    def sample(self, *, noise: torch.Tensor | None = None, rng: torch.Generator | None = None) -> Condition:
        """Draw a condition for each sample: ``mean + exp(log_variance / 2) * noise``.

        Args:
            noise: Standard normal numbers of the shape of `mean`. Default: drawn by ``torch.randn``.
            rng: Generator of the draw, on the device of `mean`. Default: the device's default generator.

        Raises:
            ValueError: `mean` or `log_variance` is not a floating-point tensor, or their shapes differ; `noise` is given
                together with `rng`, has another shape, or is not a floating-point tensor.
        """
        check_floating("mean", self.mean)
        check_floating("log_variance", self.log_variance)
        check_same_shape("log_variance", self.log_variance, "mean", self.mean)
        if noise is None:
            noise = random_tensor(torch.randn, self.mean.shape, rng, dtype=self.mean.dtype, device=self.mean.device)
        else:
            refuse_both("noise", noise, rng)
            check_floating("noise", noise)
            check_same_shape("noise", noise, "the condition", self.mean)
        return self.mean + torch.exp(0.5 * self.log_variance) * noise


class ConditioningAugmentation(nn.Module):
    r"""Draw a short condition from a normal distribution whose mean and variance are learned from a text encoder's vector.

    .. math:: c = \mu(v) + \sigma(v) \cdot \epsilon, \qquad \epsilon \sim N(0, 1)

    There are few sentences and the vectors are long, so a generator sees isolated points of a large space. With draws
    around each point it sees a smooth region, and one sentence has many conditions and so many pictures. Every call
    draws, in training and in evaluation mode; for the mean call ``distribution(vectors).mean``.

    Without a further loss the variance shrinks to 0: add ``gankit.losses.conditioning_kl_loss(*distribution(vectors))``
    to the generator's loss. It does not depend on the draw. In data-parallel training make both calls in the forward pass
    of the wrapped network, so that the gradients of both are averaged.

    Args:
        in_features: Length of the text encoder's vectors.
        out_features: Length of the condition.
        activation: Builds the activation of mean and log variance; ``nn.Identity`` for no activation.

    Shape:
        - vectors: ``(n, in_features)``.
        - noise: ``(n, out_features)``, standard normal.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: A size is below 1; `vectors` have another shape or no sample, or are not a floating-point tensor;
            `noise` is given together with `rng`, or has another shape.

    Example:
        >>> import torch
        >>> from gankit.embedders import ConditioningAugmentation
        >>> from gankit.losses import conditioning_kl_loss
        >>> augmentation = ConditioningAugmentation(2400, 128)
        >>> vectors = torch.randn(3, 2400)
        >>> augmentation(vectors).shape
        torch.Size([3, 128])
        >>> conditioning_kl_loss(*augmentation.distribution(vectors)).ndim
        0

    Reference:
        Zhang et al. 2017, "StackGAN" (arXiv:1612.03242), section 3.2. The first published program, in TensorFlow, has
        the leaky ReLU of slope 0.2 that is the default here, and learns the logarithm of the standard deviation. The
        second, in PyTorch, has a plain ReLU and learns the logarithm of the variance, so that means are never negative
        and variances never below 1; pass ``activation=nn.ReLU`` for it.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        activation: Callable[[], nn.Module] = _LEAKY_RELU,
    ) -> None:
        super().__init__()
        check_at_least("in_features", in_features, 1)
        check_at_least("out_features", out_features, 1)
        check_factory("activation", activation)
        self.in_features = in_features
        self.out_features = out_features
        self.linear = nn.Linear(in_features, 2 * out_features)
        self.activation = activation()

    def distribution(self, vectors: torch.Tensor) -> ConditionDistribution:
        """Return mean and log variance of the conditions of `vectors`."""
        check_vectors("vectors", vectors, self.in_features)
        mean, log_variance = self.activation(self.linear(vectors)).chunk(2, dim=1)
        return ConditionDistribution(mean, log_variance)

    def forward(
        self, vectors: torch.Tensor, *, noise: torch.Tensor | None = None, rng: torch.Generator | None = None
    ) -> Condition:
        """Return a condition for each vector, drawn from its distribution."""
        return self.distribution(vectors).sample(noise=noise, rng=rng)
