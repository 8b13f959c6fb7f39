"""A renderer of anime faces with exact labels: it draws a picture from the numbers that describe it."""

from examples.anime_faces.data.render._compose import head_frame as head_frame, render as render
from examples.anime_faces.data.render._eyes import iris_box as iris_box
from examples.anime_faces.data.render._face import (
    CLOTHES as CLOTHES,
    EXPRESSIONS as EXPRESSIONS,
    FRINGES as FRINGES,
    HAIR_STYLES as HAIR_STYLES,
    Face as Face,
    factors as factors,
)
from examples.anime_faces.data.render._knobs import DISTRACTOR_TAGS as DISTRACTOR_TAGS, Knobs as Knobs
from examples.anime_faces.data.render._palette import (
    BACKDROPS as BACKDROPS,
    EYE_COLORS as EYE_COLORS,
    FABRICS as FABRICS,
    HAIR_COLORS as HAIR_COLORS,
    SKINS as SKINS,
)
from examples.anime_faces.data.render._sampling import (
    RandomSource as RandomSource,
    face_from_seed as face_from_seed,
    sample_face as sample_face,
)
