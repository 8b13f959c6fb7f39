"""What is read beside the losses, without waiting for the device: how the critic scores, and how large gradients are."""

from collections.abc import Mapping, Sequence

import torch
from torch import nn


def score_readings(scores: Mapping[str, torch.Tensor], *, relative: bool = False) -> dict[str, torch.Tensor]:
    """Return the mean of each kind of scores, and the share of the pictures of each kind that the critic recognizes.

    A real picture is recognized by a score above the border, any other by one below it. The border is 0, where the critics of
    logistic and hinge losses have it. Losses that only compare scores, as Wasserstein's and relativistic ones, leave open where
    all scores lie together; for these the border is the middle between the mean scores of real and of drawn pictures in the
    batch. Where the critic cannot distinguish them, about half of the pictures are recognized.

    Args:
        scores: Scores of any shape. Names that begin with "real" are those of real pictures with what they show; all others
            should be low.
        relative: The loss only compares scores; "real" and "fake" must be there then, with the same end of their names.

    Returns:
        0-d tensors ``scores/NAME`` and ``accuracy/NAME``, without gradients.

    Example:
        >>> found = score_readings({"real": torch.tensor([2.0, -1.0]), "fake": torch.tensor([-3.0, -1.0])})
        >>> {name: float(value) for name, value in found.items()}
        {'scores/real': 0.5, 'scores/fake': -2.0, 'accuracy/real': 0.5, 'accuracy/fake': 1.0}
    """
    kinds = {name: of.detach().float() for name, of in scores.items()}
    means = {name: of.mean() for name, of in kinds.items()}
    readings = {f"scores/{name}": mean for name, mean in means.items()}
    border: torch.Tensor | float = 0.0
    if relative:
        high, low = (next(mean for name, mean in means.items() if name.startswith(kind)) for kind in ("real", "fake"))
        border = (high + low) / 2
    for name, of in kinds.items():
        recognized = of > border if name.startswith("real") else of < border
        readings[f"accuracy/{name}"] = recognized.float().mean()
    return readings


def gradient_length_of(network: nn.Module) -> torch.Tensor | None:
    """Return the length of the gradient of all parameters together, as the last update left it. None: there is none yet."""
    gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    return length_of(gradients) if gradients else None


@torch.no_grad()
def length_of(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the root of the sum of all squares, on the device; one beyond the largest number is that number.

    Example:
        >>> length_of([torch.tensor([1.0, 2.0]), torch.tensor([[2.0]])])
        tensor(3.)
    """
    length = nn.utils.get_total_norm(tensors)
    return length.clamp(max=torch.finfo(length.dtype).max)


def columns_after(weight: torch.Tensor, inputs: int) -> torch.Tensor:
    """Return the columns of a layer's weight beyond the first inputs: those of a condition that is joined behind them.

    The result is a view: it changes with the weight.
    """
    return weight.detach()[:, inputs:]


def rows_after(weight: torch.Tensor, inputs: int) -> torch.Tensor:
    """Return the same for a transposed convolution, whose weight has a row for each input."""
    return weight.detach()[inputs:]
