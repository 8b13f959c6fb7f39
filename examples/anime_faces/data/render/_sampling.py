"""Drawing the numbers of a face from a source of random numbers."""

import random
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from examples.anime_faces.data.render._face import CLOTHES, EXPRESSIONS, FRINGES, HAIR_STYLES, Face
from examples.anime_faces.data.render._knobs import DISTRACTOR_TAGS, PLAIN, Knobs, eye_shares, hair_shares
from examples.anime_faces.data.render._palette import BACKDROPS, EYE_COLORS, FABRICS, HAIR_COLORS, SKINS

CAST_SIZE = 4
"""Number of different faces in the second domain."""


class RandomSource(Protocol):
    """A source of random numbers, such as ``random.Random`` or ``numpy.random.Generator``."""

    def random(self) -> float:
        """Return the next number from 0 (included) to 1 (excluded)."""
        ...


def sample_face(rng: RandomSource, knobs: Knobs = PLAIN, *, hair: int | None = None, eyes: int | None = None) -> Face:
    """Draw a face, with the given colors if any.

    The number of draws before the extra tags does not depend on the knobs or the given colors, so neither changes any other
    part of the face.

    Args:
        rng: Where the random numbers come from; only its ``random()`` is called.
        knobs: The distribution of faces.
        hair: Index of the hair color. Default: drawn at random.
        eyes: Index of the eye color. Default: drawn at random.

    Raises:
        ValueError: ``hair`` or ``eyes`` is not an index of a color, or ``knobs`` leave no pair with it.

    Example:
        >>> face = sample_face(random.Random(1), hair=8)
        >>> HAIR_COLORS[face.hair]
        'blue'
    """
    hair, eyes = _draw_colors(rng, knobs, hair, eyes)
    second = rng.random() < knobs.second_domain_share
    glasses = rng.random() < knobs.glasses_rate
    ribbon = rng.random() < knobs.ribbon_rate
    highlight = rng.random() < knobs.highlight_rate
    face = _draw_rest(rng)
    if second:
        face = replace(_cast()[_draw_index(rng, CAST_SIZE)], x=face.x * 0.2, y=face.y * 0.2)
    return replace(
        face,
        hair=hair,
        eyes=eyes,
        glasses=glasses,
        ribbon=ribbon,
        highlight=highlight,
        domain=int(second),
        extra_tags=_draw_tags(rng, knobs.distractor_tags),
    )


def face_from_seed(seed: int, index: int, knobs: Knobs = PLAIN) -> Face:
    """Return face number ``index`` of the data set of ``seed``; it depends on nothing that was drawn before.

    Args:
        seed: Decides the data set.
        index: Position in the data set, at least 0.
        knobs: The distribution of faces.

    Raises:
        ValueError: ``index`` is negative.

    Example:
        >>> face_from_seed(0, 5) == face_from_seed(0, 5)
        True
    """
    if index < 0:
        raise ValueError(f"index must be at least 0, got {index}")
    # Text seeds are hashed by SHA-512, so neighboring seeds and indices give unrelated faces.
    return sample_face(random.Random(f"face {seed} {index}"), knobs)


@lru_cache(maxsize=64)
def _pair_shares(knobs: Knobs, hair: int | None, eyes: int | None) -> tuple[tuple[tuple[int, int], float], ...]:
    """Return the pairs that can be drawn, each with its share; the shares add to 1."""
    withheld = set(knobs.withheld_pairs)
    # A given color is a condition: it is drawn however rare the knobs make it.
    hair_share = hair_shares(knobs) if hair is None else [float(k == hair) for k in range(len(HAIR_COLORS))]
    eye_share = eye_shares(knobs) if eyes is None else [float(k == eyes) for k in range(len(EYE_COLORS))]
    shares = {
        (h, e): hair_share[h] * eye_share[e]
        for h in range(len(HAIR_COLORS))
        for e in range(len(EYE_COLORS))
        if (h, e) not in withheld and hair_share[h] * eye_share[e] > 0
    }
    total = sum(shares.values())
    if total <= 0:
        raise ValueError(f"withheld_pairs must leave a pair to draw, got none for hair {hair} and eyes {eyes}")
    return tuple((pair, share / total) for pair, share in shares.items())


def _draw_colors(rng: RandomSource, knobs: Knobs, hair: int | None, eyes: int | None) -> tuple[int, int]:
    if hair is not None and not 0 <= hair < len(HAIR_COLORS):
        raise ValueError(f"hair must be between 0 and {len(HAIR_COLORS) - 1}, got {hair}")
    if eyes is not None and not 0 <= eyes < len(EYE_COLORS):
        raise ValueError(f"eyes must be between 0 and {len(EYE_COLORS) - 1}, got {eyes}")
    pairs = _pair_shares(knobs, hair, eyes)
    left = rng.random()
    for pair, share in pairs:
        left -= share
        if left < 0:
            return pair
    return pairs[-1][0]  # rounding of the shares can leave a tiny rest


def _draw_index(rng: RandomSource, count: int) -> int:
    return int(rng.random() * count)


def _draw_between(rng: RandomSource, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())


def _draw_yaw(rng: RandomSource) -> float:
    """Return a turn that is clearly left, ahead or right, so that the pose is a reliable label."""
    side, amount = rng.random(), float(rng.random())
    if side < 0.4:
        return 0.5 * amount - 0.25
    return (0.45 + 0.55 * amount) * (-1 if side < 0.7 else 1)


def _draw_shift(rng: RandomSource, common: float, own: float) -> tuple[float, float, float]:
    brightness = _draw_between(rng, -common, common)
    red, green, blue = (brightness + _draw_between(rng, -own, own) for _ in range(3))
    return (red, green, blue)


def _draw_background(rng: RandomSource, backdrop: int) -> tuple[float, float, float]:
    red, green, blue = (
        min(1.0, max(0.0, channel / 255 + _draw_between(rng, -0.03, 0.03))) for channel in BACKDROPS[backdrop]
    )
    return (red, green, blue)


def _draw_rest(rng: RandomSource) -> Face:
    """Draw everything that the knobs do not change."""
    backdrop = _draw_index(rng, len(BACKDROPS))
    return Face(
        hair=0,
        eyes=0,
        style=_draw_index(rng, len(HAIR_STYLES)),
        expression=_draw_index(rng, len(EXPRESSIONS)),
        fringe=_draw_index(rng, len(FRINGES)),
        skin=min(_draw_index(rng, len(SKINS)), _draw_index(rng, len(SKINS))),
        clothes=_draw_index(rng, len(CLOTHES)),
        fabric=_draw_index(rng, len(FABRICS)),
        backdrop=backdrop,
        background=_draw_background(rng, backdrop),
        fade=_draw_between(rng, 0.0, 1.0),
        yaw=_draw_yaw(rng),
        tilt=_draw_between(rng, -8.0, 8.0),
        x=_draw_between(rng, -3.5, 3.5),
        y=_draw_between(rng, -2.5, 2.5),
        scale=_draw_between(rng, 0.96, 1.04),
        width=_draw_between(rng, 0.96, 1.04),
        chin=_draw_between(rng, 0.94, 1.04),
        volume=_draw_between(rng, 0.95, 1.05),
        length=_draw_between(rng, 0.85, 1.15),
        eye_width=_draw_between(rng, 0.95, 1.05),
        eye_height=_draw_between(rng, 0.9, 1.06),
        eye_slant=_draw_between(rng, -1.0, 2.2),
        blush=_draw_between(rng, 0.0, 1.0),
        flip=rng.random() < 0.5,
        ahoge=rng.random() < 0.3,
        highlight=True,
        glasses=False,
        ribbon=False,
        extra_tags=(),
        domain=0,
        hair_shift=_draw_shift(rng, 7.0, 4.0),
        eye_shift=_draw_shift(rng, 5.0, 3.0),
        detail_seed=_draw_index(rng, 2**31),
    )


def _draw_tags(rng: RandomSource, counts: tuple[int, int]) -> tuple[str, ...]:
    least, most = counts
    left = list(DISTRACTOR_TAGS)
    count = least + _draw_index(rng, most - least + 1)
    return tuple(left.pop(_draw_index(rng, len(left))) for _ in range(count))


@lru_cache(maxsize=1)
def _cast() -> tuple[Face, ...]:
    return tuple(_draw_rest(random.Random(f"cast {member}")) for member in range(CAST_SIZE))
