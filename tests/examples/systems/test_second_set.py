"""A second data set: its pictures follow the first ones, with the tags that are known, and a number for the set."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from examples.anime_faces.data import Dataset, write_rendered
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.systems import AnyPicture, AnyPictureOfTwo, AnyTag, Description, WithSecondSet

TAGS = 23


@pytest.fixture(scope="module")
def alike_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 9 faces of 32x32 that are much alike."""
    folder = tmp_path_factory.mktemp("second") / "alike"
    write_rendered(folder, 9, 32, 3, Knobs(second_domain_share=1.0), workers=0)
    return folder


def test_the_same_set_twice_is_refused(faces: Dataset) -> None:
    for conditioning in (AnyPictureOfTwo(str(faces.path)), WithSecondSet(str(faces.path))):
        with pytest.raises(ValueError, match=r"--extra must be another data set than --data"):
            conditioning.select(faces)


def test_without_a_second_set_it_reads_tags_as_always(faces: Dataset) -> None:
    found, expected = WithSecondSet().select(faces), AnyTag().select(faces)
    assert found.second is None
    assert found.description == expected.description
    assert found.conditions is not None
    assert expected.conditions is not None
    assert np.array_equal(found.conditions, expected.conditions)
    ids = torch.tensor([[1, 2]])
    assert torch.equal(asked(WithSecondSet(), ids, found.description), asked(AnyTag(), ids, found.description))


def asked(conditioning: AnyTag, ids: torch.Tensor, description: Description) -> torch.Tensor:
    tags = conditioning.encode(ids, description)
    assert tags is not None
    return tags


def test_with_labels_a_number_says_which_set_a_picture_is_of(faces: Dataset, alike_folder: Path) -> None:
    alike = Dataset.open(alike_folder)
    conditioning = WithSecondSet(str(alike_folder))
    selection = conditioning.select(faces)
    assert selection.rows.tolist() == list(range(79))
    assert selection.second is not None
    assert np.array_equal(selection.second.images, alike.images)
    assert selection.conditions is not None
    assert selection.conditions.dtype == np.float32
    assert np.array_equal(selection.conditions[:70], np.c_[faces.labels, np.zeros(70)])
    assert np.array_equal(selection.conditions[70:], np.c_[alike.labels, np.ones(9)])
    assert (selection.description.pictures, selection.description.second) == (79, alike.fingerprint)
    tags = asked(conditioning, torch.tensor([[1, 2]]), selection.description)
    assert tags.nonzero()[:, 1].tolist() == [1, 14]
    assert tags.shape == (1, TAGS + 1)
    read = conditioning.read(["blue hair", "red eyes"], selection.description, torch.Generator())
    assert read is not None
    assert read[:, -1].tolist() == [0.0, 0.0]
    grid = conditioning.grid(selection.description, 3)
    assert grid.condition is not None
    assert grid.condition.shape == (3, TAGS + 1)


def test_without_labels_nothing_is_known_of_the_second_set(faces: Dataset, alike_folder: Path) -> None:
    conditioning = WithSecondSet(str(alike_folder), labeled=False)
    selection = conditioning.select(faces)
    assert selection.conditions is not None
    assert np.array_equal(selection.conditions[:70], faces.labels)
    assert np.array_equal(selection.conditions[70:], np.full((9, TAGS), -1))
    assert asked(conditioning, torch.tensor([[1, 2]]), selection.description).shape == (1, TAGS)


def test_classes_are_found_by_name_and_attributes_that_the_second_set_lacks_are_unknown(
    faces: Dataset, tagged_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagged = Dataset.open(tagged_folder)
    names = [(one.name, of_class) for one in faces.attributes for of_class in one.classes]
    own = [(one.name, of_class) for one in tagged.attributes for of_class in one.classes]
    assert own != names[: len(own)]
    hair = len(tagged.attributes[0].classes)
    without_eyes = replace(tagged, attributes=tagged.attributes[:1], labels=tagged.labels[:, :hair])
    for second, eyes in ((tagged, {0.0, 1.0}), (without_eyes, {-1.0})):
        monkeypatch.setattr(Dataset, "open", lambda path, second=second: second)
        selection = WithSecondSet("somewhere").select(faces)
        assert selection.conditions is not None
        assert set(np.unique(selection.conditions[70:, 12:TAGS]).tolist()) == eyes
        for row, labels in zip(selection.conditions[70:], second.labels, strict=True):
            expected = {name for name, one in zip(own, labels, strict=False) if one}
            assert {name for name, one in zip(names, row[:-1], strict=True) if one == 1} == expected
    assert np.array_equal(selection.conditions[:70, :-1], faces.labels)


def test_pictures_of_another_size_and_unknown_classes_are_refused(
    faces: Dataset, tagged_folder: Path, tmp_path: Path
) -> None:
    write_rendered(tmp_path / "large", 3, 48, workers=0)
    with pytest.raises(ValueError, match=r"--extra must have pictures of the size of --data, 32, but .*large has 48"):
        WithSecondSet(str(tmp_path / "large")).select(faces)
    with pytest.raises(ValueError, match="no data set in"):
        WithSecondSet(str(tmp_path / "nowhere")).select(faces)
    with pytest.raises(ValueError, match="has the class 'red' of 'hair', which is not known there"):
        WithSecondSet(str(faces.path)).select(Dataset.open(tagged_folder))


def test_the_settings_of_a_run_keep_the_second_set(faces: Dataset, alike_folder: Path) -> None:
    description = WithSecondSet(str(alike_folder)).select(faces).description
    plain = description.to_dict()
    assert plain["second"] == description.second
    assert Description.from_dict(plain, pictures=79) == description
    assert "second" not in AnyTag().select(faces).description.to_dict()


def test_a_recipe_without_labels_takes_the_pictures_of_both(faces: Dataset, alike_folder: Path) -> None:
    alike = Dataset.open(alike_folder)
    selection, plain = AnyPictureOfTwo(str(alike_folder)).select(faces), AnyPicture().select(faces)
    assert selection.rows.tolist() == list(range(79))
    assert selection.conditions is None
    assert selection.second is not None
    assert np.array_equal(selection.second.images, alike.images)
    assert selection.description == replace(plain.description, pictures=79, second=alike.fingerprint)
    assert not selection.description.reads_labels
    without = AnyPictureOfTwo().select(faces)
    assert without.second is None
    assert without.description == plain.description
    assert without.rows.tolist() == list(range(70))


def test_pictures_of_another_size_are_refused_without_labels_too(faces: Dataset, tmp_path: Path) -> None:
    write_rendered(tmp_path / "large", 3, 48, workers=0)
    with pytest.raises(ValueError, match=r"--extra must have pictures of the size of --data, 32, but .*large has 48"):
        AnyPictureOfTwo(str(tmp_path / "large")).select(faces)
