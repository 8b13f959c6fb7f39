"""What `check` finds in a data set."""

from pathlib import Path

import numpy as np

from examples.anime_faces.checkup import data_lines, findings_of_data
from examples.anime_faces.data import Attribute, Dataset


def dataset(images: np.ndarray, ids: list[int], classes: tuple[str, ...] = ("long", "short", "none")) -> Dataset:
    return Dataset(
        path=Path(),
        images=images,
        labels=np.eye(len(classes), dtype=np.uint8)[ids],
        attributes=(Attribute("coat", classes),),
        kind="table",
        factors={},
        skipped=(),
        info={"size": images.shape[1]},
    )


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 5, 5, 3), dtype=np.uint8)


def found(data: Dataset) -> list[str]:
    return [str(one) for one in findings_of_data(data, np.arange(len(data)))]


def test_a_good_data_set_has_no_findings() -> None:
    data = dataset(noise(600), [n % 3 for n in range(600)])
    assert found(data) == []
    assert list(data_lines(data, np.arange(0, 600, 2))) == [
        "300 of 600 pictures in use, 5x5 pixels",
        "coat: long 100, short 100, none 100",
    ]


def test_few_pictures_and_rare_missing_and_uneven_classes() -> None:
    (few,) = found(dataset(noise(99), [n % 3 for n in range(99)]))
    assert few.startswith("only 99 pictures in use: ")
    said = found(dataset(noise(600), [0] * 595 + [1] * 5))
    assert said[0].startswith("coat: no picture in use is none: they cannot be learned")
    assert said[1].startswith("coat: fewer than 20 pictures are short (5): ")
    (uneven,) = found(dataset(noise(1100), [0] * 1080 + [1] * 20, ("long", "short")))
    assert uneven.startswith("coat: the most frequent class has 54 times as many pictures as the rarest")


def test_copies_and_pictures_of_one_color() -> None:
    images = noise(600)
    images[7], images[400], images[401] = 90, images[3], images[5]
    said = found(dataset(images, [n % 3 for n in range(600)]))
    assert said[0].startswith("1 of 600 pictures that were looked at are of one color (rows 7): remove")
    assert said[1].startswith("2 of 600 pictures that were looked at are copies of others (rows 3 and 400, 5 and 401)")
    images[:] = 17
    last = list(findings_of_data(dataset(images, [n % 3 for n in range(600)]), np.arange(600)))
    assert [one.is_problem for one in last] == [True, False]
