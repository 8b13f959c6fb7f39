"""What makes vectors of texts, chosen by a recipe's options: a hash, the colors named, a table, or a trained model."""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import gankit as gk
from examples.anime_faces.data import Attribute, find_classes

HASHED_FEATURES = 2400  # as many as skip-thoughts has


@dataclass(frozen=True, slots=True)
class PromptEncoder:
    """Read the classes that each text names, and return a vector with one number per class: 1 if it is named, else 0.

    It is a `gankit.embedders.TextEncoder`, for texts of which only the words for labels matter: it never confuses two
    colors. An attribute that a text does not name is all zeros; a text may name several classes of one attribute.

    Args:
        attributes: The attributes of the data set.

    Raises:
        ValueError: There are no attributes; or, at a call, there are no texts, or one cannot be read (the message names it).

    Example:
        >>> from examples.anime_faces.data import Attribute
        >>> encoder = PromptEncoder((Attribute("hair", ("red", "blue")), Attribute("smile", ("no smile", "smile"))))
        >>> encoder(["blue hair smile", "red hair"])
        tensor([[0., 1., 0., 1.],
                [1., 0., 0., 0.]])
    """

    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        if not self.attributes:
            raise ValueError("attributes must not be empty: there would be nothing to read out of a text")

    @property
    def out_features(self) -> int:
        """The length of the vector: the classes of all attributes together."""
        return sum(len(attribute.classes) for attribute in self.attributes)

    def __call__(self, texts: Sequence[str], /) -> torch.Tensor:
        """Return the vectors ``(n, out_features)`` of the texts."""
        if isinstance(texts, str) or not texts:
            raise ValueError(f"texts must be a list of texts, one at least, got {texts!r}")
        vectors = torch.zeros(len(texts), self.out_features)
        starts = [0, *itertools.accumulate(len(attribute.classes) for attribute in self.attributes)]
        for row, text in enumerate(texts):
            try:
                found = find_classes(text, self.attributes)
            except ValueError as error:
                raise ValueError(f"the text {text!r} cannot be read: {error}") from error
            for attribute, class_id in found:
                vectors[row, starts[attribute] + class_id] = 1
        return vectors


def load_text_encoder(
    text_vectors: str, skip_thoughts: str, colors: PromptEncoder | None = None
) -> gk.embedders.TextEncoder:
    """Return the encoder that the options name. Default: hashed n-grams, which need no file.

    Args:
        text_vectors: A ``.npy`` table of vectors, with the texts in a file of the same name that ends in ``.txt``; or empty.
        skip_thoughts: A folder with the published files of the model; or empty.
        colors: Reads only the words for the labels out of a text; or None.

    Raises:
        ValueError: Two of them are given, or a file is missing or damaged.
    """
    named = {"--text-vectors": text_vectors, "--skip-thoughts": skip_thoughts, "--named-colors": colors}
    given = [option for option, value in named.items() if value]
    if len(given) > 1:
        raise ValueError(f"{given[0]} and {given[1]} must not both be given")
    if colors is not None:
        return colors
    if text_vectors:
        return gk.embedders.VectorTable.load(text_vectors, Path(text_vectors).with_suffix(".txt"))
    if skip_thoughts:
        return gk.embedders.SkipThoughts(skip_thoughts)
    return gk.embedders.HashedNGrams(out_features=HASHED_FEATURES)


def encoder_in_words(text_vectors: str, skip_thoughts: str, *, colors: bool = False) -> str:
    """Name the encoder; a table by a checksum of both its files, so that a run cannot continue with another by mistake."""
    if text_vectors:
        table = Path(text_vectors)
        digest = hashlib.sha256()
        for part in (table, table.with_suffix(".txt")):
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return f"the table {table.name} (sha256 {digest.hexdigest()[:12]})"
    if colors:
        return "the words for the labels"
    return "skip-thoughts" if skip_thoughts else "hashed n-grams"
