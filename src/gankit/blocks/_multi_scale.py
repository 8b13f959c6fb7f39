"""Several critics that see the same picture at different sizes."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from gankit._core import Condition
from gankit.blocks._maps import check_maps


class MultiScale(nn.Module):
    """Give the picture to the first critic as it is, and to each later critic at a smaller size.

    A critic of small pictures judges the whole, a critic of large pictures the detail. The critics share no weights.
    Losses take the tuple of scores as it is: the mean within each map, then over the maps. A penalty needs one tensor, so
    join them: ``lambda x: torch.cat([scores.flatten(1) for scores in critic(x)], dim=1)``.

    Args:
        critics: The critics, from the largest pictures to the smallest.
        down: A layer that makes a picture smaller, such as `MeanDownsample`.

    Shape:
        - images: ``(n, channels, height, width)``.
        - condition: the second argument of the critics (a condition, labels); they get no second argument if it is None.
        - result: a tuple of the critics' results, in their order.

    Raises:
        ValueError: There is no critic, or one that is not a module; `images` has another shape.

    Example:
        >>> import torch
        >>> from gankit.blocks import MeanDownsample, MultiScale, PatchHead
        >>> critic = MultiScale([PatchHead(3), PatchHead(3)], MeanDownsample())
        >>> [scores.shape[2:] for scores in critic(torch.randn(2, 3, 16, 16))]
        [torch.Size([15, 15]), torch.Size([7, 7])]

    Reference:
        Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (pix2pixHD,
        arXiv:1711.11585), section 3.2: three PatchGANs of the same architecture. They pool over 3 x 3 pixels with a
        stride of 2, and sum the critics' losses, which are averaged here.
    """

    def __init__(self, critics: Iterable[nn.Module], down: nn.Module) -> None:
        super().__init__()
        if not isinstance(critics, Iterable):
            raise ValueError(f"critics must be a sequence of modules, got {critics!r}")
        critics = list(critics)
        if not critics:
            raise ValueError("critics must hold at least one critic, got none")
        for name, part in [*((f"critics[{i}]", critic) for i, critic in enumerate(critics)), ("down", down)]:
            if not isinstance(part, nn.Module):
                raise ValueError(f"{name} must be a torch.nn.Module, got {part!r}")
        self.critics = nn.ModuleList(critics)
        self.down = down

    def forward(self, images: torch.Tensor, condition: Condition | None = None) -> tuple[Any, ...]:
        """Return the result of each critic on `images` at its size."""
        check_maps("images", images, None)
        rest = () if condition is None else (condition,)
        results = []
        for index, critic in enumerate(self.critics):
            images = images if index == 0 else self.down(images)
            results.append(critic(images, *rest))
        return tuple(results)
