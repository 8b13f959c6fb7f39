"""A critic that also learns whether a sample fits its condition."""

from gankit._core import Scalar, ScoreMaps, as_maps, as_matching_maps, check_finite
from gankit.losses._labeled_loss import side_price
from gankit.losses._objective import Objective

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
    """Mean price of real pairs plus the weighed prices of what must not pass for one: mismatched pairs and fakes.

    A critic that only tells real from generated samples may ignore the condition. This one also sees real samples beside
    conditions that are not theirs (`gankit.losses.mismatched_indices` and `gankit.losses.mismatched_labels` find some) and
    pays for them as for fakes: ``real + mismatched_weight * mismatched + fake_weight * fake``. The generator pays the usual
    `gankit.losses.generator_loss`.

    The weights of the negative side add to 1, as much as the real side weighs. Where they do not, all scores together have a
    preferred direction: with `gankit.losses.Wasserstein` and weights 1 and 1 the loss falls by c when every score falls by
    c, so the critic's bias runs away, held by weight clipping alone and not by a gradient penalty.

    Args:
        objective: Prices one score; see `gankit.losses.Objective`.
        real: Scores of real samples with their own conditions, a tensor or a sequence of them.
        mismatched: Scores of real samples with others' conditions, of the same shapes.
        fake: Scores of generated samples with the conditions they were made for, of the same shapes. Detach the generator's
            output first: nothing here does.
        mismatched_weight: Weight of the mismatched pairs, 0 or more.
        fake_weight: Weight of the fakes, 0 or more.
        second_mismatched: Scores of a second kind of mismatch, of the same shapes (one kind has the wrong sample, the other
            the wrong condition); comes with its weight or not at all.
        second_mismatched_weight: Weight of the second kind, 0 or more.
        balanced: Insist that the weights of the negative side add to 1 (to 1e-6).
        real_labels: Label of each real score; None stands for 1. See `gankit.losses.critic_loss`.
        mismatched_labels: Label of each mismatched score; None stands for 0. A second kind always has 0.
        fake_labels: Label of each fake score; None stands for 0.

    Shape:
        Scores and labels have any shape with a batch axis, equal for all; the loss is 0-d, in float32 or wider. With several
        maps it is the mean within each map, then across maps.

    Raises:
        ValueError: The weights do not add to 1 although `balanced`; a weight is negative or not finite; the second kind
            comes without its weight or the weight without it; shapes differ, a batch is empty, scores are not
            floating-point.

    Warns:
        UserWarning: A label lies outside 0..1, where most objectives have no minimum (checked on the CPU).

    Example:
        >>> import torch
        >>> from gankit.losses import Wasserstein, matching_aware_critic_loss
        >>> real, mismatched, fake = torch.tensor([4.0, 2.0]), torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 0.0])
        >>> matching_aware_critic_loss(Wasserstein(), real, mismatched, fake)
        tensor(-2.5000)

    Reference:
        Reed et al. 2016, "Generative Adversarial Text to Image Synthesis", algorithm 1 (GAN-CLS), which descends on what is
        to be maximized: the loss here is its negative. The authors' program weighs 0.5 and 0.5 as the paper does (its
        mismatch is a wrong image); well-known re-implementations leave the halves out (1 and 1: pass ``balanced=False``),
        others take thirds over fakes and two kinds of mismatch.
    """
    second_weight = _second_weight(second_mismatched, second_mismatched_weight)
    _check_weights(mismatched_weight, fake_weight, second_weight, balanced=balanced)
    real_maps = as_maps("real", real)
    mismatched_maps = as_matching_maps("mismatched", mismatched, "real", real_maps)
    fake_maps = as_matching_maps("fake", fake, "real", real_maps)
    loss = (
        side_price(objective, "real", real_maps, real_labels, objective.real)
        + mismatched_weight * side_price(objective, "mismatched", mismatched_maps, mismatched_labels, objective.fake)
        + fake_weight * side_price(objective, "fake", fake_maps, fake_labels, objective.fake)
    )
    if second_mismatched is None:
        return loss
    second_maps = as_matching_maps("second_mismatched", second_mismatched, "real", real_maps)
    return loss + second_weight * side_price(objective, "second_mismatched", second_maps, None, objective.fake)


def _second_weight(second_mismatched: ScoreMaps | None, second_mismatched_weight: float | None) -> float:
    if second_mismatched is not None and second_mismatched_weight is not None:
        return second_mismatched_weight
    if second_mismatched is not None or second_mismatched_weight is not None:
        given = "the scores" if second_mismatched_weight is None else "the weight"
        raise ValueError(f"second_mismatched and second_mismatched_weight must come together, got {given} alone")
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
            f"weights of mismatched and fake scores must add to 1, as much as the real side weighs, got {listed}, which add "
            f"to {total:g}: a common shift of all scores would change the loss, and the critic's bias would run away "
            "wherever nothing bounds it; pass balanced=False to have it so"
        )
