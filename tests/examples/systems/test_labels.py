from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from examples.anime_faces.data import Attribute
from examples.anime_faces.systems import AnyPicture, AnyTag, ExactlyOne, Grid, WhateverIsKnown

HAIR, EYES = Attribute("hair", ("red", "blue", "gray")), Attribute("eyes", ("gold", "green"))

# One hair and one eye color; two hair colors; no eyes; nothing at all; complete again.
LABELS = np.array([[1, 0, 0, 1, 0], [1, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 1]], dtype=np.uint8)


@dataclass
class Labeled:
    labels: np.ndarray
    attributes: tuple[Attribute, ...] = (HAIR, EYES)
    size: int = 32
    kind: str = "tags"
    images: np.ndarray = field(default_factory=lambda: np.zeros((5, 32, 32, 3), np.uint8))

    def __len__(self) -> int:
        return len(self.images)

    def class_ids(self) -> np.ndarray:
        blocks = [self.labels[:, :3], self.labels[:, 3:]] if self.attributes else []
        ids = [np.where(block.sum(1) == 1, block.argmax(1), -1) for block in blocks]
        return np.stack(ids, axis=1).astype(np.int64) if ids else np.zeros((5, 0), np.int64)


def test_exactly_one_drops_missing_and_several() -> None:
    selection = ExactlyOne().select(Labeled(LABELS))  # pyright: ignore[reportArgumentType]
    assert selection.rows.tolist() == [0, 4]
    assert selection.conditions is not None
    assert selection.conditions.tolist() == [[0, 0], [1, 1]]
    assert selection.description.incomplete == (False, False)
    assert selection.description.pictures == 2


def test_any_tag_keeps_several_colors() -> None:
    selection = AnyTag().select(Labeled(LABELS))  # pyright: ignore[reportArgumentType]
    assert selection.rows.tolist() == [0, 1, 2, 4]
    assert selection.conditions is not None
    assert selection.conditions.dtype == np.float32
    assert selection.conditions[1].tolist() == [1, 1, 0, 1, 0]
    assert selection.description.pictures == 4
    encoded = AnyTag().encode(torch.tensor([[2, 1]]), selection.description)
    assert encoded is not None
    assert encoded.tolist() == [[0, 0, 1, 0, 1]]


def test_whatever_is_known_makes_unclear_labels_a_class_of_their_own() -> None:
    selection = WhateverIsKnown().select(Labeled(LABELS))  # pyright: ignore[reportArgumentType]
    assert selection.rows.tolist() == [0, 1, 2, 3, 4]
    assert selection.conditions is not None
    assert selection.conditions.tolist() == [[0, 0], [3, 0], [2, 2], [3, 2], [1, 1]]
    assert selection.description.incomplete == (True, True)
    assert selection.description.pictures == 5


def test_whatever_is_known_works_without_labels() -> None:
    unlabeled = Labeled(np.zeros((5, 0), np.uint8), attributes=(), kind="unlabeled")
    selection = WhateverIsKnown().select(unlabeled)  # pyright: ignore[reportArgumentType]
    assert selection.conditions is None
    assert selection.description.pictures == 5
    assert WhateverIsKnown().encode(torch.zeros(4, 0, dtype=torch.int64), selection.description) is None


def test_any_picture_has_no_condition_whatever_its_labels_are() -> None:
    conditioning = AnyPicture()
    selection = conditioning.select(Labeled(LABELS))  # pyright: ignore[reportArgumentType]
    assert selection.rows.tolist() == [0, 1, 2, 3, 4]
    assert selection.conditions is None
    assert selection.description.attributes == (HAIR, EYES)
    assert selection.description.incomplete == (True, True)
    assert not selection.description.reads_labels
    assert conditioning.encode(torch.tensor([[2, 1]]), selection.description) is None
    assert conditioning.grid(selection.description, 3) == Grid(["", "", ""], None)
    with pytest.raises(ValueError, match="draws without labels, so 'red hair' cannot be requested"):
        conditioning.read(["red hair"], selection.description, torch.Generator())
    unlabeled = Labeled(np.zeros((5, 0), np.uint8), attributes=(), kind="unlabeled")
    assert conditioning.select(unlabeled).description.attributes == ()  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("conditioning", [ExactlyOne(), AnyTag()])
def test_data_that_does_not_fit_is_refused(conditioning: ExactlyOne | AnyTag) -> None:
    unlabeled = Labeled(np.zeros((5, 0), np.uint8), attributes=(), kind="unlabeled")
    with pytest.raises(ValueError, match="this recipe needs labels"):
        conditioning.select(unlabeled)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="none of the 5 pictures has that"):
        conditioning.select(Labeled(np.zeros_like(LABELS)))  # pyright: ignore[reportArgumentType]
