"""Where pictures and their labels come from: the renderer of faces, and readers of a user's own files."""

from examples.anime_faces.data._attribute import (
    FACE_ATTRIBUTES as FACE_ATTRIBUTES,
    Attribute as Attribute,
    describe as describe,
)
from examples.anime_faces.data._dataset import Dataset as Dataset
from examples.anime_faces.data._rendered import write_rendered as write_rendered
