"""The pictures that a recipe trains on, and the condition of each."""

from dataclasses import dataclass

import numpy as np
import torch

from examples.anime_faces.data import Attribute, Dataset
from examples.anime_faces.recipes._description import Description


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Rows of a data set in use.

    Args:
        rows: indices of the pictures, ascending.
        conditions: one condition a row; ``None`` where nothing is labeled.
        description: what networks are built from.
        vectors: where the conditions are vectors that many pictures share: each vector once; `conditions` are their
            indices then.
        mixed: whether every batch must hold two different conditions at least, for critics that are shown pairs that do
            not match.
    """

    rows: np.ndarray
    conditions: np.ndarray | None
    description: Description
    vectors: torch.Tensor | None = None
    mixed: bool = False


def _describe(dataset: Dataset, attributes: tuple[Attribute, ...], incomplete: tuple[bool, ...]) -> Description:
    return Description(size=dataset.size, kind=dataset.kind, attributes=attributes, incomplete=incomplete)


def _require_pictures(rows: np.ndarray, dataset: Dataset, rule: str) -> None:
    if len(rows) == 0:
        raise ValueError(
            f"this recipe trains on pictures with {rule}, but none of the {len(dataset)} pictures has that"
        )


def _incomplete(ids: np.ndarray) -> tuple[bool, ...]:
    return tuple(bool((ids[:, column] < 0).any()) for column in range(ids.shape[1]))


class ExactlyOne:
    """Take the pictures with exactly one class of every attribute; the condition is the class ids."""

    def select(self, dataset: Dataset) -> Selection:
        """Drop pictures without a class or with several classes of an attribute (report E, line 8)."""
        attributes = tuple(dataset.attributes)
        if not attributes:
            raise ValueError("this recipe needs labels, but the data set has none; --recipe default trains without")
        ids = np.asarray(dataset.class_ids(), dtype=np.int64)
        rows = np.flatnonzero((ids >= 0).all(axis=1))
        names = " and ".join(attribute.name for attribute in attributes)
        _require_pictures(rows, dataset, f"exactly one class of {names}")
        description = _describe(dataset, attributes, (False,) * len(attributes))
        return Selection(rows=rows, conditions=ids[rows], description=description)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Return the ids themselves."""
        del description
        return class_ids


class AnyTag:
    """Take the pictures with any tag at all; the condition is the multi-hot vector over all classes."""

    def select(self, dataset: Dataset) -> Selection:
        """Drop pictures with none of the tags (report C); several colors of hair may be set at once."""
        attributes = tuple(dataset.attributes)
        if not attributes:
            raise ValueError("this recipe needs labels, but the data set has none; --recipe default trains without")
        labels = np.asarray(dataset.labels)
        rows = np.flatnonzero(labels.any(axis=1))
        _require_pictures(rows, dataset, "at least one tag")
        ids = np.asarray(dataset.class_ids())[rows]
        incomplete = _incomplete(ids)
        description = _describe(dataset, attributes, incomplete)
        return Selection(rows=rows, conditions=labels[rows].astype(np.float32), description=description)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Set the one class of each attribute."""
        columns = [
            torch.nn.functional.one_hot(class_ids[:, index], count) for index, count in enumerate(description.classes)
        ]
        return torch.cat(columns, dim=1).float()


class WhateverIsKnown:
    """Take every picture; a missing or unclear class becomes one more class, "unknown", where there are any."""

    def select(self, dataset: Dataset) -> Selection:
        """Use all rows; without labels there is no condition."""
        attributes = tuple(dataset.attributes)
        rows = np.arange(len(dataset))
        _require_pictures(rows, dataset, "anything in them")
        if not attributes:
            return Selection(rows=rows, conditions=None, description=_describe(dataset, (), ()))
        ids = np.asarray(dataset.class_ids(), dtype=np.int64)
        counts = np.asarray([len(attribute.classes) for attribute in attributes])
        incomplete = _incomplete(ids)
        conditions = np.where(ids < 0, counts, ids)
        return Selection(rows=rows, conditions=conditions, description=_describe(dataset, attributes, incomplete))

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Return the ids, or nothing without labels."""
        return class_ids if description.attributes else None
