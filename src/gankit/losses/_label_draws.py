"""Soft, noisy and flipped labels for a batch of scores."""

from collections.abc import Sequence
from typing import overload

import torch

from gankit._core import (
    Scalar,
    ScoreMaps,
    Scores,
    as_maps,
    as_matching_maps,
    check_finite,
    check_fraction,
    gather_whole_batch,
    ranks_of_whole_batch,
    uniform_draw,
    values_are_readable,
)


@overload
def constant_labels(scores: Scores, value: float) -> Scores: ...
@overload
def constant_labels(scores: Sequence[Scores], value: float) -> tuple[Scores, ...]: ...
def constant_labels(scores: ScoreMaps, value: float) -> Scores | tuple[Scores, ...]:
    """Return the same label for every score, for example 0.9 on the real side: one-sided label smoothing.

    Args:
        scores: The scores that get labels, a tensor or a sequence of them; only shape, dtype and device matter.
        value: The label, usually in 0..1.

    Shape:
        Labels have the scores' shapes and devices, in float32 or wider; several maps give a tuple.

    Raises:
        ValueError: `value` is not a finite number, a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import constant_labels
        >>> constant_labels(torch.zeros(3, dtype=torch.bfloat16), 0.9)
        tensor([0.9000, 0.9000, 0.9000])

    Reference:
        Salimans et al. 2016, "Improved Techniques for Training GANs" (arXiv:1606.03498), section 3.4, which smooths
        only the real side: on the fake side a label above 0 rewards the generator for staying in regions with only
        fakes.
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
    r"""Draw a label from `low` to `high` for every score independently: noisy labels, also called soft labels.

    .. math:: t = \text{low} + (\text{high} - \text{low})\,u, \qquad u \text{ uniform in } 0..1

    Well-known advice is 0.7..1.2 for real and 0..0.3 for generated samples. With labels above 1 cross-entropy has no minimum,
    and the losses warn; 0.8..1 on the real side only is the safe form.

    Args:
        scores: The scores that get labels, a tensor or a sequence of them; only shape, dtype and device matter.
        low: Label at draw 0.
        high: Label at draw 1, at least `low`.
        draw: One uniform number per score, 0 or more and below 1, of the scores' shapes. Default: ``torch.rand`` in float32
            or wider, map after map.
        rng: Generator for `draw`, on the scores' device. Default: the device's default generator.

    Shape:
        Labels have the scores' shapes and devices, in float32 or wider; several maps give a tuple.

    Raises:
        ValueError: `low` or `high` is not a finite number, or `low` is above `high`; `draw` has another shape, has a number
            outside 0..1 or is given with `rng`; a batch is empty, or scores are not floating-point.

    Example:
        >>> import torch
        >>> from gankit.losses import uniform_labels
        >>> uniform_labels(torch.zeros(3), 0.8, 1.2, draw=torch.tensor([0.0, 0.25, 0.5]))
        tensor([0.8000, 0.9000, 1.0000])

    Reference:
        Chintala et al. 2016, "How to Train a GAN?" (https://github.com/soumith/ganhacks), tip 6.
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
    # torch.lerp never leaves low..high by rounding; low + (high - low) * share may.
    labels = tuple(torch.lerp(share.new_full((), low), share.new_full((), high), share) for share in shares)
    return labels[0] if isinstance(scores, torch.Tensor) else labels


@overload
def flip_labels(
    labels: Scores,
    probability: float | Scalar,
    *,
    whole_batch: bool = False,
    draw: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Scores: ...
@overload
def flip_labels(
    labels: Sequence[Scores],
    probability: float | Scalar,
    *,
    whole_batch: bool = False,
    draw: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> tuple[Scores, ...]: ...
def flip_labels(
    labels: ScoreMaps,
    probability: float | Scalar,
    *,
    whole_batch: bool = False,
    draw: torch.Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Scores | tuple[Scores, ...]:
    r"""Replace label t by 1 - t with the given probability, independently per sample or for the whole batch at once.

    .. math:: t \mapsto 1 - t \text{ with probability } p, \qquad t \mapsto t \text{ otherwise}

    Flipping some fake labels trains the critic to accept a few fakes, which slows it down if it becomes too strong early. The
    expected loss with flip probability p equals the loss with labels smoothed by p; flipping only adds noise. It therefore
    has the same disadvantage: in regions with only fakes, the best critic still gives them p, and the generator has less
    reason to leave. Let p decrease to 0 (`gankit.schedules.Ramp`) or follow the critic (`gankit.losses.AdaptiveProbability`).

    Args:
        labels: Labels to flip, a tensor or a sequence of them, as from `gankit.losses.constant_labels` or
            `gankit.losses.uniform_labels`. They are not changed in place.
        probability: Probability of a flip, in 0..1; 0 flips none and 1 flips all. A 0-d tensor is not read on the host.
        whole_batch: Flip all samples or none, by one draw for the batch. All ranks use the draw of rank 0. Under gradient
            accumulation, where each part would have its own draw, it is refused unless `draw` is given.
        draw: Uniform numbers, 0 or more and below 1; a number below `probability` flips. Default: ``torch.rand`` in float32
            or wider. If it is given with `whole_batch`, it is used as it is: give the same to all ranks.
        rng: Generator for `draw`, on the labels' device. Default: the device's default generator.

    Shape:
        Labels ``(n, ...)`` of any rank; one draw per sample is used for all of its patches and all maps, which must have the
        same n. `draw` is ``(n,)``, or 0-d with `whole_batch`. The result has the labels' shapes and dtypes; several maps give
        a tuple.

    Raises:
        ValueError: `probability` is not in 0..1 or not a 0-d floating-point tensor; `draw` has another shape, has a number
            outside 0..1 or is given with `rng`; maps differ in their number of samples; a batch is empty, or labels are not
            floating-point; or `whole_batch` is used with only a part of the batch.

    Example:
        >>> import torch
        >>> from gankit.losses import flip_labels
        >>> flip_labels(torch.tensor([0.0, 0.1, 0.0]), 0.5, draw=torch.tensor([0.9, 0.2, 0.5]))
        tensor([0.0000, 0.9000, 0.0000])

    Reference:
        Chintala et al. 2016, "How to Train a GAN?" (https://github.com/soumith/ganhacks), tip 6 ("occasionally flip the
        labels"). Smoothing the fake side: Salimans et al. 2016, "Improved Techniques for Training GANs"
        (arXiv:1606.03498), section 3.4.
    """
    maps = as_maps("labels", labels)
    count = len(maps[0])
    for index, one in enumerate(maps):
        if len(one) != count:
            raise ValueError(
                f"labels must hold equally many samples in each map, got {count} and {len(one)} in map {index}"
            )
    _check_probability(probability)
    coin = uniform_draw(draw, maps[0], () if whole_batch else (count,), rng)
    if whole_batch and draw is None and ranks_of_whole_batch(flip_labels.__name__) > 1:
        coins, _ = gather_whole_batch(flip_labels.__name__, coin.reshape(1))
        coin = coins[0]
    flips = coin < probability
    flipped = tuple(
        # One draw per sample is along the first axis of the labels, and would broadcast along the last.
        torch.where(flips if whole_batch else flips.view(-1, *[1] * (one.ndim - 1)), 1 - one, one)
        for one in maps
    )
    return flipped[0] if isinstance(labels, torch.Tensor) else flipped


def _check_probability(probability: float | Scalar) -> None:
    if not isinstance(probability, torch.Tensor):
        if not torch.compiler.is_compiling():  # a number that changes between calls is traced without its value
            check_fraction("probability", probability)
        return
    if probability.ndim != 0 or not probability.is_floating_point():
        raise ValueError(
            f"probability must be a number or a 0-d floating-point tensor, got shape {tuple(probability.shape)} of "
            f"{probability.dtype}"
        )
    if values_are_readable(probability):
        check_fraction("probability", float(probability.detach()))


def _wide(scores: Scores) -> torch.dtype:
    return torch.promote_types(scores.dtype, torch.float32)
