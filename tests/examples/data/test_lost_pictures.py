"""Warnings where many pictures did not get into a data set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.anime_faces.data import Attribute, Dataset, losses_in_words
from examples.anime_faces.data._lost_pictures import nothing_used


def dataset(reasons: dict[str, int], *, kept: int = 100, unknown: int = 0, **info: Any) -> Dataset:
    labels = np.zeros((kept, 2), dtype=np.uint8)
    labels[unknown:, 1] = 1
    return Dataset(
        path=Path(),
        images=np.zeros((kept, 4, 4, 3), dtype=np.uint8),
        labels=labels,
        attributes=(Attribute("coat", ("long", "short")),),
        kind="table",
        factors={},
        skipped=(),
        info={"skipped_by_reason": reasons, **info},
    )


@pytest.mark.parametrize(("left_out", "is_said"), [(0, False), (33, False), (34, True), (4800, True)])
def test_a_quarter_left_out_is_said(left_out: int, is_said: bool) -> None:
    said = losses_in_words(dataset({"damaged or cut off": left_out}))
    assert bool(said) == is_said
    if is_said:
        assert f"only 100 of {100 + left_out} pictures" in said[0]
        assert f"{left_out}: damaged or cut off. Each" in said[0]


def test_reasons_come_with_advice_and_the_most_frequent_first() -> None:
    reasons = {
        "an empty file": 3,
        "no line in the tag file": 70,
        "a side shorter than 16 pixels": 20,
        "damaged or cut off": 2,
    }
    (said,) = losses_in_words(dataset(reasons))
    assert "Of the others, 70: no line in the tag file (are the ids in --tags" in said
    assert "20: a side shorter than 16 pixels (with a smaller --least-side they are used)" in said
    assert "3: an empty file; 2: other reasons" in said


def test_what_was_asked_for_or_is_no_picture_does_not_count() -> None:
    reasons = {"not of the classes of --only": 900, "not a picture": 900, "made by the operating system": 900}
    assert losses_in_words(dataset(reasons)) == []


def test_an_attribute_that_few_pictures_have_is_said() -> None:
    assert losses_in_words(dataset({}, unknown=24)) == []
    (said,) = losses_in_words(dataset({}, unknown=98))
    assert said.startswith("only 2 of 100 pictures (2%) have a class of coat;")


def test_joined_data_sets_say_nothing() -> None:
    assert losses_in_words(dataset({}, unknown=98, sources=[])) == []


def test_of_a_table_that_names_no_picture_only_pictures_are_counted() -> None:
    reasons = {"no line in the table of labels": 404, "no such file": 3, "not a picture": 1}
    said = nothing_used(Path("pics"), reasons)
    assert said.startswith(
        "not one of the 404 pictures in pics could be used: 404 x no line in the table of labels (are "
    )
    assert "with subfolders and endings?" in said
    assert "no such file" not in said
    assert (
        nothing_used(Path("pics"), {"not a picture": 1}) == "the only file in pics could not be used: 1 x not a picture"
    )
