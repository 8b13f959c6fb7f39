"""One description of the condition drives everything that has to do with it."""

from dataclasses import replace

import pytest
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.systems import Condition, Description

HAIR, EYES = Attribute("hair", ("red", "blue", "green")), Attribute("eyes", ("red", "blue"))


def _condition(*, incomplete: tuple[bool, ...] = (False, True)) -> Condition:
    return Condition(attributes=(HAIR, EYES), incomplete=incomplete)


def test_unknown_is_one_more_class_where_labels_are_missing() -> None:
    assert _condition().classes == (3, 3)
    assert _condition(incomplete=(False, False)).classes == (3, 2)


def test_embedders_and_heads_have_the_sizes_of_the_condition() -> None:
    condition = _condition()
    labels = torch.tensor([[2, 2], [0, 1]])
    torch.testing.assert_close(condition.one_hot()(labels), torch.tensor([[0.0, 0, 1, 0, 0, 1], [1, 0, 0, 0, 1, 0]]))
    assert condition.label_embedder(7)(labels).shape == (2, 14)
    assert condition.multi_hot().out_features == 5
    assert [tuple(one.shape) for one in condition.class_head(11)(torch.zeros(2, 11))] == [(2, 3), (2, 3)]


def test_prompts_are_read_in_the_condition_s_own_words() -> None:
    vectors = _condition().prompt_encoder()(["hair=green eyes=red"])
    torch.testing.assert_close(vectors, torch.tensor([[0.0, 0, 1, 1, 0]]))


def test_draws_reach_every_class_and_follow_the_generator() -> None:
    condition, rng = _condition(), torch.Generator().manual_seed(3)
    state = torch.get_rng_state()
    labels = condition.draw(200, rng=rng)
    assert torch.equal(labels, condition.draw(200, rng=torch.Generator().manual_seed(3)))
    assert torch.equal(state, torch.get_rng_state())
    assert [set(column.tolist()) for column in labels.T] == [{0, 1, 2}, {0, 1, 2}]


def test_mismatched_labels_are_never_the_same_row() -> None:
    condition = _condition(incomplete=(False, False))
    labels = condition.draw(500)
    wrong = condition.mismatched(labels)
    assert (wrong != labels).any(dim=1).all()
    assert (wrong >= 0).all()
    assert (wrong < torch.tensor([3, 2])).all()


def test_the_description_of_a_data_set_hands_it_out() -> None:
    description = Description(size=64, kind="tags", attributes=(HAIR, EYES), incomplete=(True, False))
    assert description.condition == _condition(incomplete=(True, False))
    with pytest.raises(ValueError, match="a data set without labels has no condition"):
        _ = Description(size=64, kind="unlabeled").condition


def test_a_wrong_number_of_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="for each of 2 attributes, got 1"):
        _condition(incomplete=(True,))


def test_a_grid_goes_through_the_known_classes() -> None:
    grid = _condition().grid(8)  # "unknown", the last of eyes, is not drawn
    assert grid.shape == (3, 2)
    assert grid[:, 0].tolist() == [0, 1, 2]
    assert set(grid[:, 1].tolist()) == {0, 1}
    faces = Condition(attributes=FACE_ATTRIBUTES, incomplete=(False, False)).grid(8)
    assert faces.shape == (8, 2)
    assert len(set(faces[:, 0].tolist())) == len(set(faces[:, 1].tolist())) == 8


def test_a_description_survives_json() -> None:
    attributes = (*FACE_ATTRIBUTES, Attribute("Frisur", ("länger", "kurz")))
    description = Description(size=48, kind="table", attributes=attributes, incomplete=(True, False, True))
    assert Description.from_dict(description.to_dict()) == description
    counted = replace(description, pictures=7)
    assert counted.to_dict() == description.to_dict()  # settings hold the number beside it, as they always have
    assert Description.from_dict(counted.to_dict(), pictures=7) == counted
    assert description.classes == (12, 11, 2)
    assert "reads_labels" not in description.to_dict()  # as settings of earlier versions
    unread = replace(description, reads_labels=False)
    assert Description.from_dict(unread.to_dict()) == unread
