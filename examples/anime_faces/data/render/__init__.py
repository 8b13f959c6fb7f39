"""A renderer of anime faces whose labels are exact, because it draws what it is told."""

from examples.anime_faces.data.render._compose import head_frame as head_frame
from examples.anime_faces.data.render._compose import render as render
from examples.anime_faces.data.render._eyes import iris_box as iris_box
from examples.anime_faces.data.render._face import CLOTHES as CLOTHES
from examples.anime_faces.data.render._face import EXPRESSIONS as EXPRESSIONS
from examples.anime_faces.data.render._face import FRINGES as FRINGES
from examples.anime_faces.data.render._face import HAIR_STYLES as HAIR_STYLES
from examples.anime_faces.data.render._face import Face as Face
from examples.anime_faces.data.render._face import factors as factors
from examples.anime_faces.data.render._knobs import DISTRACTOR_TAGS as DISTRACTOR_TAGS
from examples.anime_faces.data.render._knobs import Knobs as Knobs
from examples.anime_faces.data.render._palette import BACKDROPS as BACKDROPS
from examples.anime_faces.data.render._palette import EYE_COLORS as EYE_COLORS
from examples.anime_faces.data.render._palette import FABRICS as FABRICS
from examples.anime_faces.data.render._palette import HAIR_COLORS as HAIR_COLORS
from examples.anime_faces.data.render._palette import SKINS as SKINS
from examples.anime_faces.data.render._sampling import RandomSource as RandomSource
from examples.anime_faces.data.render._sampling import face_from_seed as face_from_seed
from examples.anime_faces.data.render._sampling import sample_face as sample_face
