"""How a recipe reads texts: pictures with any text; the condition is a vector of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, Self

import numpy as np
import torch

import gankit as gk
from examples.anime_faces.data import Dataset, describe, has_underscored_words, has_word, text_of_tags, varied_texts
from examples.anime_faces.systems._description import Description, TextDescription
from examples.anime_faces.systems._labels import Grid, Selection
from examples.anime_faces.systems._text_encoders import encoder_in_words, load_text_encoder

ENCODED_AT_ONCE = 256
EXAMPLES = 8


class _TextOptions(Protocol):
    @property
    def text_vectors(self) -> str: ...
    @property
    def skip_thoughts(self) -> str: ...
    @property
    def named_colors(self) -> bool: ...
    @property
    def all_tags(self) -> bool: ...


class EveryText:
    """Use every picture that has a text with a word in it; the condition is the vector of the text.

    Args:
        text_vectors: See `load_text_encoder`.
        skip_thoughts: See `load_text_encoder`.
        named_colors: Whether only the words for the labels are read out of a text.
        all_tags: See `Dataset.texts`.
    """

    def __init__(
        self, *, text_vectors: str = "", skip_thoughts: str = "", named_colors: bool = False, all_tags: bool = True
    ) -> None:
        self._text_vectors, self._skip_thoughts = text_vectors, skip_thoughts
        self._named_colors, self._all_tags = named_colors, all_tags
        self._encoder: gk.embedders.TextEncoder | None = None

    @classmethod
    def from_options(cls, options: _TextOptions) -> Self:
        """Build it from a recipe's options."""
        return cls(
            text_vectors=options.text_vectors,
            skip_thoughts=options.skip_thoughts,
            named_colors=options.named_colors,
            all_tags=options.all_tags,
        )

    @property
    def encoder_in_words(self) -> str:
        """What makes vectors of the texts; a table is named by the files as they are now."""
        return encoder_in_words(self._text_vectors, self._skip_thoughts, colors=self._named_colors)

    def rows_and_texts(self, dataset: Dataset) -> tuple[np.ndarray, list[str]]:
        """Return the rows of the pictures that have a text, and those texts."""
        texts = dataset.texts(all_tags=self._all_tags)
        rows = [row for row, text in enumerate(texts) if has_word(text)]
        return np.asarray(rows, dtype=np.int64), [texts[row] for row in rows]

    def select(self, dataset: Dataset) -> Selection:
        """Use all pictures with a text (report A selects none), and encode each different text once.

        Texts with the same vector are one condition: the critic cannot distinguish them, so they never make a mismatched pair.
        """
        rows, texts = self.rows_and_texts(dataset)
        if len(rows) == 0:
            raise ValueError(
                f"this recipe trains on pictures with a text, but none of the {len(dataset)} pictures has one; "
                "--recipe default trains without"
            )
        description = Description(
            size=dataset.size,
            kind=dataset.kind,
            attributes=tuple(dataset.attributes),
            incomplete=(False,) * len(dataset.attributes),
            pictures=len(rows),
        )
        different = list(dict.fromkeys(texts))
        vectors, places = _each_once(self._encode_training(different, description))
        if len(vectors) < 2:
            same = (
                f"the same, {texts[0]!r}" if len(different) == 1 else f"texts with the same vector, as {texts[0]!r} has"
            )
            raise ValueError(f"this recipe needs texts that differ, but all {len(rows)} pictures have {same}")
        place_of = dict(zip(different, places, strict=True))
        text = TextDescription(
            encoder=self.encoder_in_words,
            features=vectors.shape[1],
            pictures=len(rows),
            examples=varied_texts(texts, EXAMPLES),
        )
        description = replace(description, text=text)
        conditions = np.asarray([place_of[text] for text in texts], dtype=np.int64)
        return Selection(rows=rows, conditions=conditions, description=description, vectors=vectors, mixed=True)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Return the vectors of the words for class ids."""
        return self.encode_texts([describe(row, description.attributes) for row in class_ids.tolist()], description)

    def encode_texts(self, texts: Sequence[str], description: Description) -> torch.Tensor:
        """Return the vectors of any texts; after training on a tag file, they are cleaned as its tags were.

        Raises:
            ValueError: A text has no word, or is not in the table of vectors.
        """
        cleaned = cleaned_texts(texts, description)
        for text, plain in zip(texts, cleaned, strict=True):
            if not has_word(plain):
                examples = () if description.text is None else description.text.examples[:1]
                hint = "".join(f"; write for example {example!r}" for example in examples)
                raise ValueError(f"a prompt must have a word in it, got {text!r}{hint}")
        different = list(dict.fromkeys(cleaned))
        place_of = {text: place for place, text in enumerate(different)}
        return self._encode(different, description)[torch.tensor([place_of[text] for text in cleaned])]

    def read(self, prompts: Sequence[str], description: Description, rng: torch.Generator) -> torch.Tensor:
        """Return the vectors of the prompts; a text leaves nothing open."""
        del rng
        return self.encode_texts(prompts, description)

    def grid(self, description: Description, rows: int) -> Grid:
        """Show texts of the data."""
        assert description.text is not None
        texts = description.text.examples[:rows]
        return Grid(texts, self.encode_texts(texts, description))

    def texts_of(self, dataset: Dataset) -> dict[int, str]:
        """Return the text of each picture by its row; pictures without a text are left out."""
        rows, texts = self.rows_and_texts(dataset)
        return dict(zip(rows.tolist(), texts, strict=True))

    def warning(self, description: Description) -> str:
        """Say that a table of vectors was changed: more texts in it do no harm, other vectors do."""
        assert description.text is not None
        was, now = description.text.encoder, self.encoder_in_words
        if was == now:
            return ""
        return f"the run was trained with {was}, and it is now {now}: the same text may have another vector"

    def _encode_training(self, texts: Sequence[str], description: Description) -> torch.Tensor:
        try:
            vectors = self._encode(texts, description)
        except ValueError as error:
            if self._named_colors and self._all_tags:
                raise ValueError(f"{error}. With --named-colors, --no-all-tags leaves all other words out") from error
            raise
        finite = vectors.isfinite().all(dim=1)
        if not finite.all():
            raise ValueError(f"vectors must be finite, but that of {texts[int(finite.int().argmin())]!r} is not")
        return vectors

    def _encode(self, texts: Sequence[str], description: Description) -> torch.Tensor:
        if self._encoder is None:
            colors = description.condition.prompt_encoder() if self._named_colors else None
            self._encoder = load_text_encoder(self._text_vectors, self._skip_thoughts, colors)
        encoder = self._encoder
        parts = [encoder(texts[start : start + ENCODED_AT_ONCE]) for start in range(0, len(texts), ENCODED_AT_ONCE)]
        return torch.cat(parts).float()


def cleaned_texts(texts: Sequence[str], description: Description) -> list[str]:
    """Return texts as those of the training are written: after training on a tag file, cleaned as its tags were."""
    old = description.text is not None and has_underscored_words(description.text.examples)
    return [
        text_of_tags([text], keep_underscores=old) if description.kind == "tags" else " ".join(text.split())
        for text in texts
    ]


def _each_once(vectors: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
    """Return each different row once, in the order of first appearance, and for each row its place among them."""
    places: dict[bytes, int] = {}
    first: list[int] = []
    found: list[int] = []
    for row, vector in enumerate(vectors.numpy()):
        key = hashlib.sha256(vector.tobytes()).digest()
        if key not in places:
            places[key] = len(places)
            first.append(row)
        found.append(places[key])
    # If all differ, as raw tags do, the table is not copied: it may fill much of the memory.
    return vectors if len(first) == len(vectors) else vectors[first], found
