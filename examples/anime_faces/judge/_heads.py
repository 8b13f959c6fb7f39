"""What a judge reads from a picture."""

from examples.anime_faces.data.render import EXPRESSIONS, EYE_COLORS, HAIR_COLORS, HAIR_STYLES

CLASS_HEADS: dict[str, int] = {
    "hair": len(HAIR_COLORS),
    "eyes": len(EYE_COLORS),
    "style": len(HAIR_STYLES),
    "expression": len(EXPRESSIONS),
    "pose": 3,
    "background": 8,
    "fringe": 6,
    "skin": 5,
    "clothes": 3,
}
"""Factors with exactly one class, and how many classes each has."""

BINARY_HEADS: tuple[str, ...] = ("glasses", "ribbon", "highlight", "face")
"""Questions answered by yes or no; ``face`` asks whether the picture is a whole face at all."""

NUMBER_HEADS: dict[str, float] = {"x": 3.5, "y": 2.5, "yaw": 1.0, "tilt": 8.0}
"""Factors that are numbers, with the size by which each is divided to lie in about -1..1."""


def head_sizes() -> dict[str, int]:
    """Return how many outputs of the network each head takes, in the order of the outputs."""
    return dict(CLASS_HEADS) | dict.fromkeys(BINARY_HEADS, 1) | dict.fromkeys(NUMBER_HEADS, 1)
