"""What one side of scores costs under soft, noisy or flipped labels."""

import warnings
from collections.abc import Callable
from typing import TypeAlias

from gankit._core import Scalar, ScoreMaps, Scores, as_maps, as_matching_maps, mean_over_maps, values_are_at_hand
from gankit.losses._objective import Objective

Price: TypeAlias = Callable[[Scores], Scores]


def labeled_loss(objective: Objective, scores: ScoreMaps, labels: ScoreMaps) -> Scalar:
    """Mean price of scores of which each has its own label: a label t pays ``t * objective.real + (1 - t) * objective.fake``.

    For one side alone: a critic whose real and whose fake step are apart, or a generator that is to reach a soft target
    (the AC-GAN programs do both). For `gankit.losses.Logistic` it is cross-entropy with the soft target t, exactly. A
    generator that pays this with labels 1 pays the critic's price of real samples, whatever the objective's own price for
    generators is.

    Args:
        objective: Prices one score; see `gankit.losses.Objective`.
        scores: Scores of one side, a tensor or a sequence of them (several scales or patches).
        labels: Label of each score, 1 for real and 0 for generated; `gankit.losses.constant_labels`,
            `gankit.losses.uniform_labels` and `gankit.losses.flip_labels` make them.

    Shape:
        Scores and labels have any shape with a batch axis, equal for both; labels lie in 0..1. The loss is 0-d, in float32 or
        wider. With several maps it is the mean within each map, then across maps.

    Raises:
        ValueError: Shapes differ, so that ``(n,)`` is never broadcast against ``(n, 1)``; a batch is empty; scores or labels
            are not floating-point.

    Warns:
        UserWarning: A label lies outside 0..1, where most objectives have no minimum (checked on the CPU).

    Example:
        >>> import torch
        >>> from gankit.losses import Logistic, constant_labels, labeled_loss
        >>> scores = torch.tensor([2.0, 0.0, -1.0])
        >>> labeled_loss(Logistic(), scores, constant_labels(scores, 0.9))
        tensor(0.7444)

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.4 (label smoothing).
    """
    maps = as_maps("scores", scores)
    label_maps = as_matching_maps("labels", labels, "scores", maps)
    _warn_of_unbounded_labels("labels", label_maps, users_line=3)
    return _labeled_mean(objective, maps, label_maps)


def side_price(
    objective: Objective, side: str, maps: tuple[Scores, ...], labels: ScoreMaps | None, unlabeled: Price
) -> Scalar:
    """Mean price of one side of a critic's loss: by its labels, or by `unlabeled` where it has none."""
    if labels is None:
        return mean_over_maps([unlabeled(scores) for scores in maps])
    label_maps = as_matching_maps(f"{side}_labels", labels, side, maps)
    _warn_of_unbounded_labels(f"{side}_labels", label_maps)
    return _labeled_mean(objective, maps, label_maps)


def _labeled_mean(objective: Objective, maps: tuple[Scores, ...], label_maps: tuple[Scores, ...]) -> Scalar:
    return mean_over_maps(
        [
            label * objective.real(scores) + (1 - label) * objective.fake(scores)
            for label, scores in zip(label_maps, maps, strict=True)
        ]
    )


def _warn_of_unbounded_labels(name: str, label_maps: tuple[Scores, ...], *, users_line: int = 4) -> None:
    for labels in label_maps:
        if values_are_at_hand(labels) and bool(((labels < 0) | (labels > 1)).any()):
            # No numbers of this batch in the text: Python shows a text once a line, and another batch would be another text.
            warnings.warn(
                f"{name} must lie in 0..1, got some outside: most objectives are then unbounded below and scores may run "
                "away",
                UserWarning,
                stacklevel=users_line,
            )
            return
