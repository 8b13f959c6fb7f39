"""What a generator pays for drawing the same from different latents."""

import torch

from gankit._core import (
    Latents,
    Scalar,
    check_batch,
    check_floating,
    check_positive,
    check_same_shape,
    mean_of_whole_batch,
    values_are_at_hand,
)
from gankit.losses._objective import widen


def mode_seeking_loss(
    first: torch.Tensor,
    second: torch.Tensor,
    first_latents: Latents,
    second_latents: Latents,
    *,
    epsilon: float = 1e-5,
) -> Scalar:
    """Return ``1 / (ratio + epsilon)``, where the ratio is the distance of samples over that of their latents.

    A conditional generator that ignores its noise pays much. Draw two latents for each condition, and give both samples of
    it. Distances are means of absolute differences over the whole batch: ranks share them, and gradient accumulation,
    which would take the means of its parts, is refused.

    Args:
        first: Generated samples, with the generator's graph attached.
        second: Samples of the same conditions from other latents.
        first_latents: The latents of `first`.
        second_latents: The latents of `second`.
        epsilon: Bounds the loss where all samples are alike; above 0.

    Shape:
        - first, second: any shape with a batch axis, equal for both.
        - first_latents, second_latents: any shape with a batch axis, equal for both, with as many samples.
        - result: 0-d, in float32 or wider, in ``0..1 / epsilon``.

    Raises:
        ValueError: Shapes differ, a batch is empty, an argument is not floating-point, `epsilon` is not above 0, the
            latents are the same (checked on the CPU), or only a part of the batch is at hand.

    Example:
        >>> import torch
        >>> from gankit.losses import mode_seeking_loss
        >>> latents = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
        >>> mode_seeking_loss(torch.zeros(2, 3), torch.full((2, 3), 0.5), latents, latents + 1)
        tensor(2.0000)

    Reference:
        Mao et al. 2019, "Mode seeking generative adversarial networks for diverse image synthesis". The paper maximizes the
        ratio; the published program minimizes its inverse, of means over the batch and with this epsilon, and weighs it by
        1. So does gankit.
    """
    check_positive("epsilon", epsilon)
    _check_pair("first", first, "second", second)
    _check_pair("first_latents", first_latents, "second_latents", second_latents)
    if len(first) != len(first_latents):
        raise ValueError(f"first_latents must hold one row a sample, {len(first)}, got {len(first_latents)}")
    if values_are_at_hand(first_latents) and torch.equal(first_latents, second_latents):
        raise ValueError("first_latents and second_latents must differ, got the same latents twice")
    name = mode_seeking_loss.__name__
    apart = mean_of_whole_batch(name, (widen(first) - widen(second)).abs())
    latents_apart = mean_of_whole_batch(name, (widen(first_latents) - widen(second_latents)).abs())
    loss = 1 / (apart / latents_apart + epsilon)
    # Samples that are infinitely far apart would cost 0, as if all were well.
    return torch.where(apart.isfinite() & latents_apart.isfinite(), loss, torch.nan)


def _check_pair(name: str, one: torch.Tensor, other_name: str, other: torch.Tensor) -> None:
    for label, tensor in ((name, one), (other_name, other)):
        check_floating(label, tensor)
        check_batch(label, tensor)
    check_same_shape(other_name, other, name, one)
