"""What a recipe must know of a data set to build networks for it, and the condition that its labels make."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.systems._text_encoders import PromptEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The requested condition of a picture: one class of each attribute.

    Args:
        attributes: The labeled attributes with their classes.
        incomplete: For each attribute, whether it has one more class, the last, for "unknown".

    Raises:
        ValueError: There are no attributes, or `incomplete` has another length.

    Example:
        >>> from examples.anime_faces.data import Attribute
        >>> condition = Condition(
        ...     attributes=(Attribute("hair", ("red", "blue")), Attribute("eyes", ("red", "blue", "green"))),
        ...     incomplete=(False, True),
        ... )
        >>> condition.classes
        (2, 4)
        >>> condition.one_hot().out_features, condition.label_embedder(8).out_features
        (6, 16)
        >>> [logits.shape[1] for logits in condition.class_head(32)(torch.randn(5, 32))]
        [2, 4]
    """

    attributes: tuple[Attribute, ...]
    incomplete: tuple[bool, ...]

    def __post_init__(self) -> None:
        """Check that there are attributes."""
        if not self.attributes:
            raise ValueError("attributes must not be empty: a data set without labels has no condition")
        if len(self.incomplete) != len(self.attributes):
            raise ValueError(
                f"incomplete must have one entry for each of {len(self.attributes)} attributes, got {len(self.incomplete)}"
            )

    @property
    def classes(self) -> tuple[int, ...]:
        """The number of classes of each attribute, "unknown" included."""
        pairs = zip(self.attributes, self.incomplete, strict=True)
        return tuple(len(attribute.classes) + missing for attribute, missing in pairs)

    def one_hot(self) -> gk.embedders.OneHotEmbedder:
        """Return an embedder without parameters: a 1 for the class of each attribute."""
        return gk.embedders.OneHotEmbedder(self.classes)

    def multi_hot(self) -> gk.embedders.MultiHotEmbedder:
        """Return an embedder of tags, of which a picture may have several; there is no tag for "unknown"."""
        return gk.embedders.MultiHotEmbedder(sum(len(attribute.classes) for attribute in self.attributes))

    def label_embedder(self, features: int) -> gk.embedders.LabelEmbedder:
        """Return an embedder with a learned vector per class of each attribute."""
        return gk.embedders.LabelEmbedder(self.classes, features)

    def class_head(self, in_features: int) -> gk.blocks.ClassHead:
        """Return the head by which a critic predicts every attribute."""
        return gk.blocks.ClassHead(in_features, self.classes)

    def prompt_encoder(self) -> PromptEncoder:
        """Return the encoder of prompts such as "blue hair red eyes"."""
        return PromptEncoder(self.attributes)

    def draw(
        self, count: int, *, device: str | torch.device = "cpu", rng: torch.Generator | None = None
    ) -> torch.Tensor:
        """Draw class ids ``(count, attributes)``, all classes of an attribute with the same probability."""
        columns = [torch.randint(number, (count,), device=device, generator=rng) for number in self.classes]
        return torch.stack(columns, dim=1)

    def grid(self, rows: int) -> torch.Tensor:
        """Return class ids ``(rows, attributes)`` for a grid: known classes only, as different from row to row as possible.

        There are fewer rows if no attribute has that many classes, since equal rows show nothing.
        """
        known = [len(attribute.classes) for attribute in self.attributes]
        rows = min(rows, max(known))
        spread = torch.arange(rows) * max(known) // rows
        columns = [(spread * (2 * index + 1) + 2 * index) % count for index, count in enumerate(known)]
        return torch.stack(columns, dim=1)

    def mismatched(self, labels: torch.Tensor, *, rng: torch.Generator | None = None) -> torch.Tensor:
        """Draw other class ids for each row, never the same."""
        return gk.losses.mismatched_labels(labels, self.classes, rng=rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDescription:
    """What a recipe must know of the texts that it reads.

    Args:
        encoder: What makes vectors of them, in words.
        features: The length of a vector.
        pictures: How many pictures have a text.
        examples: A few of the texts, very different ones; sample grids show them.
    """

    encoder: str
    features: int
    pictures: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """The shape of a data set, without its pictures.

    Args:
        size: Height and width of a picture.
        kind: Where the labels come from: rendered, unlabeled, classes, table or tags.
        attributes: The labeled attributes with their classes; empty for an unlabeled folder.
        incomplete: For each attribute, whether some picture in use does not have exactly one known class of it.
        text: The texts of the pictures, for a recipe that reads them; else None.
        pictures: How many pictures are in use. None: not known.
        reads_labels: Whether the recipe reads the labels. If not, pictures cannot be requested by their attributes.
        second: The fingerprint of a second data set whose pictures are joined; empty without one.
    """

    size: int
    kind: str
    attributes: tuple[Attribute, ...] = ()
    incomplete: tuple[bool, ...] = ()
    text: TextDescription | None = None
    pictures: int | None = None
    reads_labels: bool = True
    second: str = ""

    @property
    def classes(self) -> tuple[int, ...]:
        """The number of classes of each attribute."""
        return tuple(len(attribute.classes) for attribute in self.attributes)

    @property
    def condition(self) -> Condition:
        """What embeds, predicts and draws the labels.

        Raises:
            ValueError: The data set has no labels.
        """
        return Condition(attributes=self.attributes, incomplete=self.incomplete)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, dicts, numbers and strings, as settings files keep them; they keep `pictures` elsewhere."""
        plain = asdict(replace(self, text=None))
        plain["attributes"] = [
            {"name": attribute.name, "classes": list(attribute.classes)} for attribute in self.attributes
        ]
        plain["incomplete"] = list(self.incomplete)
        del plain["text"], plain["pictures"]
        if self.reads_labels:  # older settings have no such entry
            del plain["reads_labels"]
        if not self.second:
            del plain["second"]
        if self.text is not None:  # settings of recipes that read labels have no entry for texts
            plain["text"] = asdict(self.text) | {"examples": list(self.text.examples)}
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any], *, pictures: int | None = None) -> "Description":
        """Rebuild what :meth:`to_dict` wrote, for this number of pictures."""
        return cls(
            size=plain["size"],
            kind=plain["kind"],
            attributes=tuple(Attribute(entry["name"], tuple(entry["classes"])) for entry in plain["attributes"]),
            incomplete=tuple(plain["incomplete"]),
            text=_text_from(plain["text"]) if "text" in plain else None,
            pictures=pictures,
            reads_labels=plain.get("reads_labels", True),
            second=plain.get("second", ""),
        )


def _text_from(plain: dict[str, Any]) -> TextDescription:
    return TextDescription(**{**plain, "examples": tuple(plain["examples"])})
