"""What a picture is labeled with: attributes with a fixed list of classes."""

from dataclasses import dataclass

from examples.anime_faces.data._names import clean_name
from examples.anime_faces.data.render import EYE_COLORS, HAIR_COLORS

_COLORS = {"hair": frozenset(HAIR_COLORS), "eyes": frozenset(EYE_COLORS)}


@dataclass(frozen=True, slots=True)
class Attribute:
    """One property of the pictures and its possible classes, in the order of their ids.

    Args:
        name: What the property is called, such as ``hair``.
        classes: The names of the classes. A class id is an index into this tuple.

    Raises:
        ValueError: A name is empty, begins or ends with a blank, or is not in composed Unicode (NFC); or two classes have the
            same name.

    Example:
        >>> Attribute("class", ("cat", "dog")).phrase(1)
        'dog'
    """

    name: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        for text in (self.name, *self.classes):
            if not text or text != clean_name(text):
                raise ValueError(
                    f"names of an attribute and of its classes must be clean (see clean_name), got {text!r}"
                )
        if len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes of the attribute {self.name!r} must differ, got {self.classes}")

    @property
    def has_colors(self) -> bool:
        """Whether the classes are colors of hair or eyes, all of them or some: they are said with the attribute's name."""
        return bool(self.classes) and _COLORS.get(self.name, frozenset()) >= set(self.classes)

    def phrase(self, class_id: int) -> str:
        """Return the words for one class: ``blue hair`` for the colors of faces, else the class name alone."""
        return f"{self.classes[class_id]} {self.name}" if self.has_colors else self.classes[class_id]


FACE_ATTRIBUTES: tuple[Attribute, ...] = (Attribute("hair", HAIR_COLORS), Attribute("eyes", EYE_COLORS))
"""The 12 hair colors and 11 eye colors of the faces, in the order that all files of this program use."""

BINARY_ATTRIBUTES: tuple[Attribute, ...] = tuple(
    Attribute(name, ("no", "yes")) for name in ("glasses", "ribbon", "highlight")
)
"""What a rendered face has or does not have; a data set is labeled with these only where that is requested."""
