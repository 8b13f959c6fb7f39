"""A second data set, joined to the one that a recipe is trained on."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from examples.anime_faces.data import Attribute, Dataset
from examples.anime_faces.systems._description import Description
from examples.anime_faces.systems._labels import AnyPicture, AnyTag, Selection

UNKNOWN = -1.0
"""What stands for a tag of which nothing is known; as in `gankit.losses.multi_label_loss`."""


class AnyPictureOfTwo(AnyPicture):
    """Use every picture of the data set and of a second one, and read no label: which of them a picture is of is not known.

    All pictures of both form one sequence, so each is seen equally often.

    Args:
        folder: The second data set. Empty: there is none, and this is `AnyPicture`.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder

    def select(self, dataset: Dataset) -> Selection:
        """Add all pictures of the second set.

        Raises:
            ValueError: There is no such data set, or its pictures have another size.
        """
        selection = super().select(dataset)
        return _with_pictures(selection, dataset, _opened(self._folder, dataset)) if self._folder else selection


class WithSecondSet(AnyTag):
    """Use the pictures of a second data set beside those with a tag; pictures that are requested belong to the first set.

    All pictures of both sets form one sequence, so each is seen equally often. The condition is the vector of tags, and with
    labels one more number: 0 for the first set and 1 for the second one. Tags of attributes that the second set lacks are
    unknown (-1), as are all of its tags without labels.

    Args:
        folder: The second data set. Empty: there is none, and this is `AnyTag`.
        labeled: Whether the tags of the second set are used, and the number for the set.
    """

    def __init__(self, folder: str = "", *, labeled: bool = True) -> None:
        self._folder, self._labeled = folder, labeled

    def select(self, dataset: Dataset) -> Selection:
        """Add all pictures of the second set.

        Raises:
            ValueError: There is no such data set, its pictures have another size, or it has a class that the first one lacks.
        """
        selection = super().select(dataset)
        if not self._folder:
            return selection
        second, description = _opened(self._folder, dataset), selection.description
        assert selection.conditions is not None
        first_tags, second_tags = selection.conditions, np.full((len(second), sum(description.classes)), UNKNOWN)
        if self._labeled:
            second_tags = _with_number(_tags_of(second, description), 1.0)
            first_tags = _with_number(first_tags, 0.0)
        conditions = np.concatenate([first_tags, second_tags]).astype(np.float32)
        return replace(_with_pictures(selection, dataset, second), conditions=conditions)

    def encode(self, class_ids: torch.Tensor, description: Description) -> torch.Tensor | None:
        """Set the one class of each attribute, and 0 for the first set."""
        tags = super().encode(class_ids, description)
        if tags is None or not (self._folder and self._labeled):
            return tags
        return torch.cat([tags, torch.zeros(len(tags), 1)], dim=1)


def _opened(folder: str, dataset: Dataset) -> Dataset:
    """Open the second data set of a first one."""
    second = Dataset.open(Path(folder))
    if second.fingerprint == dataset.fingerprint:
        raise ValueError(
            f"--extra must be another data set than --data, but {folder} holds the same pictures and labels"
        )
    if second.size != dataset.size:
        raise ValueError(
            f"--extra must have pictures of the size of --data, {dataset.size}, but {folder} has {second.size}"
        )
    return second


def _with_pictures(selection: Selection, dataset: Dataset, second: Dataset) -> Selection:
    """Add all pictures of a second data set to a selection of the first one."""
    rows = np.concatenate([selection.rows, len(dataset) + np.arange(len(second))])
    description = replace(selection.description, pictures=len(rows), second=second.fingerprint)
    return replace(selection, rows=rows, description=description, second=second)


def _with_number(tags: np.ndarray, number: float) -> np.ndarray:
    return np.concatenate([tags, np.full((len(tags), 1), number)], axis=1)


def _tags_of(dataset: Dataset, description: Description) -> np.ndarray:
    """Return the tags of a data set in the columns of a description; unknown ones are -1."""
    dataset.class_ids_of(description.attributes)  # refuses classes that are not there
    own = np.asarray(dataset.labels, dtype=np.float64)
    columns = {name: column for column, name in enumerate(_names(dataset.attributes))}
    known = {attribute.name for attribute in dataset.attributes}
    tags: list[np.ndarray] = []
    for attribute, of_class in _names(description.attributes):
        if attribute not in known:
            tags.append(np.full(len(own), UNKNOWN))
        elif (attribute, of_class) in columns:
            tags.append(own[:, columns[attribute, of_class]])
        else:
            tags.append(np.zeros(len(own)))
    return np.stack(tags, axis=1)


def _names(attributes: Sequence[Attribute]) -> list[tuple[str, str]]:
    return [(one.name, of_class) for one in attributes for of_class in one.classes]
