"""Accuracies class by class, of labels beside the colors too, and how many pictures have each class."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from examples.anime_faces.data import BINARY_ATTRIBUTES, FACE_ATTRIBUTES, Attribute
from examples.anime_faces.metrics._by_class import (
    class_figures,
    further_labels,
    notes_on_faces,
    rate_figures,
    shares_by_class,
)

COLORS = np.array([[0, 3], [0, 3], [5, 3], [5, 4], [5, 4]])
HAIR, EYES = (attribute.classes for attribute in FACE_ATTRIBUTES)


def read(hair: list[int], eyes: list[int], **further: list[float]) -> dict[str, np.ndarray]:
    found = {"hair": np.eye(12)[hair], "eyes": np.eye(11)[eyes]}
    return found | {name: np.array(values) for name, values in further.items()}


SHOWN = {"glasses": np.array([True, True, False, False]), "ribbon": np.array([True, False, False, True])}
REAL = {
    "glasses": np.array([0.9, 0.2, 0.1, 0.3]),
    "ribbon": np.array([0.9, 0.1, 0.2, 0.8]),
    "face": np.array([0.9, 0.9, 0.4, 0.8]),
}


def test_each_class_that_was_asked_for_has_its_share() -> None:
    figures, details = class_figures(COLORS, {}, read([0, 1, 5, 5, 0], [3, 3, 3, 3, 4]), {}, {})
    assert figures == {}
    assert details["accuracy_by_class"] == {
        "hair": {HAIR[0]: 0.5, HAIR[5]: pytest.approx(2 / 3)},
        "eyes": {EYES[3]: 1.0, EYES[4]: 0.5},
    }


def test_a_label_counts_both_of_its_classes_equally() -> None:
    """One face of five is asked for with glasses: never to draw them is right for four, and half right."""
    readings = read(
        [0, 0, 5, 5, 5],
        [3, 3, 3, 4, 4],
        glasses=[0.1, 0.2, 0.4, 0.0, 0.3],
        ribbon=[0.9, 0.2, 0.6, 0.4, 0.9],
        face=[0.9] * 5,
    )
    wanted = {
        "glasses": np.array([True, False, False, False, False]),
        "ribbon": np.array([True, False, True, True, False]),
    }
    figures, details = class_figures(COLORS, wanted, readings, SHOWN, REAL)
    assert details["accuracy_by_class"]["glasses"] == {"no": 1.0, "yes": 0.0}
    assert figures["glasses_accuracy"].value == 0.5
    assert details["accuracy_by_class"]["ribbon"] == {"no": 0.5, "yes": pytest.approx(2 / 3)}
    assert figures["ribbon_accuracy"].value == pytest.approx(7 / 12)


def test_a_label_has_the_figure_of_real_pictures_and_an_interval_as_its_floor() -> None:
    readings = read(
        [0] * 5, [3] * 5, glasses=[0.9, 0.2, 0.4, 0.0, 0.3], ribbon=[0.9] * 5, face=[0.9, 0.2, 0.9, 0.3, 0.9]
    )
    wanted = {"glasses": np.array([True, True, False, False, False]), "ribbon": np.arange(5) < 1}
    figures, _ = class_figures(COLORS, wanted, readings, SHOWN, REAL)
    assert {name: (figure.value, figure.floor) for name, figure in figures.items()} == {
        "glasses_accuracy": (0.75, 0.75),
        "glasses_in_faces": (pytest.approx(7 / 12), 0.5),
        "ribbon_accuracy": (0.5, 1.0),
        "ribbon_in_faces": (0.5, 0.75),
    }
    low, high = figures["ribbon_accuracy"].interval or (0, 0)
    assert (low < 0.5, high > 0.5) == (True, True)


def test_intervals_of_labels_contain_the_share_of_all_in_about_95_of_100_cases() -> None:
    rng, inside = np.random.default_rng(0), 0
    for _ in range(400):
        wanted = np.arange(300) < 60
        right = rng.random(300) < np.where(wanted, 0.7, 0.9)
        readings = read([0] * 300, [3] * 300, glasses=np.where(right == wanted, 0.9, 0.1).tolist(), face=[0.9] * 300)
        figures, _ = class_figures(np.zeros((300, 2), int), {"glasses": wanted}, readings, SHOWN, REAL)
        low, high = figures["glasses_accuracy"].interval or (0, 0)
        inside += low <= 0.8 <= high
    assert 0.92 <= inside / 400 <= 0.98


def test_pictures_that_are_no_faces_are_not_right() -> None:
    """A judge reads glasses from blobs too: a run whose pictures show none had 0.95."""
    readings = read([0] * 4, [3] * 4, glasses=[0.9, 0.9, 0.1, 0.1], face=[0.1] * 4)
    figures, _ = class_figures(COLORS[:4], {"glasses": np.arange(4) < 2}, readings, SHOWN, REAL)
    assert figures["glasses_accuracy"].value == 1.0
    assert figures["glasses_in_faces"].value == 0.0


@pytest.mark.parametrize(("faces", "warned"), [(0.65, True), (0.95, False)])
def test_few_faces_are_a_warning(faces: float, warned: bool) -> None:
    samples = {"face": (np.arange(100) < 100 * faces).astype(float), "highlight": np.ones(100)}
    notes = notes_on_faces(rate_figures(samples, {"face": np.ones(3), "highlight": np.ones(3)}))
    assert len(notes) == warned
    assert all("takes only 65% of the samples for whole faces" in note for note in notes)


def test_a_label_that_all_or_no_faces_are_asked_for_has_no_figure() -> None:
    figures, details = class_figures(
        COLORS, {"ribbon": np.ones(5, bool)}, read([0] * 5, [3] * 5, ribbon=[0.9] * 5), SHOWN, REAL
    )
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
