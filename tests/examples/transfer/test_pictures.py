"""Pictures to change: any size and kind of file, data sets of other sizes, and tables of labels."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.data import Attribute, Dataset, Fit, ParseError, Reading
from examples.anime_faces.recipes.stargan.vector import target_vector
from examples.anime_faces.transfer import read_given

VECTOR = target_vector((Attribute("hair", ("black", "blonde", "brown")), Attribute("glasses", ("no", "yes"))))
READING = Reading(size=16)


def test_files_of_any_size_become_squares_of_the_right_one(photos: Path) -> None:
    Image.new("RGB", (300, 20), (10, 200, 30)).save(photos / "5.png")
    (photos / "6.jpg").write_text("not a picture")
    given = read_given(photos, VECTOR, READING, most=12)
    assert given.names == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.png", "10.png"]
    assert given.images.shape == (6, 16, 16, 3)
    assert given.images.dtype == np.uint8
    assert (given.images[4] == (10, 200, 30)).all()
    assert (given.numbers == -1).all()
    (note,) = given.notes
    assert note.startswith("files that cannot be used: 6.jpg (")
    padded = read_given(photos, VECTOR, Reading(size=16, fit=Fit.PAD), most=12)
    assert (padded.images[4, 0] == 255).all()


def test_only_the_first_pictures_are_read(photos: Path) -> None:
    given = read_given(photos, VECTOR, READING, most=2)
    assert given.names == ["1.jpg", "2.jpg"]
    assert given.notes == [f"{photos} has 5 files: --n shows more of them"]
    assert read_given(photos, VECTOR, READING, most=5).notes == []


def test_a_table_says_what_pictures_have(photos: Path) -> None:
    table = photos / "labels.csv"
    table.write_text("file,Glasses,hair\n1.jpg,1,black\n2.jpg,-1,green\n3.jpg,,brown\n")
    given = read_given(photos, VECTOR, READING, most=4, labels=table)
    assert given.names == ["1.jpg", "2.jpg", "3.jpg", "4.jpg"]
    assert given.numbers.tolist() == [[1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 1, -1], [-1, -1, -1, -1]]


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        (
            "1.jpg,1,black\n2.jpg,maybe,black\n",
            3,
            "class 'maybe' of Glasses must be one of no, yes, or yes, no, 1, 0, -1",
        ),
        ("1.jpg,2,black\n2.jpg,7,black\n", 2, "class '2' of Glasses must be one of no, yes"),
        ("1.jpg,yes;7,black\n", 2, "class '7' of Glasses must be one of no, yes"),
    ],
)
def test_a_class_that_means_neither_yes_nor_no_is_refused_with_its_line(
    photos: Path, rows: str, line: int, message: str
) -> None:
    table = photos / "labels.csv"
    table.write_text(f"file,Glasses,hair\n{rows}")
    with pytest.raises(ParseError, match=rf"labels\.csv, line {line}: {re.escape(message)}"):
        read_given(photos, VECTOR, READING, most=4, labels=table)


def test_the_table_of_celeba_is_read(photos: Path) -> None:
    vector = target_vector([Attribute(name, ("no", "yes")) for name in ("Blond_Hair", "Male")])
    table = photos.parent / "list_attr_celeba.txt"
    table.write_text("2\nBald Male Blond_Hair\n1.jpg -1 1 -1\n2.jpg 1 -1 1\n")
    given = read_given(photos, vector, READING, most=2, labels=table)
    assert given.numbers.tolist() == [[0, 1], [1, 0]]


def test_a_data_set_has_labels_and_may_have_another_size(labeled: Dataset) -> None:
    given = read_given(labeled.path, VECTOR, READING, most=5)
    assert given.names == ["0", "1", "2", "3", "4"]
    assert given.images.shape == (5, 16, 16, 3)
    assert given.numbers[:, 3].tolist() == labeled.factors["glasses"][:5].tolist()
    assert given.numbers[:, :3].sum(dim=1).tolist() == [1, 1, 1, 1, 1]
    assert given.notes == [f"{labeled.path} has 20 files: --n shows more of them"]
    same = read_given(labeled.path, VECTOR, Reading(size=32), most=20)
    np.testing.assert_array_equal(same.images, labeled.images)


def test_mistakes(photos: Path, labeled_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,age\n1.jpg,old\n2.jpg,young\n")
    with pytest.raises(
        ValueError, match=r"--labels .*labels\.csv must have one of the attributes hair, glasses, but .* age"
    ):
        read_given(photos, VECTOR, READING, most=2, labels=table)
    with pytest.raises(
        ValueError, match=r"--labels is for a folder of pictures, but .* is a data set with labels of its own"
    ):
        read_given(labeled_folder, VECTOR, READING, most=2, labels=table)
    with pytest.raises(ValueError, match="there is no folder"):
        read_given(tmp_path / "nowhere", VECTOR, READING, most=2)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"--images .*empty has no picture that can be used$"):
        read_given(tmp_path / "empty", VECTOR, READING, most=2)
    (tmp_path / "empty" / "a.txt").write_text("words")
    with pytest.raises(ValueError, match=r"has no picture that can be used; not a\.txt \("):
        read_given(tmp_path / "empty", VECTOR, READING, most=2)
