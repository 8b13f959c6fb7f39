"""Long vectors of a text made short."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gankit._core import Condition, check_at_least, check_factory
from gankit.embedders._vectors import check_vectors

_LEAKY_RELU = partial(nn.LeakyReLU, 0.2)


class TextProjection(nn.Module):
    """Compress a text encoder's vectors by a learned linear map and an activation.

    A sentence vector of 2400 numbers and norm 1 beside 100 latents of norm 10 is neither heard nor cheap: project it to
    about the length of the latents first. The generator and the critic have one of their own each. Where the condition
    drowns the latents, and one sentence draws one picture, price its weights: ``gankit.constraints.weight_penalty(
    projection.linear.weight)`` adds their squares to the generator's loss.

    Args:
        in_features: The length of the text encoder's vectors.
        out_features: The length of the projected vector.
        activation: Makes the activation; ``nn.Identity`` for none.

    Shape:
        - vectors: ``(n, in_features)``.
        - result: ``(n, out_features)``.

    Raises:
        ValueError: A size is below 1; `vectors` have another shape, no sample, or are no floating-point tensor.

    Example:
        >>> import torch
        >>> from gankit.embedders import TextProjection
        >>> TextProjection(2400, 128)(torch.randn(3, 2400)).shape
        torch.Size([3, 128])

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", section 4.1 (128 features, leaky ReLU). The
        published program projects to 256.
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
