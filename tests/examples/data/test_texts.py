"""The text of a picture: from a tag file, or in the words of its labels."""

import json
import shutil

import numpy as np
import pytest

from examples.anime_faces.data import (
    Dataset,
    Reading,
    folder_source,
    summarize,
    tag_source,
    text_of_tags,
    unlabeled_source,
    varied_texts,
    write_images,
    write_rendered,
)
from examples.anime_faces.data.render import DISTRACTOR_TAGS, Knobs

READING = Reading(size=8)
TAGS = (
    "1,touhou:17697\tonozuka komachi:224\tshikieiki yamaxanadu:217\t\n"
    "2,original:25774\tblonde hair:25457\tkiso (kancolle) :9\tpink eyes:3896\t11 eyes:12\t\n"
    "3,77:186\t\n"
    "4,a:b:7\tre:zero:3\n"
)


@pytest.fixture
def tagged(photos, tmp_path) -> Dataset:
    (tmp_path / "tags.csv").write_text(TAGS, encoding="utf-8")
    return write_images(tmp_path / "out", tag_source(photos, tmp_path / "tags.csv"), READING, workers=0)


def test_all_tags_are_kept_without_colons_and_digits(tagged):
    texts = [
        "touhou onozuka komachi shikieiki yamaxanadu",
        "original blonde hair kiso (kancolle) pink eyes eyes",
        "",
        "ab rezero",
    ]
    assert tagged.texts() == texts
    assert (tagged.path / "texts.txt").read_text(encoding="utf-8") == "".join(f"{text}\n" for text in texts)
    assert tagged.texts(all_tags=False) == ["", "blonde hair pink eyes", "", ""]
    assert "3 pictures have a text of all their tags; 3 texts differ" in summarize(tagged)
    tagged.verify()


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        ((), ""),
        (("Red  Hair ", " a\u2028b", "x\x0by"), "Red Hair a b x y"),
        (("x:1:2", "٣ eyes"), "x eyes"),
        (("e\u0301",), "\u00e9"),
    ],
)
def test_a_text_is_one_clean_line(tags, text):
    assert text_of_tags(tags) == text


def test_neither_the_order_nor_the_number_of_lines_changes_a_text(photos, tmp_path):
    lines = ["1,blue hair:1\tcat:2\t", "2,dog:1\t", "1,red eyes:2\tcat:5\t"]
    found = []
    for number, order in enumerate([(0, 1, 2), (2, 1, 0)]):
        (tmp_path / "tags.csv").write_text("\n".join(lines[k] for k in order))
        source = tag_source(photos, tmp_path / "tags.csv")
        found.append(write_images(tmp_path / f"out{number}", source, READING, workers=0))
    assert found[0].texts() == found[1].texts() == ["blue hair cat red eyes", "dog"]
    assert found[0].fingerprint == found[1].fingerprint


def test_texts_are_in_the_fingerprint(photos, tmp_path, tagged):
    changed = tmp_path / "other.csv"
    changed.write_text(TAGS.replace("komachi", "komachl"), encoding="utf-8")
    other = write_images(tmp_path / "other", tag_source(photos, changed), READING, workers=0)
    assert other.fingerprint != tagged.fingerprint
    np.testing.assert_array_equal(other.labels, tagged.labels)
    path = tagged.path / "texts.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("komachi", "komachl"), encoding="utf-8")
    with pytest.raises(
        ValueError, match="damaged, prepare it again with --overwrite: texts has changed since it was written"
    ):
        Dataset.open(tagged.path).verify()


def test_a_changed_tag_is_seen_by_the_same_command(photos, tmp_path, tagged):
    (tmp_path / "tags.csv").write_text(TAGS.replace("komachi", "komachl"), encoding="utf-8")
    with pytest.raises(ValueError, match="the pictures or labels, or their dates, have changed"):
        write_images(tmp_path / "out", tag_source(photos, tmp_path / "tags.csv"), READING, workers=0)


@pytest.mark.parametrize("damage", ["missing", "cut", "a line less"])
def test_damaged_texts_are_refused(tagged, damage):
    path = tagged.path / "texts.txt"
    whole = path.read_text(encoding="utf-8")
    if damage == "missing":
        path.unlink()
    else:
        path.write_text(whole[:-3] if damage == "cut" else "".join(whole.splitlines(keepends=True)[1:]), "utf-8")
    with pytest.raises(ValueError, match="damaged, prepare it again with --overwrite"):
        Dataset.open(tagged.path)


def test_a_data_set_from_before_there_were_texts_is_read(tagged, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(tagged.path, old)
    (old / "texts.txt").unlink()
    info = json.loads((old / "dataset.json").read_text())
    del info["sha256"]["texts"]
    del info["settings"]["texts"], info["seal"]
    (old / "dataset.json").write_text(json.dumps(info))
    assert Dataset.open(old).texts() == ["", "blonde hair pink eyes", "", ""]
    with pytest.raises(ValueError, match="texts was not there and is now all tags"):
        write_images(old, tag_source(tmp_path / "photos", tmp_path / "tags.csv"), READING, workers=0)


def test_labels_make_texts_where_there_is_nothing_else(faces, photos, tmp_path):
    hair, eyes = (attribute.classes for attribute in faces.attributes)
    assert faces.own_texts is None
    assert faces.texts() == [f"{hair[h]} hair {eyes[e]} eyes" for h, e in faces.class_ids().tolist()]
    plain = write_images(tmp_path / "plain", unlabeled_source(photos), READING, workers=0)
    assert plain.texts() == [""] * 5
    assert not (plain.path / "texts.txt").exists()
    (photos / "sea lion").mkdir()
    for path in photos.glob("*.*"):
        path.rename(photos / "sea lion" / path.name)
    classes = write_images(tmp_path / "classes", folder_source(photos), READING, workers=0)
    assert classes.texts() == ["sea lion"] * 5


def test_extra_tags_of_rendered_faces_follow_their_colors(tmp_path):
    faces = write_rendered(tmp_path / "faces", 6, 32, knobs=Knobs(distractor_tags=(2, 4)), workers=0)
    for text, plain, flags in zip(faces.texts(), faces.texts(all_tags=False), faces.factors["extra_tags"], strict=True):
        extra = [tag for tag, flag in zip(DISTRACTOR_TAGS, flags, strict=True) if flag]
        assert 2 <= len(extra) <= 4
        assert text == f"{plain} {' '.join(extra)}"


def test_varied_texts_share_few_words():
    texts = [
        "red hair red eyes",
        "red hair blue eyes",
        "red hair red eyes",
        "blue hair pink eyes",
        "pink hair red eyes",
    ]
    assert varied_texts(texts, 1) == ("red hair red eyes",)
    assert varied_texts(texts, 2) == ("red hair red eyes", "blue hair pink eyes")
    assert sorted(varied_texts(texts, 9)) == sorted(set(texts))
    assert varied_texts([], 3) == ()
    many = [f"word{number}" for number in range(300)]
    assert varied_texts(["a", *many, "z"], 500) == ("a", *many[:199])
