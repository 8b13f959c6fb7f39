"""Relativistic losses: a real score is compared with its fake partner, or with the mean of the fake scores."""

from gankit._core import (
    Scalar,
    ScoreMaps,
    Scores,
    as_maps,
    as_matching_maps,
    mean_of_whole_batch,
    mean_over_maps,
    widen,
)
from gankit.losses._costs import Method, check_objective, costs_of
from gankit.losses._objectives import Objective


def paired_critic_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    r"""Mean cost of the difference between each real score and its fake partner: ``objective.real(real - fake)``.

    .. math:: L_D = \mathbb{E}\,[\ell_{\text{real}}(D(x) - D(G(z)))]

    Sample i of `real` is compared with sample i of `fake`; in a conditional GAN both have the same condition. The critic has
    to rank real samples of every mode above their fake partners, which helps against mode collapse (relativistic pairing,
    RpGAN). With `gankit.losses.Logistic` and `gankit.constraints.zero_centered_penalty` on real and on fake samples it is the
    objective of R3GAN.

    Args:
        objective: The cost of a difference of two scores; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes. Detach the generator's output first; this function does not.

    Shape:
        Scores of any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps it is the mean within
        each map, then across maps.

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; shapes differ, a batch is empty, or scores are not
            floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, paired_critic_loss
        >>> paired_critic_loss(Logistic(), torch.tensor([2.0, 0.0]), torch.tensor([2.0, 1.0]))
        tensor(1.0032)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator" (arXiv:1807.00734), section 4.1 (RGAN); Huang et al.
        2024, "The GAN is dead; long live the GAN!" (arXiv:2501.05441), equation 2 (RpGAN).
    """
    return _paired_loss(objective, "real", real, "fake", fake)


def paired_generator_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    r"""Mean cost of the difference between each fake score and its real partner: ``objective.real(fake - real)``.

    .. math:: L_G = \mathbb{E}\,[\ell_{\text{real}}(D(G(z)) - D(x))]

    The generator's side of `gankit.losses.paired_critic_loss`. Scores of real samples are constants for the generator, so
    they may be computed without a graph.

    Args:
        objective: The cost of a difference of two scores; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes, with the generator's graph attached.

    Shape:
        As in `gankit.losses.paired_critic_loss`.

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; shapes differ, a batch is empty, or scores are not
            floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, paired_generator_loss
        >>> paired_generator_loss(Logistic(), torch.tensor([2.0, 0.0]), torch.tensor([2.0, 1.0]))
        tensor(0.5032)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator" (arXiv:1807.00734), section 4.1 (RGAN), as for
        `gankit.losses.paired_critic_loss`.
    """
    return _paired_loss(objective, "fake", fake, "real", real)


def relativistic_average_critic_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    r"""Mean cost of the difference between each score and the mean score of the other side (RaGAN).

    .. math::

        L_D = \mathbb{E}\,[\ell_{\text{real}}(D(x) - \mathbb{E}\,D(G(z)))]
        + \mathbb{E}\,[\ell_{\text{fake}}(D(G(z)) - \mathbb{E}\,D(x))]

    The inner means are over the whole batch: ranks share them, and gradient accumulation, which would use the means of its
    parts, is refused.

    Args:
        objective: The cost of a difference of a score and a mean; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes. Detach the generator's output first; this function does not.

    Shape:
        Scores of any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps the means are per map,
        and the loss is the mean within each map, then across maps.

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; shapes differ, a batch is empty, scores are not
            floating-point, or only a part of the batch is given.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, relativistic_average_critic_loss
        >>> relativistic_average_critic_loss(Hinge(), torch.tensor([2.0, 1.0]), torch.tensor([0.0, 1.0]))
        tensor(0.5000)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator" (arXiv:1807.00734), section 4.2 (RaGAN). Its
        published code halves both losses, and so does LeCam's; the paper and gankit do not.
    """
    check_objective(objective)
    real_maps = as_maps("real", real)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    name = relativistic_average_critic_loss.__name__
    return _side(name, objective, "real", real_maps, fake_maps) + _side(name, objective, "fake", fake_maps, real_maps)


def relativistic_average_generator_loss(objective: Objective, real: ScoreMaps, fake: ScoreMaps) -> Scalar:
    r"""Mean cost of the difference between each score and the mean score of the other side, with the sides exchanged.

    .. math::

        L_G = \mathbb{E}\,[\ell_{\text{real}}(D(G(z)) - \mathbb{E}\,D(x))]
        + \mathbb{E}\,[\ell_{\text{fake}}(D(x) - \mathbb{E}\,D(G(z)))]

    The generator's side of `gankit.losses.relativistic_average_critic_loss`. Both parts have a gradient for the generator.

    Args:
        objective: The cost of a difference of a score and a mean; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them.
        fake: Scores of generated samples, of the same shapes, with the generator's graph attached.

    Shape:
        As in `gankit.losses.relativistic_average_critic_loss`.

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; shapes differ, a batch is empty, scores are not
            floating-point, or only a part of the batch is given.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, relativistic_average_generator_loss
        >>> relativistic_average_generator_loss(Hinge(), torch.tensor([2.0, 1.0]), torch.tensor([0.0, 1.0]))
        tensor(4.)

    Reference:
        Jolicoeur-Martineau 2018, "The relativistic discriminator" (arXiv:1807.00734), section 4.2 (RaGAN), as for
        `gankit.losses.relativistic_average_critic_loss`.
    """
    check_objective(objective)
    real_maps = as_maps("real", real)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    name = relativistic_average_generator_loss.__name__
    return _side(name, objective, "real", fake_maps, real_maps) + _side(name, objective, "fake", real_maps, fake_maps)


def _paired_loss(objective: Objective, name: str, above: ScoreMaps, other_name: str, below: ScoreMaps) -> Scalar:
    check_objective(objective)
    above_maps = as_maps(name, above)
    below_maps = as_matching_maps(other_name, below, name, above_maps)
    return mean_over_maps(
        # Widened before the subtraction: the difference of two half-precision scores would be rounded away.
        [
            costs_of(objective, "real", widen(one) - widen(other))
            for one, other in zip(above_maps, below_maps, strict=True)
        ]
    )


def _side(
    name: str, objective: Objective, method: Method, own: tuple[Scores, ...], other: tuple[Scores, ...]
) -> Scalar:
    return mean_over_maps(
        [
            costs_of(objective, method, widen(scores) - mean_of_whole_batch(name, widen(opposite)))
            for scores, opposite in zip(own, other, strict=True)
        ]
    )
