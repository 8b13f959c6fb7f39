"""Vectors of given pictures: labels of other names and classes, and a critic where labels say nothing."""

import numpy as np
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes.stargan.vector import target_vector
from examples.anime_faces.transfer import complete, known_numbers, what_labels_leave_open

HAIR = Attribute("hair", ("black", "blue", "brown"))
SEASON = Attribute("season", ("autumn", "spring", "summer"))
GLASSES = Attribute("glasses", ("no", "yes"))
VECTOR = target_vector((HAIR, GLASSES, SEASON), "black hair, brown hair, glasses=yes, autumn, spring, summer")


def test_labels_may_have_other_attributes_classes_and_spellings() -> None:
    attributes = (Attribute("Glasses", ("1", "-1")), Attribute("age", ("old",)), Attribute("HAIR", ("brown", "red")))
    ids = np.array([[0, 0, 0], [1, -1, 1], [-1, -1, -1]])
    assert known_numbers(VECTOR, attributes, ids).tolist() == [
        [0, 1, 1, -1, -1, -1],  # nothing is said of seasons
        [0, 0, 0, -1, -1, -1],  # red hair is neither black nor brown
        [-1, -1, -1, -1, -1, -1],
    ]


def test_two_classes_of_other_names_than_yes_and_no_say_nothing() -> None:
    ids = np.array([[0], [1], [2]])
    numbers = known_numbers(VECTOR, (Attribute("glasses", ("round", "true", "without")),), ids)
    assert numbers[:, 2].tolist() == [-1, 1, 0]
    inverted = target_vector((GLASSES,), "glasses=no")
    assert known_numbers(inverted, (Attribute("glasses", ("0", "1")),), ids[:2]).tolist() == [[1], [0]]


def test_a_tag_that_is_missing_is_a_zero() -> None:
    vector = target_vector((Attribute("tag", ("seen",)), GLASSES), "seen")
    assert known_numbers(vector, (Attribute("tag", ("seen",)),), np.array([[0], [-1]])).tolist() == [[1], [0]]
    assert known_numbers(vector, (GLASSES,), np.array([[0]])).tolist() == [[-1]]


class Says(nn.Module):
    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, images: torch.Tensor) -> gk.networks.CriticOutput:
        return gk.networks.CriticOutput(torch.zeros(len(images)), (self.logits.expand(len(images), -1),))


def test_a_critic_fills_what_labels_leave_open() -> None:
    numbers = torch.tensor([[0.0, 1, 0, 0, 0, 1], [-1, -1, 1, -1, 0, 1], [-1, -1, -1, -1, -1, -1]])
    images = torch.zeros(3, 3, 8, 8)
    before = numbers.clone()
    filled = complete(numbers, images, VECTOR, Says(2.0, 3.0, -1.0, -5.0, -2.0, -3.0))
    assert filled.tolist() == [
        [0, 1, 0, 0, 0, 1],  # all of it was known
        [0, 1, 1, 0, 1, 0],  # the greatest of both colors; spring, though no season is likely: one of them it must be
        [0, 1, 0, 0, 1, 0],
    ]
    assert torch.equal(numbers, before)
    neither = complete(numbers, images, VECTOR, Says(-2.0, -3.0, 1.0, 0.0, 0.0, 9.0))
    assert neither[2].tolist() == [0, 0, 1, 0, 0, 1]


def test_what_labels_leave_open_is_said_by_attribute() -> None:
    numbers = torch.tensor([[0.0, 1, 1, -1, -1, -1], [-1, 0, 1, -1, -1, -1]])
    assert what_labels_leave_open(numbers, VECTOR) == "hair of 1 picture, season of all 2 pictures"
    assert what_labels_leave_open(numbers.clamp(min=0), VECTOR) == ""
