"""The condition, described once: what embeds it, guesses it, draws it, gets it wrong, lays it out and reads it from words."""

from dataclasses import dataclass

import torch

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes._prompt_encoder import PromptEncoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a picture is drawn for: one class of each attribute.

    Args:
        attributes: The labeled attributes with their classes.
        incomplete: For each attribute whether "unknown" is one more class of it, the last.

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
        """Refuse a condition of nothing."""
        if not self.attributes:
            raise ValueError("attributes must not be empty: a data set without labels has no condition")
        if len(self.incomplete) != len(self.attributes):
            raise ValueError(
                f"incomplete must say yes or no for each of {len(self.attributes)} attributes, got {len(self.incomplete)}"
            )

    @property
    def classes(self) -> tuple[int, ...]:
        """The number of classes of each attribute, "unknown" included."""
        pairs = zip(self.attributes, self.incomplete, strict=True)
        return tuple(len(attribute.classes) + missing for attribute, missing in pairs)

    def one_hot(self) -> gk.embedders.OneHotEmbedder:
        """Return an embedder without parameters: a one for the class of each attribute."""
        return gk.embedders.OneHotEmbedder(self.classes)

    def multi_hot(self) -> gk.embedders.MultiHotEmbedder:
        """Return an embedder of tags, of which a picture may have several; "unknown" is then no tag."""
        return gk.embedders.MultiHotEmbedder(sum(len(attribute.classes) for attribute in self.attributes))

    def label_embedder(self, features: int) -> gk.embedders.LabelEmbedder:
        """Return an embedder with a learned vector for each class of each attribute."""
        return gk.embedders.LabelEmbedder(self.classes, features)

    def class_head(self, in_features: int) -> gk.blocks.ClassHead:
        """Return the critic's guess of every attribute."""
        return gk.blocks.ClassHead(in_features, self.classes)

    def prompt_encoder(self) -> PromptEncoder:
        """Return the encoder of prompts such as "blue hair red eyes"."""
        return PromptEncoder(self.attributes)

    def draw(
        self, count: int, *, device: str | torch.device = "cpu", rng: torch.Generator | None = None
    ) -> torch.Tensor:
        """Draw class ids ``(count, attributes)``, all classes of an attribute alike."""
        columns = [torch.randint(number, (count,), device=device, generator=rng) for number in self.classes]
        return torch.stack(columns, dim=1)

    def grid(self, rows: int) -> torch.Tensor:
        """Return class ids ``(rows, attributes)`` for a grid: known classes only, as different from row to row as can be.

        There are fewer rows where no attribute has so many classes: equal rows show nothing.
        """
        known = [len(attribute.classes) for attribute in self.attributes]
        rows = min(rows, max(known))
        spread = torch.arange(rows) * max(known) // rows
        columns = [(spread * (2 * index + 1) + 2 * index) % count for index, count in enumerate(known)]
        return torch.stack(columns, dim=1)

    def mismatched(self, labels: torch.Tensor, *, rng: torch.Generator | None = None) -> torch.Tensor:
        """Draw for each row of class ids another one, never the same."""
        return gk.losses.mismatched_labels(labels, self.classes, rng=rng)
