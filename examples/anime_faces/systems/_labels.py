"""How a recipe reads labels: the pictures that it trains on, the condition of each, and conditions requested in words."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from examples.anime_faces.data import Attribute, Dataset, describe, parse_prompt
from examples.anime_faces.systems._description import Description


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows of a data set in use.

    Args:
        rows: Indices of the pictures, ascending.
        conditions: One condition per row; None if nothing is labeled.
        description: What networks are built from.
        vectors: If the conditions are vectors that many pictures share: each vector once; `conditions` are their indices
            then.
        mixed: Whether every batch must hold at least two different conditions, for critics that see mismatched pairs.
        second: A second data set, whose rows follow all rows of the first one.
    """

    rows: np.ndarray
    conditions: np.ndarray | None
    description: Description
    vectors: torch.Tensor | None = None
    mixed: bool = False
    second: Dataset | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a sample grid.

    Args:
        names: The words beside each row.
        condition: What the generator is given for each row; None without labels.
    """

    names: Sequence[str]
    condition: torch.Tensor | None


class Conditioning(Protocol):
    """How a recipe reads labels or texts: which pictures it takes, and what its networks are given."""

    def select(self, dataset: Dataset) -> Selection:
        """Choose the rows to train on and their conditions; raise ``ValueError`` if the data does not fit."""
        ...

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Turn known class ids ``(n, attributes)`` into what the generator is given."""
        ...

    def read(self, prompts: Sequence[str], description: Description, rng: torch.Generator) -> torch.Tensor | None:
        """Turn words into what the generator is given, one row per prompt; `rng` draws what the words leave open.

        Raises:
            ValueError: A prompt cannot be read.
        """
        ...

    def grid(self, description: Description, rows: int) -> Grid:
        """Choose at most `rows` conditions for a sample grid, as different as possible."""
        ...

    def texts_of(self, dataset: Dataset) -> dict[int, str]:
        """Return the text of each picture by its row; empty for a recipe that reads labels."""
        ...

    def warning(self, description: Description) -> str:
        """Say what differs now from when the run with this description was trained; empty if nothing does."""
        ...


def fill_in(class_ids: torch.Tensor, counts: Sequence[int], rng: torch.Generator) -> torch.Tensor:
    """Draw a class for every attribute that is not named (-1), all classes with the same probability."""
    columns = [
        torch.where(
            class_ids[:, index] < 0, torch.randint(count, (len(class_ids),), generator=rng), class_ids[:, index]
        )
        for index, count in enumerate(counts)
    ]
    return torch.stack(columns, dim=1) if columns else class_ids


class Labels(ABC):
    """What all recipes that read class labels share: prompts name classes, and a grid shows different ones."""

    @abstractmethod
    def select(self, dataset: Dataset) -> Selection:
        """Choose the rows to train on and their conditions."""

    @abstractmethod
    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Turn known class ids into what the generator is given."""

    def read(self, prompts: Sequence[str], description: Description, rng: torch.Generator) -> torch.Tensor | None:
        """Read the classes out of each prompt, draw those that are not named, and encode them."""
        class_ids = torch.tensor([parse_prompt(prompt, description.attributes) for prompt in prompts])
        return self.encode(fill_in(class_ids, description.classes, rng), description)

    def grid(self, description: Description, rows: int) -> Grid:
        """Choose known classes, different from row to row; without labels all rows are the same."""
        if not description.attributes:
            return Grid([""] * rows, None)
        class_ids = description.condition.grid(rows)
        names = [describe(row, description.attributes) for row in class_ids.tolist()]
        return Grid(names, self.encode(class_ids, description))

    def texts_of(self, dataset: Dataset) -> dict[int, str]:
        """Return nothing: texts are not read."""
        del dataset
        return {}

    def warning(self, description: Description) -> str:
        """Return nothing: labels are always encoded in the same way."""
        del description
        return ""


def _describe(
    dataset: Dataset, rows: np.ndarray, attributes: tuple[Attribute, ...], incomplete: tuple[bool, ...]
) -> Description:
    return Description(
        size=dataset.size, kind=dataset.kind, attributes=attributes, incomplete=incomplete, pictures=len(rows)
    )


def _labeled(dataset: Dataset) -> tuple[Attribute, ...]:
    if not dataset.attributes:
        raise ValueError("this recipe needs labels, but the data set has none; --recipe default trains without")
    return tuple(dataset.attributes)


def _require_pictures(rows: np.ndarray, dataset: Dataset, rule: str) -> None:
    if len(rows) == 0:
        raise ValueError(
            f"this recipe trains on pictures with {rule}, but none of the {len(dataset)} pictures has that"
        )


def _incomplete(ids: np.ndarray) -> tuple[bool, ...]:
    return tuple(bool((ids[:, column] < 0).any()) for column in range(ids.shape[1]))


class AnyPicture(Labels):
    """Use every picture and read no label: there is no condition, and nothing can be requested in words.

    The attributes stay in the description, so that samples are measured beside the data as those of other recipes.
    """

    def select(self, dataset: Dataset) -> Selection:
        """Use all rows."""
        rows, attributes = np.arange(len(dataset)), tuple(dataset.attributes)
        _require_pictures(rows, dataset, "anything in them")
        incomplete = _incomplete(np.asarray(dataset.class_ids(), dtype=np.int64))
        description = replace(_describe(dataset, rows, attributes, incomplete), reads_labels=False)
        return Selection(rows=rows, conditions=None, description=description)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Return nothing, whatever the classes are."""
        del class_ids, description
        return None

    def read(self, prompts: Sequence[str], description: Description, rng: torch.Generator) -> torch.Tensor | None:
        """Refuse words: they would change nothing.

        Raises:
            ValueError: There is a prompt.
        """
        del description, rng
        raise ValueError(
            f"this recipe draws without labels, so {prompts[0]!r} cannot be requested: leave the prompts out"
        )

    def grid(self, description: Description, rows: int) -> Grid:
        """Let all rows be the same."""
        del description
        return Grid([""] * rows, None)


class ExactlyOne(Labels):
    """Use the pictures with exactly one class of every attribute; the condition is the class ids."""

    def select(self, dataset: Dataset) -> Selection:
        """Drop pictures without a class or with several classes of an attribute (report E, line 8)."""
        attributes = _labeled(dataset)
        ids = np.asarray(dataset.class_ids(), dtype=np.int64)
        rows = np.flatnonzero((ids >= 0).all(axis=1))
        names = " and ".join(attribute.name for attribute in attributes)
        _require_pictures(rows, dataset, f"exactly one class of {names}")
        description = _describe(dataset, rows, attributes, (False,) * len(attributes))
        return Selection(rows=rows, conditions=ids[rows], description=description)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Return the ids themselves."""
        del description
        return class_ids


class AnyTag(Labels):
    """Use the pictures with at least one tag; the condition is the multi-hot vector over all classes."""

    def select(self, dataset: Dataset) -> Selection:
        """Drop pictures without a tag (report C); several colors of hair may be set at once."""
        attributes = _labeled(dataset)
        labels = np.asarray(dataset.labels)
        rows = np.flatnonzero(labels.any(axis=1))
        _require_pictures(rows, dataset, "at least one tag")
        ids = np.asarray(dataset.class_ids())[rows]
        incomplete = _incomplete(ids)
        description = _describe(dataset, rows, attributes, incomplete)
        return Selection(rows=rows, conditions=labels[rows].astype(np.float32), description=description)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Set the one class of each attribute."""
        columns = [
            torch.nn.functional.one_hot(class_ids[:, index], count) for index, count in enumerate(description.classes)
        ]
        return torch.cat(columns, dim=1).float()


class WhateverIsKnown(Labels):
    """Use every picture; a missing or unclear class counts as one more class, "unknown"."""

    def select(self, dataset: Dataset) -> Selection:
        """Use all rows; without labels there is no condition."""
        attributes = tuple(dataset.attributes)
        rows = np.arange(len(dataset))
        _require_pictures(rows, dataset, "anything in them")
        if not attributes:
            return Selection(rows=rows, conditions=None, description=_describe(dataset, rows, (), ()))
        ids = np.asarray(dataset.class_ids(), dtype=np.int64)
        counts = np.asarray([len(attribute.classes) for attribute in attributes])
        incomplete = _incomplete(ids)
        conditions = np.where(ids < 0, counts, ids)
        return Selection(rows=rows, conditions=conditions, description=_describe(dataset, rows, attributes, incomplete))

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Return the ids, or nothing without labels."""
        return class_ids if description.attributes else None
