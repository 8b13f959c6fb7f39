"""The loss of a critic that also learns whether a sample matches its condition."""

from gankit._core import Scalar, ScoreMaps, as_maps, as_matching_maps, check_finite
from gankit.losses._adversarial import side_loss
from gankit.losses._costs import check_objective
from gankit.losses._objectives import Objective

TOLERANCE = 1e-6


def matching_aware_critic_loss(
    objective: Objective,
    real: ScoreMaps,
    mismatched: ScoreMaps,
    fake: ScoreMaps,
    *,
    mismatched_weight: float = 0.5,
    fake_weight: float = 0.5,
    second_mismatched: ScoreMaps | None = None,
    second_mismatched_weight: float | None = None,
    balanced: bool = True,
    real_labels: ScoreMaps | None = None,
    mismatched_labels: ScoreMaps | None = None,
    fake_labels: ScoreMaps | None = None,
) -> Scalar:
    r"""Mean cost of real pairs plus the weighted costs of the negative side: mismatched pairs and fakes.

    .. math::

        L_D = \mathbb{E}\,[\ell_{\text{real}}(D(x, c))] + w_m\,\mathbb{E}\,[\ell_{\text{fake}}(D(x, c'))]
        + w_f\,\mathbb{E}\,[\ell_{\text{fake}}(D(G(z, c), c))]

    with the condition c of a sample, a wrong condition c', `mismatched_weight` :math:`w_m` and `fake_weight` :math:`w_f`.

    A critic that only separates real from generated samples may ignore the condition. This critic also sees real samples with
    the conditions of other samples (`gankit.losses.mismatched_indices` and `gankit.losses.mismatched_labels` select them) and
    is trained to give them low scores, like fakes. The generator's loss is the usual `gankit.losses.generator_loss`.

    The weights of the negative side add to 1, the weight of the real side. With other weights, the loss depends on a common
    shift of all scores: with `gankit.losses.Wasserstein` and weights 1 and 1 the loss falls by c when every score falls by c,
    so the critic's bias decreases without limit. Weight clipping bounds it; a gradient penalty does not.

    Args:
        objective: The cost of one score; see `gankit.losses.Objective`.
        real: Scores of real samples with their own conditions, a tensor or a sequence of them.
        mismatched: Scores of real samples with conditions of other samples, of the same shapes.
        fake: Scores of generated samples with the conditions they were generated for, of the same shapes. Detach the
            generator's output first; this function does not.
        mismatched_weight: Weight of the mismatched pairs, 0 or more.
        fake_weight: Weight of the fakes, 0 or more.
        second_mismatched: Scores of a second kind of mismatch, of the same shapes (one kind has the wrong sample, the other
            the wrong condition). Must be given together with its weight.
        second_mismatched_weight: Weight of the second kind, 0 or more.
        balanced: Require that the weights of the negative side add to 1 (to 1e-6).
        real_labels: Label of each real score. Default: 1. See `gankit.losses.critic_loss`.
        mismatched_labels: Label of each mismatched score. Default: 0. A second kind always has label 0.
        fake_labels: Label of each fake score. Default: 0.

    Shape:
        Scores and labels have any shape with a batch axis, equal for all; the loss is 0-d, in float32 or wider. With several
        maps it is the mean within each map, then across maps.

    Raises:
        ValueError: The weights do not add to 1 and `balanced` is true; a weight is negative or not finite; the second kind is
            given without its weight or the weight without it; shapes differ, a batch is empty, scores are not
            floating-point.

    Warns:
        UserWarning: A label is not in 0..1, where most objectives have no minimum (checked on the CPU only).

    Example:
        >>> import torch
        >>> from gankit.losses import Wasserstein, matching_aware_critic_loss
        >>> real, mismatched, fake = torch.tensor([4.0, 2.0]), torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.0])
        >>> matching_aware_critic_loss(Wasserstein(), real, mismatched, fake)
        tensor(-2.5000)

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis" (arXiv:1605.05396), algorithm 1 (GAN-CLS),
        which maximizes: the loss here is the negative of the paper's. The authors' program has the weights 0.5 and 0.5
        as in the paper (its mismatch is a wrong image); well-known re-implementations leave the factors out (1 and 1:
        pass ``balanced=False``), others use thirds over fakes and two kinds of mismatch.
    """
    check_objective(objective)
    second_weight = _second_weight(second_mismatched, second_mismatched_weight)
    _check_weights(mismatched_weight, fake_weight, second_weight, balanced=balanced)
    real_maps = as_maps("real", real)
    mismatched_maps = as_matching_maps("mismatched", mismatched, "real", real_maps)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    loss = (
        side_loss(objective, "real", real_maps, real_labels, "real")
        + mismatched_weight * side_loss(objective, "mismatched", mismatched_maps, mismatched_labels, "fake")
        + fake_weight * side_loss(objective, "fake", fake_maps, fake_labels, "fake")
    )
    if second_mismatched is None:
        return loss
    second_maps = as_matching_maps("second_mismatched", second_mismatched, "real", real_maps)
    return loss + second_weight * side_loss(objective, "second_mismatched", second_maps, None, "fake")


def _second_weight(second_mismatched: ScoreMaps | None, second_mismatched_weight: float | None) -> float:
    if second_mismatched is not None and second_mismatched_weight is not None:
        return second_mismatched_weight
    if second_mismatched is not None or second_mismatched_weight is not None:
        given = "the scores" if second_mismatched_weight is None else "the weight"
        raise ValueError(f"second_mismatched and second_mismatched_weight must be given together, got only {given}")
    return 0.0


def _check_weights(mismatched_weight: float, fake_weight: float, second_weight: float, *, balanced: bool) -> None:
    weights = {
        "mismatched_weight": mismatched_weight,
        "fake_weight": fake_weight,
        "second_mismatched_weight": second_weight,
    }
    for name, weight in weights.items():
        check_finite(name, weight)
        if weight < 0:
            raise ValueError(f"{name} must be 0 or more, got {weight!r}")
    total = sum(weights.values())
    if balanced and abs(total - 1) > TOLERANCE:
        listed = ", ".join(f"{name}={weight:g}" for name, weight in weights.items())
        raise ValueError(
            f"weights of mismatched and fake scores must add to 1, the weight of the real side, got {listed}, which add to "
            f"{total:g}: the loss would depend on a common shift of all scores, and the critic's bias could decrease without "
            "limit; pass balanced=False to allow it"
        )
