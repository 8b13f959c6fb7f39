"""The knobs: what an experiment can change in the distribution of faces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from examples.anime_faces.data.render._palette import EYE_COLORS, HAIR_COLORS

DISTRACTOR_TAGS: tuple[str, ...] = (
    "outdoors",
    "night sky",
    "umbrella",
    "guitar",
    "school bag",
    "sword",
    "cat",
    "rain",
    "beach",
    "book",
    "cherry blossoms",
    "snow",
    "train station",
    "teacup",
    "bicycle",
    "wings",
)
"""Tags that describe nothing in any picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The distribution that faces are drawn from; the defaults give the plain data set.

    Changing one knob changes no other part of the face of a given seed and index.

    Args:
        hair_weights: One weight for each hair color, instead of the skewed ones; they need not add to 1.
        color_skew: Exponent a of Zipf's law for hair and eye colors: the weight of color k, counted from 0, is (k + 1) to the
            power of -a. 0 is uniform.
        distractor_tags: Smallest and largest number of extra tags of a face, which describe nothing in it.
        second_domain_share: Share of pictures from the second domain: four faces that repeat, of which only the colors of hair
            and eyes vary.
        glasses_rate: Share of faces with glasses.
        ribbon_rate: Share of faces with a ribbon.
        highlight_rate: Share of faces with a highlight in the eyes.
        withheld_pairs: Pairs of (hair, eyes) that are never drawn.

    Raises:
        ValueError: A rate is outside 0..1, a weight is negative or not finite, or a pair is out of range.

    Example:
        >>> Knobs(color_skew=1.0, glasses_rate=0.3).ribbon_rate
        0.2
    """

    hair_weights: Annotated[tuple[float, ...] | None, tyro.conf.arg(metavar="12 NUMBERS", help_behavior_hint="")] = None
    color_skew: float = 0.0
    distractor_tags: tuple[int, int] = (0, 0)
    second_domain_share: float = 0.0
    glasses_rate: float = 0.0
    ribbon_rate: float = 0.2
    highlight_rate: float = 1.0
    withheld_pairs: Annotated[
        tuple[tuple[int, int], ...], tyro.conf.arg(metavar="HAIR EYES [HAIR EYES ...]", help_behavior_hint="")
    ] = ()

    def __post_init__(self) -> None:
        # Lists are accepted too, but knobs are keys of a cache and must therefore be made of tuples.
        if self.hair_weights is not None:
            object.__setattr__(self, "hair_weights", tuple(self.hair_weights))
        object.__setattr__(self, "withheld_pairs", tuple((hair, eyes) for hair, eyes in self.withheld_pairs))
        _check_rate("second_domain_share", self.second_domain_share)
        _check_rate("glasses_rate", self.glasses_rate)
        _check_rate("ribbon_rate", self.ribbon_rate)
        _check_rate("highlight_rate", self.highlight_rate)
        _check_tag_counts(self.distractor_tags)
        if not (math.isfinite(self.color_skew) and self.color_skew >= 0):
            raise ValueError(f"color_skew must be finite and at least 0, got {self.color_skew}")
        if self.hair_weights is not None:
            _check_weights(self.hair_weights)
        _check_pairs(self.withheld_pairs)


def hair_shares(knobs: Knobs) -> tuple[float, ...]:
    """Return the share of each hair color before pairs are withheld; the shares add to 1."""
    if knobs.hair_weights is None:
        return _zipf_shares(len(HAIR_COLORS), knobs.color_skew)
    total = sum(knobs.hair_weights)
    return tuple(weight / total for weight in knobs.hair_weights)


def eye_shares(knobs: Knobs) -> tuple[float, ...]:
    """Return the share of each eye color before pairs are withheld; the shares add to 1."""
    return _zipf_shares(len(EYE_COLORS), knobs.color_skew)


def _zipf_shares(count: int, exponent: float) -> tuple[float, ...]:
    weights = [(rank + 1) ** -exponent for rank in range(count)]
    total = sum(weights)
    return tuple(weight / total for weight in weights)


def _check_rate(name: str, rate: float) -> None:
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"{name} must be between 0 and 1, got {rate}")


def _check_tag_counts(counts: tuple[int, int]) -> None:
    least, most = counts
    if not 0 <= least <= most <= len(DISTRACTOR_TAGS):
        raise ValueError(
            f"distractor_tags must be (least, most) with 0 <= least <= most <= {len(DISTRACTOR_TAGS)}, got {counts}"
        )


def _check_weights(weights: Sequence[float]) -> None:
    if len(weights) != len(HAIR_COLORS):
        raise ValueError(
            f"hair_weights must have {len(HAIR_COLORS)} entries, one for each hair color, got {len(weights)}"
        )
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or sum(weights) <= 0:
        raise ValueError(f"hair_weights must be finite, 0 or more and not all 0, got {tuple(weights)}")


def _check_pairs(pairs: Sequence[tuple[int, int]]) -> None:
    for hair, eyes in pairs:
        if not (0 <= hair < len(HAIR_COLORS) and 0 <= eyes < len(EYE_COLORS)):
            raise ValueError(
                f"withheld_pairs must hold pairs (hair, eyes) with hair below {len(HAIR_COLORS)} and eyes below "
                f"{len(EYE_COLORS)}, got {(hair, eyes)}"
            )
    if len(set(pairs)) == len(HAIR_COLORS) * len(EYE_COLORS):
        raise ValueError("withheld_pairs must leave at least one pair of colors, got all of them")


PLAIN = Knobs()
"""The plain data set."""
