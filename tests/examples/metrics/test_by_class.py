"""Accuracies class by class, of labels beside the colors too, and how many pictures have each class."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from examples.anime_faces.data import BINARY_ATTRIBUTES, FACE_ATTRIBUTES, Attribute
from examples.anime_faces.metrics._by_class import class_figures, further_labels, rate_figures, shares_by_class

COLORS = np.array([[0, 3], [0, 3], [5, 3], [5, 4], [5, 4]])
HAIR, EYES = (attribute.classes for attribute in FACE_ATTRIBUTES)


def read(hair: list[int], eyes: list[int], **further: list[float]) -> dict[str, np.ndarray]:
    found = {"hair": np.eye(12)[hair], "eyes": np.eye(11)[eyes]}
    return found | {name: np.array(values) for name, values in further.items()}


def test_each_class_that_was_asked_for_has_its_share() -> None:
    figures, details = class_figures(COLORS, {}, read([0, 1, 5, 5, 0], [3, 3, 3, 3, 4]))
    assert figures == {}
    assert details["accuracy_by_class"] == {
        "hair": {HAIR[0]: 0.5, HAIR[5]: pytest.approx(2 / 3)},
        "eyes": {EYES[3]: 1.0, EYES[4]: 0.5},
    }


def test_a_label_counts_both_of_its_classes_equally() -> None:
    """One face of five is asked for with glasses: never to draw them is right for four, and half right."""
    readings = read(
        [0, 0, 5, 5, 5], [3, 3, 3, 4, 4], glasses=[0.1, 0.2, 0.4, 0.0, 0.3], ribbon=[0.9, 0.2, 0.6, 0.4, 0.9]
    )
    wanted = {
        "glasses": np.array([True, False, False, False, False]),
        "ribbon": np.array([True, False, True, True, False]),
    }
    figures, details = class_figures(COLORS, wanted, readings)
    assert details["accuracy_by_class"]["glasses"] == {"no": 1.0, "yes": 0.0}
    assert figures["glasses_accuracy"].value == 0.5
    assert details["accuracy_by_class"]["ribbon"] == {"no": 0.5, "yes": pytest.approx(2 / 3)}
    assert figures["ribbon_accuracy"].value == pytest.approx(7 / 12)


def test_a_label_that_all_or_no_faces_are_asked_for_has_no_figure() -> None:
    figures, details = class_figures(COLORS, {"ribbon": np.ones(5, bool)}, read([0] * 5, [3] * 5, ribbon=[0.9] * 5))
    assert figures == {}
    assert details["accuracy_by_class"]["ribbon"] == {"yes": 1.0}


def test_rates_of_faces_and_highlights() -> None:
    some = {"face": np.array([0.9, 0.4, 0.8, 0.7]), "highlight": np.array([0.6, 0.1, 0.2, 0.3])}
    real = {"face": np.array([0.9, 0.8]), "highlight": np.array([0.9, 0.0])}
    figures = rate_figures(some, real)
    assert {name: (figure.value, figure.floor) for name, figure in figures.items()} == {
        "face_rate": (0.75, 1.0),
        "highlight_rate": (0.25, 0.5),
    }


def test_only_labels_that_a_judge_reads_and_that_are_known_everywhere_count() -> None:
    names = ["hair", "highlight", "hat", "glasses"]
    found = further_labels(np.array([[3, 1, 1, 0], [2, 0, 1, -1]]), names)
    assert {name: values.tolist() for name, values in found.items()} == {"highlight": [True, False]}


def test_shares_of_the_pictures() -> None:
    attributes = (Attribute("hair", ("red", "blue")), BINARY_ATTRIBUTES[1])
    labels = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 0, 1, 0]], np.uint8)
    shares = shares_by_class(cast("Any", SimpleNamespace(attributes=attributes, labels=labels)))
    assert shares == {"hair": {"red": 0.5, "blue": 0.25}, "ribbon": {"no": 0.75, "yes": 0.25}}
