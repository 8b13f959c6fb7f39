"""The plain losses: the critic's, the generator's, and the loss of one side with soft, noisy or flipped labels."""

import warnings

from gankit._core import Scalar, ScoreMaps, Scores, as_maps, as_matching_maps, mean_over_maps, values_are_readable
from gankit.losses._costs import Method, check_objective, costs_of
from gankit.losses._objectives import Objective


def critic_loss(
    objective: Objective,
    real: ScoreMaps,
    fake: ScoreMaps,
    *,
    real_labels: ScoreMaps | None = None,
    fake_labels: ScoreMaps | None = None,
) -> Scalar:
    r"""Loss of the critic (discriminator): the mean cost of real scores plus the mean cost of fake ones.

    .. math:: L_D = \mathbb{E}\,[\ell_{\text{real}}(D(x))] + \mathbb{E}\,[\ell_{\text{fake}}(D(G(z)))]

    Labels soften or flip the two sides (label smoothing): the cost of a score with label t is
    ``t * objective.real + (1 - t) * objective.fake``. With `gankit.losses.Logistic` this is exactly cross-entropy with the
    soft target t. `gankit.losses.labeled_loss` is the loss of one side.

    Args:
        objective: The cost of one score; see `gankit.losses.Objective`.
        real: Scores of real samples, a tensor or a sequence of them (several scales or patches).
        fake: Scores of generated samples, of the same shapes. Detach the generator's output first; this function does not.
        real_labels: Label of each real score, usually 1 or a little less. Default: 1.
        fake_labels: Label of each fake score, usually 0 or a little more. Default: 0.

    Shape:
        Scores and labels have any shape with a batch axis, equal for `real`, `fake` and their labels; the loss is 0-d, in
        float32 or wider. With several maps it is the mean within each map, then across maps. (StyleGAN-T and pix2pixHD sum
        over maps: multiply by their number to agree.)

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; shapes differ, so that ``(n,)`` is never broadcast
            against ``(n, 1)``; a batch is empty; scores are not floating-point.

    Warns:
        UserWarning: A label is not in 0..1, where most objectives have no minimum (checked on the CPU only).

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, critic_loss
        >>> real, fake = torch.tensor([2.0, 1.0, 3.0]), torch.tensor([-1.0, 0.0, -2.0])
        >>> critic_loss(Logistic(), real, fake)
        tensor(0.5407)
        >>> critic_loss(Logistic(), real, fake, real_labels=torch.full((3,), 0.9))
        tensor(0.7407)
    """
    check_objective(objective)
    real_maps = as_maps("real", real)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    real_side = side_loss(objective, "real", real_maps, real_labels, "real")
    return real_side + side_loss(objective, "fake", fake_maps, fake_labels, "fake")


def generator_loss(objective: Objective, fake: ScoreMaps) -> Scalar:
    r"""Loss of the generator: the mean cost of the scores of its samples.

    .. math:: L_G = \mathbb{E}\,[\ell_{\text{generator}}(D(G(z)))]

    Args:
        objective: The cost of one score; see `gankit.losses.Objective`.
        fake: Scores of generated samples, a tensor or a sequence of them, with the generator's graph attached.

    Shape:
        Any shape with a batch axis; the loss is 0-d, in float32 or wider. With several maps it is the mean within each map,
        then across maps.

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; the batch is empty, or scores are not
            floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import Hinge, generator_loss
        >>> generator_loss(Hinge(), [torch.ones(2, 1, 4, 4), torch.full((2, 1, 2, 2), 3.0)])
        tensor(-2.)
    """
    check_objective(objective)
    return mean_over_maps([costs_of(objective, "generator", scores) for scores in as_maps("fake", fake)])


def labeled_loss(objective: Objective, scores: ScoreMaps, labels: ScoreMaps) -> Scalar:
    r"""Mean cost of scores that each have a label t: ``t * objective.real + (1 - t) * objective.fake``.

    .. math:: L = \mathbb{E}\,[t\,\ell_{\text{real}}(s) + (1 - t)\,\ell_{\text{fake}}(s)]

    The loss of one side, for a critic with separate updates for real and fake samples, or for a generator with a soft target
    (the AC-GAN programs do both). With `gankit.losses.Logistic` it is exactly cross-entropy with the soft target t. With
    labels 1 a generator gets the critic's cost of real samples, whatever the objective's own cost for generators is.

    Args:
        objective: The cost of one score; see `gankit.losses.Objective`.
        scores: Scores of one side, a tensor or a sequence of them (several scales or patches).
        labels: Label of each score, 1 for real and 0 for generated. `gankit.losses.constant_labels`,
            `gankit.losses.uniform_labels` and `gankit.losses.flip_labels` make them.

    Shape:
        Scores and labels have any shape with a batch axis, equal for both; labels are in 0..1. The loss is 0-d, in float32 or
        wider. With several maps it is the mean within each map, then across maps.

    Raises:
        ValueError: `objective` is not an objective, but a class or a name; shapes differ, so that ``(n,)`` is never broadcast
            against ``(n, 1)``; a batch is empty; scores or labels are not floating-point.

    Warns:
        UserWarning: A label is not in 0..1, where most objectives have no minimum (checked on the CPU only).

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, constant_labels, labeled_loss
        >>> scores = torch.tensor([2.0, 0.0, -1.0])
        >>> labeled_loss(Logistic(), scores, constant_labels(scores, 0.9))
        tensor(0.7444)

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs" (arXiv:1606.03498), section 3.4 (label smoothing).
    """
    check_objective(objective)
    maps = as_maps("scores", scores)
    label_maps = as_matching_maps("labels", labels, "scores", maps)
    _warn_of_unbounded_labels("labels", label_maps, users_line=3)
    return _labeled_mean(objective, maps, label_maps)


def side_loss(
    objective: Objective, side: str, maps: tuple[Scores, ...], labels: ScoreMaps | None, unlabeled: Method
) -> Scalar:
    """Mean cost of one side of a critic's loss: by its labels, or by the method `unlabeled` without labels."""
    if labels is None:
        return mean_over_maps([costs_of(objective, unlabeled, scores) for scores in maps])
    label_maps = as_matching_maps(f"{side}_labels", labels, side, maps)
    _warn_of_unbounded_labels(f"{side}_labels", label_maps)
    return _labeled_mean(objective, maps, label_maps)


def _labeled_mean(objective: Objective, maps: tuple[Scores, ...], label_maps: tuple[Scores, ...]) -> Scalar:
    return mean_over_maps(
        [
            label * costs_of(objective, "real", scores) + (1 - label) * costs_of(objective, "fake", scores)
            for label, scores in zip(label_maps, maps, strict=True)
        ]
    )


def _warn_of_unbounded_labels(name: str, label_maps: tuple[Scores, ...], *, users_line: int = 4) -> None:
    for labels in label_maps:
        if values_are_readable(labels) and bool(((labels < 0) | (labels > 1)).any()):
            # Without numbers of this batch: Python shows one text per line only once, and every batch would make a new text.
            warnings.warn(
                f"{name} must lie in 0..1, got some outside: most objectives are then unbounded below and scores can grow "
                "without limit",
                UserWarning,
                stacklevel=users_line,
            )
            return
