"""The numbers that describe one picture."""

from dataclasses import dataclass

from examples.anime_faces.data.render._palette import BACKDROPS, EYE_COLORS, FABRICS, HAIR_COLORS, SKINS

HAIR_STYLES: tuple[str, ...] = (
    "long",
    "bob",
    "short",
    "twin tails",
    "ponytail",
    "wavy",
    "buns",
    "low tails",
)
"""Names of the hair outlines; a style label is an index into it."""

EXPRESSIONS: tuple[str, ...] = ("smile", "neutral", "laugh", "surprised", "sulky")
"""Names of the expressions; mouth and brows show them together."""

FRINGES: tuple[str, ...] = ("blunt", "tufts", "parted", "side", "swept", "middle lock")
"""Names of the fringes."""

CLOTHES: tuple[str, ...] = ("sailor", "shirt", "sweater")
"""Names of the clothes."""

_COUNTS: tuple[tuple[str, int], ...] = (
    ("hair", len(HAIR_COLORS)),
    ("eyes", len(EYE_COLORS)),
    ("style", len(HAIR_STYLES)),
    ("expression", len(EXPRESSIONS)),
    ("fringe", len(FRINGES)),
    ("skin", len(SKINS)),
    ("clothes", len(CLOTHES)),
    ("fabric", len(FABRICS)),
    ("backdrop", len(BACKDROPS)),
    ("domain", 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Everything that a picture shows, as plain numbers; equal faces give equal pictures.

    Lengths are in hundredths of the width of the picture, so a face has the same composition at every size.

    Args:
        hair: Index into ``HAIR_COLORS``.
        eyes: Index into ``EYE_COLORS``.
        style: Index into ``HAIR_STYLES``.
        expression: Index into ``EXPRESSIONS``.
        fringe: Index into ``FRINGES``.
        skin: Index into ``SKINS``.
        clothes: Index into ``CLOTHES``.
        fabric: Index into ``FABRICS``, the color of the clothes.
        backdrop: Index into ``BACKDROPS``, the anchor of the background.
        background: The exact color of the background, each channel in 0..1.
        fade: How much the background changes from top to bottom, 0 (flat) to 1.
        yaw: Turn of the head, from -1 (to the left of the picture) to 1.
        tilt: Tilt of the head in degrees, positive clockwise.
        x: Shift of the head to the right.
        y: Shift of the head downward.
        scale: Size of the head, 1 on average.
        width: Width of the face relative to the average.
        chin: Length of the lower face relative to the average.
        volume: Bulk of the hair relative to the average.
        length: Length of the hair relative to its style's average.
        eye_width: Width of the eyes relative to the average.
        eye_height: Height of the eyes relative to the average.
        eye_slant: Rise of the outer corner of the eyes.
        blush: Strength of the blush, 0..1.
        flip: Whether the hair is mirrored.
        ahoge: Whether one strand stands up.
        highlight: Whether the eyes have a highlight.
        glasses: The first binary attribute.
        ribbon: The second binary attribute.
        extra_tags: Tags that describe nothing in the picture.
        domain: 0 for the varied pictures, 1 for the second domain, which varies little.
        hair_shift: Added to the anchor of the hair color, in steps of 1/255.
        eye_shift: Added to the anchor of the eye color, in steps of 1/255.
        detail_seed: Seed of the small irregularities of the hair.

    Raises:
        ValueError: An index is out of range, or ``yaw``, ``fade`` or ``blush`` is.
    """

    hair: int
    eyes: int
    style: int
    expression: int
    fringe: int
    skin: int
    clothes: int
    fabric: int
    backdrop: int
    background: tuple[float, float, float]
    fade: float
    yaw: float
    tilt: float
    x: float
    y: float
    scale: float
    width: float
    chin: float
    volume: float
    length: float
    eye_width: float
    eye_height: float
    eye_slant: float
    blush: float
    flip: bool
    ahoge: bool
    highlight: bool
    glasses: bool
    ribbon: bool
    extra_tags: tuple[str, ...]
    domain: int
    hair_shift: tuple[float, float, float]
    eye_shift: tuple[float, float, float]
    detail_seed: int

    def __post_init__(self) -> None:
        for name, count in _COUNTS:
            if not 0 <= getattr(self, name) < count:
                raise ValueError(f"{name} must be between 0 and {count - 1}, got {getattr(self, name)}")
        for name in ("yaw", "fade", "blush"):
            if not abs(getattr(self, name)) <= 1.0:
                raise ValueError(f"{name} must be at most 1 in size, got {getattr(self, name)}")


def factors(face: Face) -> dict[str, int | float]:
    """Return the labels of a picture: everything that a judge can read from it.

    Args:
        face: The numbers that describe the picture.

    Returns:
        ``hair``, ``eyes``, ``style``, ``expression``, ``fringe``, ``skin``, ``clothes``, ``background`` (index of the
        anchor), ``pose`` (0 left, 1 ahead, 2 right), ``highlight``, ``glasses``, ``ribbon`` and ``domain`` as integers;
        ``yaw``, ``tilt``, ``x``, ``y`` and ``scale`` as floats.
    """
    return {
        "hair": face.hair,
        "eyes": face.eyes,
        "style": face.style,
        "expression": face.expression,
        "fringe": face.fringe,
        "skin": face.skin,
        "clothes": face.clothes,
        "background": face.backdrop,
        "pose": 0 if face.yaw < -0.35 else 2 if face.yaw > 0.35 else 1,
        "highlight": int(face.highlight),
        "glasses": int(face.glasses),
        "ribbon": int(face.ribbon),
        "domain": face.domain,
        "yaw": face.yaw,
        "tilt": face.tilt,
        "x": face.x,
        "y": face.y,
        "scale": face.scale,
    }
