"""The relativistic average: each sample against the mean score of the other side."""

from collections.abc import Callable

from gankit._core import Scalar, ScoreMaps, Scores, as_maps, as_matching_maps, mean_of_whole_batch, mean_over_maps
from gankit.losses._objective import Objective, widen


def relativistic_average_critic_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    """Mean price of each score against the mean of the other side.

    The critic pays ``objective.real(real - mean(fake)) + objective.fake(fake - mean(real))``. The means are those of the whole
    batch: ranks share them, and gradient accumulation, which would take the means of its parts, is refused.

    Args:
        objective: Prices the difference of a score and a mean; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes. Detach the generator's output first: nothing here does.

    Shape:
        Scores of any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps the means are taken in
        each map, and the loss is the mean within each map, then across maps.

    Raises:
        ValueError: Shapes differ, a batch is empty, scores are not floating-point, or only a part of the batch is at hand.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, relativistic_average_critic_loss
        >>> relativistic_average_critic_loss(Hinge(), torch.tensor([2.0, 1.0]), torch.tensor([0.0, 1.0]))
        tensor(0.5000)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator", section 4.2 (RaGAN). Its published code halves both
        losses, and so does LeCam's; the paper and gankit do not.
    """
    real_maps = as_maps("real", real)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    name = relativistic_average_critic_loss.__name__
    return _side(name, objective.real, real_maps, fake_maps) + _side(name, objective.fake, fake_maps, real_maps)


def relativistic_average_generator_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    """Mean price of each score against the mean of the other side, with the sides changed over.

    The generator pays ``objective.real(fake - mean(real)) + objective.fake(real - mean(fake))``: the critic's prices with real
    and fake in each other's place. Both parts reach the generator.

    Args:
        objective: Prices the difference of a score and a mean; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes, with the generator's graph attached.

    Shape:
        Scores of any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps the means are taken in
        each map, and the loss is the mean within each map, then across maps.

    Raises:
        ValueError: Shapes differ, a batch is empty, scores are not floating-point, or only a part of the batch is at hand.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, relativistic_average_generator_loss
        >>> relativistic_average_generator_loss(Hinge(), torch.tensor([2.0, 1.0]), torch.tensor([0.0, 1.0]))
        tensor(4.)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator", section 4.2 (RaGAN).
    """
    real_maps = as_maps("real", real)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    name = relativistic_average_generator_loss.__name__
    return _side(name, objective.real, fake_maps, real_maps) + _side(name, objective.fake, real_maps, fake_maps)


def _side(name: str, price: Callable[[Scores], Scores], own: tuple[Scores, ...], other: tuple[Scores, ...]) -> Scalar:
    return mean_over_maps(
        [
            price(widen(scores) - mean_of_whole_batch(name, widen(opposite)))
            for scores, opposite in zip(own, other, strict=True)
        ]
    )
