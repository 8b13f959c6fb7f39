"""Colors of the faces: the anchors of all named colors, and arithmetic on colors."""

from typing import NamedTuple, TypeAlias

Color: TypeAlias = tuple[int, int, int]


class Tones(NamedTuple):
    """One color in three tones, from shadow to light."""

    shade: Color
    base: Color
    light: Color


_HAIR: dict[str, Tones] = {
    "orange": Tones((206, 98, 34), (243, 147, 60), (255, 208, 142)),
    "white": Tones((192, 197, 220), (240, 241, 248), (255, 255, 255)),
    "aqua": Tones((58, 160, 182), (106, 216, 220), (204, 250, 248)),
    "gray": Tones((104, 108, 122), (149, 153, 163), (208, 212, 220)),
    "green": Tones((46, 132, 76), (90, 188, 100), (184, 238, 170)),
    "red": Tones((148, 26, 46), (212, 52, 58), (252, 146, 132)),
    "purple": Tones((100, 54, 158), (150, 92, 206), (212, 172, 248)),
    "pink": Tones((218, 114, 162), (250, 170, 204), (255, 226, 238)),
    "blue": Tones((38, 66, 160), (68, 112, 220), (154, 196, 255)),
    "black": Tones((28, 25, 38), (54, 50, 64), (118, 118, 150)),
    "brown": Tones((90, 53, 38), (134, 86, 58), (200, 150, 110)),
    "blonde": Tones((222, 174, 82), (252, 224, 130), (255, 247, 206)),
}

_EYES: dict[str, Tones] = {
    "gray": Tones((86, 92, 106), (148, 156, 170), (216, 222, 232)),
    "black": Tones((18, 16, 24), (44, 42, 54), (92, 90, 106)),
    "orange": Tones((178, 78, 14), (244, 142, 38), (255, 208, 112)),
    "pink": Tones((178, 46, 112), (244, 112, 180), (255, 194, 226)),
    "yellow": Tones((176, 130, 0), (246, 212, 38), (255, 247, 150)),
    "aqua": Tones((8, 126, 140), (50, 208, 212), (172, 250, 244)),
    "purple": Tones((76, 26, 128), (142, 68, 208), (214, 162, 255)),
    "green": Tones((14, 90, 50), (50, 168, 74), (166, 238, 152)),
    "brown": Tones((68, 32, 16), (132, 78, 40), (202, 148, 92)),
    "red": Tones((126, 6, 20), (222, 38, 42), (255, 142, 112)),
    "blue": Tones((14, 46, 140), (46, 108, 232), (144, 204, 255)),
}

HAIR_COLORS: tuple[str, ...] = tuple(_HAIR)
"""Names of the hair colors; a hair label is an index into it."""

EYE_COLORS: tuple[str, ...] = tuple(_EYES)
"""Names of the eye colors; an eye label is an index into it."""

HAIR_TONES: tuple[Tones, ...] = tuple(_HAIR.values())
EYE_TONES: tuple[Tones, ...] = tuple(_EYES.values())

SKINS: tuple[Color, ...] = (
    (255, 240, 230),
    (255, 231, 213),
    (252, 219, 194),
    (240, 199, 166),
    (216, 166, 128),
)
"""Skin tones from light to dark."""

BACKDROPS: tuple[Color, ...] = (
    (250, 250, 252),
    (252, 240, 214),
    (250, 216, 226),
    (206, 236, 214),
    (200, 226, 248),
    (222, 212, 246),
    (190, 196, 208),
    (104, 116, 146),
)
"""Anchors of the background color."""

FABRICS: tuple[Color, ...] = (
    (246, 246, 250),
    (46, 58, 104),
    (196, 58, 70),
    (72, 74, 86),
    (112, 160, 206),
    (240, 196, 96),
    (122, 176, 132),
    (232, 160, 186),
)
"""Colors of clothes, ribbons and hair ties."""

WHITE: Color = (255, 255, 255)
INK: Color = (42, 26, 36)


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the color at ``share`` of the way from ``first`` to ``second``."""
    return (
        round(first[0] + (second[0] - first[0]) * share),
        round(first[1] + (second[1] - first[1]) * share),
        round(first[2] + (second[2] - first[2]) * share),
    )


def shifted(color: Color, shift: tuple[float, float, float]) -> Color:
    """Return ``color`` plus ``shift``, each channel limited to 0..255."""
    return (
        min(255, max(0, round(color[0] + shift[0]))),
        min(255, max(0, round(color[1] + shift[1]))),
        min(255, max(0, round(color[2] + shift[2]))),
    )


def shifted_tones(tones: Tones, shift: tuple[float, float, float]) -> Tones:
    """Return the three tones of a color, all with the same shift."""
    return Tones(*(shifted(color, shift) for color in tones))
