"""What a critic with class heads returns."""

from typing import NamedTuple

import torch

from gankit._core import Scores


class CriticOutput(NamedTuple):
    """Scores first, then what the class heads say.

    A critic without class heads returns a plain tensor of scores, so a critic's callers read `scores` only where
    `num_classes` was given.

    Attributes:
        scores: ``(n,)``, or the map of a critic that scores patches, ``(n, 1, height, width)``.
        classes: Logits ``(n, num_classes[attribute])``, one tensor an attribute.

    Example:
        >>> import torch
        >>> from gankit.networks import DCGANCritic
        >>> scores, (hair, eyes) = DCGANCritic(resolution=8, width=2, num_classes=(12, 11))(torch.randn(3, 3, 8, 8))
        >>> scores.shape, hair.shape, eyes.shape
        (torch.Size([3]), torch.Size([3, 12]), torch.Size([3, 11]))
    """

    scores: Scores
    classes: tuple[torch.Tensor, ...]
