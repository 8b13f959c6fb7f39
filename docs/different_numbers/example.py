"""The example of the page: small tensors in float64, drawn once from a seed."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """All tensors that the rows are computed from. Sizes are small and unequal, so that axes cannot be confused."""

    real_scores: torch.Tensor
    """Scores of 5 real samples; `fake_scores` and `mismatched_scores` likewise."""
    fake_scores: torch.Tensor
    mismatched_scores: torch.Tensor
    real_maps: tuple[torch.Tensor, ...]
    """Scores of patches at two scales, ``(5, 1, 7, 7)`` and ``(5, 1, 3, 3)``."""
    fake_maps: tuple[torch.Tensor, ...]
    real: torch.Tensor
    """Images ``(5, 3, 7, 7)`` in 0..1; `fake` likewise."""
    fake: torch.Tensor
    mix: torch.Tensor
    """Share of the real image at each point of WGAN-GP, ``(5, 1, 1, 1)``."""
    noise: torch.Tensor
    """Noise of DRAGAN in 0..1, of the images' shape; `shares` likewise, for programs with one weight per number."""
    shares: torch.Tensor
    first_layer: torch.Tensor
    """Weights of the critic ``tanh(x @ first_layer) @ last_layer`` of flat images, ``(147, 11)`` and ``(11,)``."""
    last_layer: torch.Tensor
    patch_layer: torch.Tensor
    """The last layer of a critic with 4 patches, ``(11, 4)``."""
    condition_layer: torch.Tensor
    """Weights of a condition with 7 features in the first layer of a critic, ``(7, 11)``."""
    conditions: torch.Tensor
    real_logits: torch.Tensor
    """Logits of 7 classes or tags, ``(5, 7)``; `fake_logits` likewise."""
    fake_logits: torch.Tensor
    classes: torch.Tensor
    """Class ids ``(5,)``."""
    tags: torch.Tensor
    """Zeros and ones ``(5, 7)``."""
    embeddings: torch.Tensor
    """Output of an embedding layer, ``(5, 11)``, and the proxies of the 7 classes, ``(7, 11)``."""
    proxies: torch.Tensor
    latents: tuple[torch.Tensor, torch.Tensor]
    """Two draws of latents with 11 features per sample."""
    features: tuple[tuple[torch.Tensor, ...], ...]
    """Features of real samples: two critics with three layers each; `fake_features` likewise."""
    fake_features: tuple[tuple[torch.Tensor, ...], ...]

    def critic(self, images: torch.Tensor) -> torch.Tensor:
        """Score images, one score per sample."""
        return torch.tanh(images.flatten(1).double() @ self.first_layer) @ self.last_layer

    def patch_critic(self, images: torch.Tensor) -> torch.Tensor:
        """Score images, four scores per sample."""
        return torch.tanh(images.flatten(1).double() @ self.first_layer) @ self.patch_layer

    def conditional_critic(self, images: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Score images together with their conditions."""
        hidden = images.flatten(1).double() @ self.first_layer + conditions @ self.condition_layer
        return torch.tanh(hidden) @ self.last_layer


def make_example(seed: int = 0) -> Example:
    """Draw the example. Every number of the page is computed from seed 0."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    layers = ((5, 8, 7, 7), (5, 11, 3, 3), (5, 1, 3, 3))
    return Example(
        real_scores=1.5 * normal(5) + 1.5,
        fake_scores=1.5 * normal(5) - 1.5,
        mismatched_scores=1.5 * normal(5),
        real_maps=(normal(5, 1, 7, 7) + 0.5, normal(5, 1, 3, 3) + 0.5),
        fake_maps=(normal(5, 1, 7, 7) - 0.5, normal(5, 1, 3, 3) - 0.5),
        real=uniform(5, 3, 7, 7),
        fake=uniform(5, 3, 7, 7).square(),
        mix=uniform(5, 1, 1, 1),
        noise=uniform(5, 3, 7, 7),
        shares=uniform(5, 3, 7, 7),
        first_layer=0.1 * normal(147, 11),
        last_layer=normal(11),
        patch_layer=normal(11, 4),
        condition_layer=0.3 * normal(7, 11),
        conditions=normal(5, 7),
        real_logits=normal(5, 7),
        fake_logits=normal(5, 7),
        classes=torch.tensor([3, 0, 3, 6, 1]),
        tags=(uniform(5, 7) < 0.3).double(),
        embeddings=normal(5, 11),
        proxies=normal(7, 11),
        latents=(normal(5, 11), normal(5, 11)),
        features=tuple(tuple(normal(*shape) for shape in layers) for _ in range(2)),
        fake_features=tuple(tuple(normal(*shape) for shape in layers) for _ in range(2)),
    )
