"""Relativistic pairing: each real sample against one fake."""

from gankit._core import Scalar, ScoreMaps, as_maps, as_matching_maps, mean_over_maps
from gankit.losses._objective import Objective, widen


def paired_critic_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    """Mean price of how far each real sample scores above its fake partner: ``objective.real(real - fake)``.

    Sample i of `real` is compared with sample i of `fake`; in a conditional GAN both have the same condition. A critic that
    only ranks cannot forget a mode as long as real samples of it are shown. With `gankit.losses.Logistic` and
    `gankit.constraints.zero_centered_penalty` on real and on fake samples it is the objective of R3GAN.

    Args:
        objective: Prices the difference of two scores; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes. Detach the generator's output first: nothing here does.

    Shape:
        Scores of any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps it is the mean within
        each map, then across maps.

    Raises:
        ValueError: Shapes differ, a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, paired_critic_loss
        >>> paired_critic_loss(Logistic(), torch.tensor([2.0, 0.0]), torch.tensor([2.0, 1.0]))
        tensor(1.0032)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator", section 4.1 (RGAN); Huang et al. 2024, "The GAN is dead;
        long live the GAN!", equation 2 (RpGAN).
    """
    return _paired_loss(objective, "real", real, "fake", fake)


def paired_generator_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    """Mean price of how far each fake scores above its real partner: ``objective.real(fake - real)``.

    The generator's side of `gankit.losses.paired_critic_loss`. Scores of real samples are constants to the generator, so
    they may come without a graph.

    Args:
        objective: Prices the difference of two scores; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes, with the generator's graph attached.

    Shape:
        Scores of any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps it is the mean within
        each map, then across maps.

    Raises:
        ValueError: Shapes differ, a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, paired_generator_loss
        >>> paired_generator_loss(Logistic(), torch.tensor([2.0, 0.0]), torch.tensor([2.0, 1.0]))
        tensor(0.5032)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator", section 4.1 (RGAN); Huang et al. 2024, "The GAN is dead;
        long live the GAN!", equation 2 (RpGAN).
    """
    return _paired_loss(objective, "fake", fake, "real", real)


def _paired_loss(objective: Objective, name: str, above: ScoreMaps, other_name: str, below: ScoreMaps) -> Scalar:
    above_maps = as_maps(name, above)
    below_maps = as_matching_maps(other_name, below, name, above_maps)
    return mean_over_maps(
        # Widened before they are subtracted: the difference of two half-precision scores would be rounded away.
        [objective.real(widen(one) - widen(other)) for one, other in zip(above_maps, below_maps, strict=True)]
    )
