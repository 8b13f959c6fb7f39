"""Whether samples show what was requested, class by class, and how many pictures of the data have each class."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from examples.anime_faces.data import BINARY_ATTRIBUTES, FACE_ATTRIBUTES, Dataset
from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._intervals import of_share
from examples.anime_faces.metrics._readings import Readings

Shares = dict[str, dict[str, float]]

FEW_FACES = 0.1
"""So much below the share of real pictures, the judge takes too few samples for faces to be trusted."""


def rate_figures(samples: Readings, real: Readings) -> dict[str, Figure]:
    """Return the shares of samples that are whole faces, and that have highlights in the eyes."""

    def rate(question: str, about: str) -> Figure:
        value, floor = (float((readings[question] > 0.5).mean()) for readings in (samples, real))
        return Figure(value=value, floor=floor, interval=of_share(value, len(samples[question])), about=about)

    return {
        "face_rate": rate("face", "share of samples that the judge takes for a whole face"),
        "highlight_rate": rate("highlight", "share of samples with highlights in the eyes"),
    }


def notes_on_faces(rates: Mapping[str, Figure]) -> list[str]:
    """Return a warning if the judge takes far fewer samples for whole faces than real pictures.

    It was trained on whole faces and on random pictures; what it reads from anything in between is not known to be right.
    """
    faces = rates["face_rate"]
    if faces.floor is None or faces.value > faces.floor - FEW_FACES:
        return []
    note = (
        f"The judge takes only {faces.value:.0%} of the samples for whole faces. From other pictures it may read colors, "
        "glasses and ribbons that nobody sees: look at the samples before you trust an accuracy."
    )
    return [note]


def class_figures(
    colors: np.ndarray,
    further: Mapping[str, np.ndarray],
    readings: Readings,
    shown: Mapping[str, np.ndarray],
    real: Readings,
) -> tuple[dict[str, Figure], dict[str, Any]]:
    """Return the accuracy of labels beside the colors, and a table of the accuracy of each class.

    An accuracy here is the mean over both classes of a label, so that a label which few faces have is not right by chance: a
    generator that never draws it has 1/2. Each is given twice: over all samples, and with only those right that the judge takes
    for a whole face too.

    Args:
        colors: The requested (hair, eyes) of each sample, of shape ``(n, 2)``.
        further: By label, whether each sample was asked to have it, of shape ``(n,)`` each.
        readings: What the judge reads from the samples.
        shown: By label, whether each real picture has it, of shape ``(m,)`` each.
        real: What the judge reads from the real pictures.
    """
    table: Shares = {}
    for column, attribute in enumerate(FACE_ATTRIBUTES):
        right = readings[attribute.name].argmax(axis=1) == colors[:, column]
        table[attribute.name] = {
            name: float(right[colors[:, column] == class_id].mean())
            for class_id, name in enumerate(attribute.classes)
            if (colors[:, column] == class_id).any()
        }
    figures: dict[str, Figure] = {}
    for name, wanted in further.items():
        right, real_right = (of[name] > 0.5 for of in (readings, real))
        right, real_right = right == wanted, real_right == shown[name]
        table[name] = {
            answer: float(right[wanted == yes].mean())
            for answer, yes in (("no", False), ("yes", True))
            if (wanted == yes).any()
        }
        if len(table[name]) == 2:
            about = f"mean of the shares of samples with {name} requested that have it, and of the others that do not"
            figures[f"{name}_accuracy"] = _of_both(right, wanted, real_right, shown[name], about)
            face, real_face = (of["face"] > 0.5 for of in (readings, real))
            about = f"{about}; right only where the judge takes the sample for a whole face too"
            figures[f"{name}_in_faces"] = _of_both(right & face, wanted, real_right & real_face, shown[name], about)
    return figures, {"accuracy_by_class": table}


def _of_both(right: np.ndarray, wanted: np.ndarray, real_right: np.ndarray, shown: np.ndarray, about: str) -> Figure:
    """Return the mean over those that are to have a label and those that are not; the floor is that of real pictures.

    Reference:
        Zou and Donner 2008, "Construction of confidence limits about effect measures", equation 3, for the interval of a sum.
    """
    parts = [right[wanted], right[~wanted]]
    shares = [float(part.mean()) for part in parts]
    ends = [of_share(share, len(part)) for share, part in zip(shares, parts, strict=True)]
    value = sum(shares) / 2
    low, high = (
        math.hypot(*(share - end[side] for share, end in zip(shares, ends, strict=True))) / 2 for side in (0, 1)
    )
    real = [real_right[shown], real_right[~shown]]
    return Figure(
        value=value,
        floor=float(np.mean([part.mean() for part in real])) if all(map(len, real)) else None,
        interval=(value - low, value + high),
        about=about,
    )


def shares_by_class(dataset: Dataset) -> Shares:
    """Return for each attribute of a data set the share of its pictures that have each class."""
    shares = iter(np.asarray(dataset.labels, dtype=np.float64).mean(axis=0).tolist())
    return {attribute.name: {name: next(shares) for name in attribute.classes} for attribute in dataset.attributes}


def further_labels(ids: np.ndarray, names: list[str]) -> dict[str, np.ndarray]:
    """Return for each label beside the colors whether it is requested; labels of which some are not known are left out.

    Args:
        ids: The requested class ids, of shape ``(n, attributes)``.
        names: The names of the attributes.
    """
    columns = {one.name: ids[:, names.index(one.name)] for one in BINARY_ATTRIBUTES if one.name in names}
    return {name: column == 1 for name, column in columns.items() if (column >= 0).all()}
