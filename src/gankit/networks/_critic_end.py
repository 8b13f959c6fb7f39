"""The end of a critic: scores from the last maps, and class logits beside them."""

from collections.abc import Sequence

import torch
from torch import nn

from gankit._core import Condition, Scores
from gankit.blocks import ClassHead, ProjectionHead
from gankit.networks._critic_output import CriticOutput


class CriticEnd(nn.Module):
    """Score the critic's last maps: flattened without a condition, summed over positions with one."""

    def __init__(
        self, channels: int, positions: int, condition_features: int | None, num_classes: int | Sequence[int]
    ) -> None:
        super().__init__()
        flat = channels * positions
        self.score = nn.Linear(flat, 1) if condition_features is None else ProjectionHead(channels, condition_features)
        wanted = not isinstance(num_classes, Sequence) or len(num_classes) > 0
        self.classes = ClassHead(flat, num_classes) if wanted else None

    def forward(self, maps: torch.Tensor, condition: Condition | None) -> Scores | CriticOutput:
        if condition is not None:
            scores = self.score(maps.sum(dim=(2, 3)), condition)
            return scores if self.classes is None else CriticOutput(scores, self.classes(maps.flatten(1)))
        # Maps with channels innermost are copied to be flattened: once, for all that reads them.
        flat = maps.flatten(1)
        scores = self.score(flat).squeeze(1)
        return scores if self.classes is None else CriticOutput(scores, self.classes(flat))

    def linear_layers(self) -> list[nn.Linear]:
        """The layers to initialize."""
        return [layer for layer in self.modules() if isinstance(layer, nn.Linear)]
