"""Choosing classes: of the user's own pictures and of rendered faces."""

from pathlib import Path

import numpy as np
import pytest

from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    Dataset,
    Reading,
    only_chosen,
    table_source,
    unlabeled_source,
    write_images,
    write_rendered,
)
from examples.anime_faces.data._only import NOT_CHOSEN, ChosenClasses
from examples.anime_faces.data.render import Knobs

NATURAL = "black hair, brown hair, blonde hair"
TABLE = """file,coat,mood
1.jpg,long,calm
2.jpg,short,
3.jpg,long;soft,calm
4.jpg,,wild
10.png,soft,wild
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    ("words", "names", "classes"),
    [
        ("long, soft", ["1.jpg", "3.jpg", "10.png"], [("long", "soft"), ("calm", "wild")]),
        ("coat=long", ["1.jpg"], [("long",), ("calm",)]),
        ("long, soft, wild", ["10.png"], [("soft",), ("wild",)]),
        ("calm wild", ["1.jpg", "3.jpg", "4.jpg", "10.png"], [("long", "soft"), ("calm", "wild")]),
    ],
)
def test_pictures_of_other_classes_are_left_out(
    photos: Path, table: Path, words: str, names: list[str], classes: list[tuple[str, ...]]
) -> None:
    source = table_source(photos, table)
    chosen = only_chosen(source, words)
    assert [one.name for one in chosen.pictures] == names
    dataset = write_images(table.parent / "out", chosen, Reading(size=16), workers=0)
    assert [one.classes for one in dataset.attributes] == classes
    assert len(dataset) == len(names)
    assert {entry["file"]: entry["reason"] for entry in dataset.skipped} == dict.fromkeys(
        {one.name for one in source.pictures} - set(names), NOT_CHOSEN
    )
    every = write_images(table.parent / "every", source, Reading(size=16), workers=0)
    rows = [index for index, one in enumerate(source.pictures) if one.name in names]
    assert np.array_equal(dataset.images, every.images[rows])
    assert dataset.texts() == [every.texts()[row] for row in rows]  # which name all their classes


def test_the_data_set_says_which_classes_were_chosen(photos: Path, table: Path, tmp_path: Path) -> None:
    source = table_source(photos, table)
    write_images(tmp_path / "out", only_chosen(source, "long, soft"), Reading(size=16), workers=0)
    assert Dataset.open(tmp_path / "out").info["settings"]["only"] == "long, soft"
    with pytest.raises(ValueError, match="only was long, soft and is now long"):
        write_images(tmp_path / "out", only_chosen(source, "long"), Reading(size=16), workers=0)


def test_unknown_classes_and_pictures_without_labels_are_refused(photos: Path, table: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--only: 'curly' is not known"):
        only_chosen(table_source(photos, table), "long, curly")
    with pytest.raises(ValueError, match=r"--only must be given for pictures with labels, but those in .* have none"):
        only_chosen(unlabeled_source(photos), "long")
    with pytest.raises(ValueError, match=f"not one of the 5 (files|pictures) in .* could be used: 5 x {NOT_CHOSEN}"):
        write_images(tmp_path / "out", only_chosen(table_source(photos, table), "short, wild"), workers=0)


def test_other_faces_are_not_rendered_and_the_rest_of_a_face_stays(tmp_path: Path) -> None:
    plain = write_rendered(tmp_path / "plain", 40, 32, 5, workers=0)
    chosen = write_rendered(tmp_path / "chosen", 40, 32, 5, only=f"{NATURAL}, red eyes, blue eyes", workers=0)
    assert chosen.kind == "rendered"
    assert chosen.attributes == (
        Attribute("hair", ("black", "brown", "blonde")),
        Attribute("eyes", ("red", "blue")),
    )
    ids = chosen.class_ids()
    assert {tuple(row) for row in ids.tolist()} == {(hair, eyes) for hair in range(3) for eyes in range(2)}
    for column, attribute in enumerate(FACE_ATTRIBUTES):
        own = [attribute.classes.index(name) for name in chosen.attributes[column].classes]
        assert chosen.factors[attribute.name].tolist() == [own[one] for one in ids[:, column]]
    for name in set(plain.factors) - {"hair", "eyes"}:
        assert np.array_equal(chosen.factors[name], plain.factors[name])
    assert chosen.texts()[0].split()[1::2] == ["hair", "eyes"]


def test_one_attribute_may_be_chosen_alone_beside_other_labels(tmp_path: Path) -> None:
    knobs = Knobs(glasses_rate=0.5, ribbon_rate=0.0)
    chosen = write_rendered(tmp_path / "a", 30, 32, knobs=knobs, only=NATURAL, binary_labels=True, workers=0)
    assert [(one.name, len(one.classes)) for one in chosen.attributes] == [("hair", 3), ("eyes", 11), ("glasses", 2)]
    assert np.array_equal(chosen.class_ids()[:, 2], chosen.factors["glasses"])
    assert (chosen.labels.sum(axis=1) == 3).all()
    assert chosen.info["settings"]["only"] == NATURAL


def test_shares_of_chosen_colors_are_those_of_the_knobs(tmp_path: Path) -> None:
    weights = tuple(float(index == 9) + 0.001 for index in range(12))
    chosen = write_rendered(tmp_path / "a", 40, 32, knobs=Knobs(hair_weights=weights), only=NATURAL, workers=0)
    assert (chosen.factors["hair"] == 9).mean() > 0.9


def test_colors_that_knobs_withhold_are_not_drawn_or_refused(tmp_path: Path) -> None:
    withheld = tuple((9, eyes) for eyes in range(10))
    chosen = write_rendered(tmp_path / "a", 9, 32, knobs=Knobs(withheld_pairs=withheld), only="black hair", workers=0)
    assert set(chosen.factors["eyes"].tolist()) == {10}
    every = tuple((9, eyes) for eyes in range(11))
    with pytest.raises(ValueError, match="--only must leave a pair of colors that is not withheld, got 'black hair'"):
        write_rendered(tmp_path / "b", 9, 32, knobs=Knobs(withheld_pairs=every), only="black hair", workers=0)
    with pytest.raises(ValueError, match="--only: 'glasses=yes' is not known"):
        write_rendered(tmp_path / "b", 9, 32, only="glasses=yes", workers=0)


def test_an_attribute_without_a_class_fits_nothing() -> None:
    chosen = ChosenClasses((Attribute("a", ("x", "y")), Attribute("b", ("z", "w"))), "x, y")
    assert chosen.fits({0})
    assert chosen.fits({0, 1, 2})
    assert not chosen.fits({2})
    assert not chosen.fits(set())
