"""Whether samples show what was asked for, class by class, and how many pictures of the data have each class."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from examples.anime_faces.data import BINARY_ATTRIBUTES, FACE_ATTRIBUTES, Dataset
from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._intervals import of_share
from examples.anime_faces.metrics._readings import Readings

Shares = dict[str, dict[str, float]]


def rate_figures(samples: Readings, real: Readings) -> dict[str, Figure]:
    """Return the shares of samples that are whole faces, and that have highlights in the eyes."""

    def rate(question: str, about: str) -> Figure:
        value, floor = (float((readings[question] > 0.5).mean()) for readings in (samples, real))
        return Figure(value=value, floor=floor, interval=of_share(value, len(samples[question])), about=about)

    return {
        "face_rate": rate("face", "share of samples that the judge takes for a whole face"),
        "highlight_rate": rate("highlight", "share of samples with highlights in the eyes"),
    }


def class_figures(
    colors: np.ndarray, further: Mapping[str, np.ndarray], readings: Readings
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Return the accuracy of labels beside the colors, and a table of the accuracy of each class.

    An accuracy here is the mean over both classes of a label, so that a label which few faces have is not right by chance: a
    generator that never draws it has 1/2.

    Args:
        colors: The requested (hair, eyes) of each sample, of shape ``(n, 2)``.
        further: By label, whether each sample was asked to have it, of shape ``(n,)`` each.
        readings: What the judge reads from the samples.
    """
    table: Shares = {}
    for column, attribute in enumerate(FACE_ATTRIBUTES):
        right = readings[attribute.name].argmax(axis=1) == colors[:, column]
        table[attribute.name] = {
            name: float(right[colors[:, column] == class_id].mean())
            for class_id, name in enumerate(attribute.classes)
            if (colors[:, column] == class_id).any()
        }
    figures = {}
    for name, wanted in further.items():
        right = (readings[name] > 0.5) == wanted
        table[name] = {
            answer: float(right[wanted == yes].mean())
            for answer, yes in (("no", False), ("yes", True))
            if (wanted == yes).any()
        }
        if len(table[name]) == 2:
            about = f"mean of the shares of samples asked for {name} that have it, and of the others that do not"
            figures[f"{name}_accuracy"] = Figure(value=float(np.mean(list(table[name].values()))), about=about)
    return figures, {"accuracy_by_class": table}


def shares_by_class(dataset: Dataset) -> Shares:
    """Return for each attribute of a data set the share of its pictures that have each class."""
    shares = iter(np.asarray(dataset.labels, dtype=np.float64).mean(axis=0).tolist())
    return {attribute.name: {name: next(shares) for name in attribute.classes} for attribute in dataset.attributes}


def further_labels(ids: np.ndarray, names: list[str]) -> dict[str, np.ndarray]:
    """Return for each label beside the colors whether it is asked for; labels of which some are not known are left out.

    Args:
        ids: The requested class ids, of shape ``(n, attributes)``.
        names: The names of the attributes.
    """
    columns = {one.name: ids[:, names.index(one.name)] for one in BINARY_ATTRIBUTES if one.name in names}
    return {name: column == 1 for name, column in columns.items() if (column >= 0).all()}
