"""What a recipe must know of a data set before it can build networks for it."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes._condition import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDescription:
    """What a recipe must know of the texts that it is conditioned on.

    Args:
        encoder: what makes vectors of them, in words.
        features: the length of a vector.
        pictures: how many have a text.
        examples: a few of the texts, which differ much; sample grids show them.
    """

    encoder: str
    features: int
    pictures: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The shape of a data set, without its pictures.

    Args:
        size: height and width of a picture.
        kind: where the labels come from, as the data set says: rendered, unlabeled, classes, table or tags.
        attributes: the labeled attributes with their classes; empty for an unlabeled folder.
        incomplete: for each attribute whether some picture in use has no single known class of it.
        text: the texts of the pictures, for a recipe that is conditioned on them; else None.
    """

    size: int
    kind: str
    attributes: tuple[Attribute, ...] = ()
    incomplete: tuple[bool, ...] = ()
    text: TextDescription | None = None

    @property
    def classes(self) -> tuple[int, ...]:
        """The number of classes of each attribute."""
        return tuple(len(attribute.classes) for attribute in self.attributes)

    @property
    def condition(self) -> Condition:
        """What embeds, guesses, draws and mistakes the labels.

        Raises:
            ValueError: The data set has none.
        """
        return Condition(attributes=self.attributes, incomplete=self.incomplete)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts, numbers and strings, as settings files keep them."""
        plain = asdict(replace(self, text=None))
        plain["attributes"] = [
            {"name": attribute.name, "classes": list(attribute.classes)} for attribute in self.attributes
        ]
        plain["incomplete"] = list(self.incomplete)
        del plain["text"]
        if self.text is not None:  # settings of recipes that read labels stay what they were before there were texts
            plain["text"] = asdict(self.text) | {"examples": list(self.text.examples)}
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Description":
        """Rebuild what :meth:`to_dict` wrote."""
        return cls(
            size=plain["size"],
            kind=plain["kind"],
            attributes=tuple(Attribute(entry["name"], tuple(entry["classes"])) for entry in plain["attributes"]),
            incomplete=tuple(plain["incomplete"]),
            text=_text_from(plain["text"]) if "text" in plain else None,
        )


def _text_from(plain: dict[str, Any]) -> TextDescription:
    return TextDescription(**{**plain, "examples": tuple(plain["examples"])})
