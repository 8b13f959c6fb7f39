"""Labels that are now and then the wrong way round, so that the critic never gets too sure."""

from collections.abc import Sequence
from typing import overload

import torch

from gankit._core import (
    Scalar,
    ScoreMaps,
    Scores,
    as_maps,
    check_fraction,
    gather_whole_batch,
    ranks_of_whole_batch,
    uniform_draw,
    values_are_at_hand,
)


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
    """Turn label t into 1 - t with the given probability: one coin a sample, or one for the batch.

    Flipped labels of fakes have a small share of them pass for real, which holds a critic back that wins too early. On
    average a flip with probability p costs as much as smoothing the labels by p; it only adds noise to it. So it shares
    smoothing's fault: where only fakes live, the best critic still gives them p, and the generator's reason to leave shrinks.
    Let p fall to 0 (`gankit.schedules` give a float for a time) or follow the critic (`gankit.losses.AdaptiveProbability`).

    Args:
        labels: What to flip, a tensor or a sequence of them, as `gankit.losses.constant_labels` and
            `gankit.losses.uniform_labels` make it. It stays as it is.
        probability: Probability of a flip, in 0..1; 0 flips none and 1 flips all. A 0-d tensor is not read by the host.
        whole_batch: Throw one coin for all samples instead of one for each. Ranks agree: the coin of rank 0 counts for all of
            them; under gradient accumulation, where each part would throw its own, it is refused unless `draw` is given.
        draw: The coins, uniform numbers from 0 to below 1; a coin below `probability` flips. Drawn in float32 or wider where
            None. Where it is given and `whole_batch`, it counts as it is: give all ranks the same.
        rng: Where `draw` is drawn from, on the labels' device; the default generator where None.

    Shape:
        Labels ``(n, ...)`` of any rank; a sample's coin serves all of its patches and all maps, which therefore share n.
        `draw` is ``(n,)``, or 0-d where `whole_batch`. The result has the labels' shapes and dtypes; several maps give a tuple.

    Raises:
        ValueError: `probability` is not in 0..1 or is no 0-d floating-point tensor; `draw` has another shape, lies outside
            0..1 or comes with `rng`; maps differ in their number of samples; a batch is empty, or labels are not
            floating-point; or one coin for the batch is wanted where only a part of it is at hand.

    Example:
        >>> import torch
        >>> from gankit.losses import flip_labels
        >>> flip_labels(torch.tensor([0.0, 0.1, 0.0]), 0.5, draw=torch.tensor([0.9, 0.2, 0.5]))
        tensor([0.0000, 0.9000, 0.0000])

    Reference:
        Chintala et al. 2016, "How to Train a GAN?", tip 6 ("occasionally flip the labels"). Smoothing the fake side: Salimans
        et al. 2016, "Improved Techniques for Training GANs", section 3.4.
    """
    maps = as_maps("labels", labels)
    count = len(maps[0])
    for index, one in enumerate(maps):
        if len(one) != count:
            raise ValueError(
                f"labels must hold equally many samples in each map, got {count} and {len(one)} in map {index}"
            )
    _check_probability(probability)
    coin = _coin_of_batch(maps[0], draw, rng) if whole_batch else uniform_draw(draw, maps[0], (count,), rng)
    flips = coin < probability
    flipped = tuple(torch.where(_along_batch(flips, one), 1 - one, one) for one in maps)
    return flipped[0] if isinstance(labels, torch.Tensor) else flipped


def _coin_of_batch(like: Scores, draw: torch.Tensor | None, rng: torch.Generator | None) -> torch.Tensor:
    coin = uniform_draw(draw, like, (), rng)
    if draw is not None or ranks_of_whole_batch(flip_labels.__name__) == 1:
        return coin
    coins, _ = gather_whole_batch(flip_labels.__name__, coin.reshape(1))
    return coins[0]


def _along_batch(flips: torch.Tensor, labels: Scores) -> torch.Tensor:
    """Give coins ``(n,)`` the rank of the labels, whose last axis they would otherwise run along."""
    return flips if flips.ndim == 0 else flips.view(-1, *[1] * (labels.ndim - 1))


def _check_probability(probability: float | Scalar) -> None:
    if not isinstance(probability, torch.Tensor):
        check_fraction("probability", probability)
        return
    if probability.ndim != 0 or not probability.is_floating_point():
        raise ValueError(
            f"probability must be a number or a 0-d floating-point tensor, got shape {tuple(probability.shape)} of "
            f"{probability.dtype}"
        )
    if values_are_at_hand(probability):
        check_fraction("probability", float(probability))
