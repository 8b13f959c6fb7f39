"""What a picture is labeled with: named attributes, each with a fixed list of classes."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS


@dataclass(frozen=True, slots=True)
class Attribute:
    """One property of the pictures and the classes that it may have, in the order of their ids.

    Args:
        name: what the property is called, such as ``hair``.
        classes: the names of the classes; a class id is an index into it.

    Raises:
        ValueError: if a name is empty, has blanks at its ends, or is no composed Unicode (NFC), or if a class is
            named twice.

    Example:
        >>> Attribute("class", ("cat", "dog")).phrase(1)
        'dog'
    """

    name: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for text in (self.name, *self.classes):
            if not text or text != clean_name(text):
                raise ValueError(f"names of an attribute and its classes must be clean (see clean_name), got {text!r}")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes of the attribute {self.name!r} must differ, got {self.classes}")

    def phrase(self, class_id: int) -> str:
        """Return the words for one class: ``blue hair`` for the colors of faces, else the class name alone."""
        if self in FACE_ATTRIBUTES:
            return f"{self.classes[class_id]} {self.name}"
        return self.classes[class_id]


def clean_name(text: str) -> str:
    """Return a name in composed Unicode (NFC) with single blanks inside and none at its ends.

    Folder names from some systems are decomposed, and hand-made tables have stray blanks: both would make two classes
    of one.

    Example:
        >>> clean_name("  dark   brown ")
        'dark brown'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


FACE_ATTRIBUTES: tuple[Attribute, ...] = (Attribute("hair", HAIR_COLORS), Attribute("eyes", EYE_COLORS))
"""The 12 hair colors and 11 eye colors of the faces, in the order that every file of ours keeps."""


def describe(class_ids: Sequence[int], attributes: Sequence[Attribute]) -> str:
    """Return a row of class ids in words, attributes without a class (-1) left out.

    Args:
        class_ids: one class id an attribute, or -1.
        attributes: the attributes of the data set.

    Raises:
        ValueError: if there are not as many ids as attributes.

    Example:
        >>> describe((8, 9), FACE_ATTRIBUTES)
        'blue hair red eyes'
    """
    if len(class_ids) != len(attributes):
        raise ValueError(f"class_ids must hold one id an attribute ({len(attributes)}), got {len(class_ids)}")
    pairs = zip(attributes, class_ids, strict=True)
    return " ".join(attribute.phrase(int(class_id)) for attribute, class_id in pairs if class_id >= 0)
