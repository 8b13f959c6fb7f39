"""Labels of a whole batch of scores: one number for all, or a uniform draw for each."""

from collections.abc import Sequence
from typing import overload

import torch

from gankit._core import ScoreMaps, Scores, as_maps, as_matching_maps, check_finite, uniform_draw


@overload
def constant_labels(scores: Scores, value: float) -> Scores: ...
@overload
def constant_labels(scores: Sequence[Scores], value: float) -> tuple[Scores, ...]: ...
def constant_labels(scores: ScoreMaps, value: float) -> Scores | tuple[Scores, ...]:
    """The same label for every score, as one-sided smoothing wants it: 0.9 on the real side.

    Args:
        scores: Scores to be labeled, a tensor or a sequence of them; only their shapes, dtypes and devices matter.
        value: The label, usually in 0..1.

    Shape:
        Labels have the scores' shapes and devices, in float32 or wider; several maps give a tuple.

    Raises:
        ValueError: `value` is no finite number, a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import constant_labels
        >>> constant_labels(torch.zeros(3, dtype=torch.bfloat16), 0.9)
        tensor([0.9000, 0.9000, 0.9000])

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs", section 3.4, which smooths the real side alone: on the
        fake side a label above 0 rewards the generator for staying where only fakes are.
    """
    check_finite("value", value)
    labels = tuple(torch.full_like(one, value, dtype=_wide(one)) for one in as_maps("scores", scores))
    return labels[0] if isinstance(scores, torch.Tensor) else labels


@overload
def uniform_labels(
    scores: Scores, low: float, high: float, *, draw: Scores | None = None, rng: torch.Generator | None = None
) -> Scores: ...
@overload
def uniform_labels(
    scores: Sequence[Scores],
    low: float,
    high: float,
    *,
    draw: Sequence[Scores] | None = None,
    rng: torch.Generator | None = None,
) -> tuple[Scores, ...]: ...
def uniform_labels(
    scores: ScoreMaps,
    low: float,
    high: float,
    *,
    draw: ScoreMaps | None = None,
    rng: torch.Generator | None = None,
) -> Scores | tuple[Scores, ...]:
    """A label from `low` to `high` for every score, each drawn for itself: noisy labels.

    Well-known advice takes 0.7..1.2 for real and 0..0.3 for generated samples. Labels above 1 leave cross-entropy without a
    minimum, of which the losses warn; 0.8..1 on the real side alone is the safe form.

    Args:
        scores: Scores to be labeled, a tensor or a sequence of them; only their shapes, dtypes and devices matter.
        low: Label at draw 0.
        high: Label at draw 1, at least `low`.
        draw: Uniform numbers from 0 to below 1, one a score, of the scores' shapes; drawn map after map as ``torch.rand``
            in float32 or wider where None.
        rng: Where `draw` is drawn from, on the scores' device; the default generator where None.

    Shape:
        Labels have the scores' shapes and devices, in float32 or wider; several maps give a tuple.

    Raises:
        ValueError: `low` or `high` is no finite number, or `low` is above `high`; `draw` has another shape, lies outside 0..1
            or comes with `rng`; a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import uniform_labels
        >>> uniform_labels(torch.zeros(3), 0.8, 1.2, draw=torch.tensor([0.0, 0.25, 0.5]))
        tensor([0.8000, 0.9000, 1.0000])

    Reference:
        Chintala et al. 2016, "How to Train a GAN?", tip 6.
    """
    check_finite("low", low)
    check_finite("high", high)
    if low > high:
        raise ValueError(f"low must be at most high, got {low!r} and {high!r}")
    maps = as_maps("scores", scores)
    draws: Sequence[Scores | None] = [None] * len(maps)
    if draw is not None:
        draws = as_matching_maps("draw", draw, "scores", maps)
    shares = [uniform_draw(own, one, one.shape, rng).to(_wide(one)) for own, one in zip(draws, maps, strict=True)]
    # torch.lerp never leaves low..high by rounding, which low + (high - low) * share may.
    labels = tuple(torch.lerp(share.new_full((), low), share.new_full((), high), share) for share in shares)
    return labels[0] if isinstance(scores, torch.Tensor) else labels


def _wide(scores: Scores) -> torch.dtype:
    return torch.promote_types(scores.dtype, torch.float32)
