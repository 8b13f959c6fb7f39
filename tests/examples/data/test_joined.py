"""Joining data sets: attributes, texts and factors of all, the domain, the record, and what does not fit together."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    Dataset,
    Reading,
    folder_source,
    join_datasets,
    summarize,
    unlabeled_source,
    write_images,
    write_rendered,
)
from examples.anime_faces.data._joined import _common_factors, united_attributes
from examples.anime_faces.data.render import DISTRACTOR_TAGS, Knobs


@pytest.fixture(scope="module")
def alike_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 9 faces of 32x32 that are much alike."""
    folder = tmp_path_factory.mktemp("second") / "alike"
    write_rendered(folder, 9, 32, 3, Knobs(second_domain_share=1.0), workers=0)
    return folder


@pytest.fixture
def pets_folder(photos: Path, tmp_path: Path) -> Path:
    """The folder of 5 pictures of 32x32 of two classes, of which the faces have none."""
    for path in sorted(photos.iterdir()):
        place = photos / ("cat" if path.suffix == ".jpg" else "dog")
        place.mkdir(exist_ok=True)
        path.rename(place / path.name)
    return write_images(tmp_path / "pets", folder_source(photos), Reading(size=32), workers=0).path


def columns(dataset: Dataset, name: str) -> np.ndarray:
    """The labels of one attribute."""
    ends = np.cumsum([len(one.classes) for one in dataset.attributes])
    (index,) = [index for index, one in enumerate(dataset.attributes) if one.name == name]
    return dataset.labels[:, ends[index] - len(dataset.attributes[index].classes) : ends[index]]


def test_pictures_labels_and_factors_follow_each_other(
    faces: Dataset, alike_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.data._joined._PICTURES_AT_ONCE", 32)
    seen: list[tuple[int, int, int]] = []

    def watch(done: int, total: int, images: np.ndarray) -> None:
        seen.append((done, total, len(images)))

    alike = Dataset.open(alike_folder)
    joined = join_datasets(tmp_path / "joined", [faces.path, alike_folder], watch=watch)
    assert seen == [(32, 79, 32), (64, 79, 32), (70, 79, 6), (79, 79, 9)]
    joined.verify()
    assert np.array_equal(joined.images, np.concatenate([faces.images, alike.images]))
    assert joined.attributes == (*FACE_ATTRIBUTES, Attribute("domain", ("faces", "alike")))
    assert np.array_equal(joined.labels[:, :23], np.concatenate([faces.labels, alike.labels]))
    assert joined.class_ids()[:, 2].tolist() == [0] * 70 + [1] * 9
    assert joined.factors.keys() == faces.factors.keys()
    for name, values in joined.factors.items():
        assert np.array_equal(values, np.concatenate([faces.factors[name], alike.factors[name]]))
    assert joined.own_texts is None  # texts are made of the labels, as those of the parts are
    assert joined.texts() == [
        *(f"{text} faces" for text in faces.texts()),
        *(f"{text} alike" for text in alike.texts()),
    ]


def test_the_record_names_the_parts_and_their_checksums(faces: Dataset, alike_folder: Path, tmp_path: Path) -> None:
    alike = Dataset.open(alike_folder)
    joined = join_datasets(tmp_path / "joined", [alike_folder, faces.path], domains=["few", " many  faces "])
    assert joined.kind == "joined"
    first, second = joined.info["sources"]
    assert first == {
        "folder": str(alike_folder.resolve()),
        "domain": "few",
        "kind": "rendered",
        "pictures": 9,
        "fingerprint": alike.fingerprint,
        "sha256": alike.info["sha256"],
    }
    assert (second["domain"], second["pictures"], second["fingerprint"]) == ("many faces", 70, faces.fingerprint)
    assert joined.attributes[2] == Attribute("domain", ("few", "many faces"))
    said = summarize(joined)
    assert f"79 pictures of 32 x 32 pixels, joined: 9 of {alike_folder.resolve()}, 70 of" in said
    assert "domain: few 9, many faces 70" in said


def test_an_attribute_that_a_part_lacks_is_unknown_there(faces: Dataset, pets_folder: Path, tmp_path: Path) -> None:
    pets = Dataset.open(pets_folder)
    joined = join_datasets(tmp_path / "joined", [pets_folder, faces.path])
    names = ["class", "hair", "eyes", "domain"]
    assert [one.name for one in joined.attributes] == names
    ids = joined.class_ids()
    assert np.array_equal(ids[:5], np.c_[pets.class_ids(), np.full((5, 2), -1), np.zeros(5, np.int64)])
    assert np.array_equal(ids[5:], np.c_[np.full(70, -1), faces.class_ids(), np.ones(70, np.int64)])
    assert not joined.factors
    assert joined.texts()[0] == "cat pets"


def test_classes_of_one_attribute_are_united_by_name(tagged_folder: Path, faces: Dataset, tmp_path: Path) -> None:
    tagged = Dataset.open(tagged_folder)
    assert tagged.attributes[0].classes != FACE_ATTRIBUTES[0].classes
    joined = join_datasets(tmp_path / "joined", [tagged_folder, faces.path])
    assert joined.attributes[:2] == FACE_ATTRIBUTES
    hair, own = columns(joined, "hair"), columns(tagged, "hair")
    for class_name, column in zip(tagged.attributes[0].classes, own.T, strict=True):
        assert np.array_equal(hair[:60, FACE_ATTRIBUTES[0].classes.index(class_name)], column)
    assert hair[:60].sum() == own.sum()
    assert np.array_equal(hair[60:], columns(faces, "hair"))


def test_united_attributes_keep_colors_in_their_order_and_other_classes_as_they_come() -> None:
    united = united_attributes(
        [
            [Attribute("eyes", ("red", "gray")), Attribute("hat", ("b", "a"))],
            [Attribute("hat", ("c", "b")), Attribute("eyes", ("black",)), Attribute("hair", ("black", "bald"))],
            [Attribute("hair", ("white",))],
        ]
    )
    assert united == (
        Attribute("eyes", ("gray", "black", "red")),
        Attribute("hat", ("b", "a", "c")),
        Attribute("hair", ("black", "bald", "white")),
    )


def test_texts_are_joined_and_end_with_the_domain(tagged_folder: Path, faces: Dataset, tmp_path: Path) -> None:
    tagged = Dataset.open(tagged_folder)
    joined = join_datasets(tmp_path / "joined", [tagged_folder, faces.path], domains=["tags", "drawn"])
    texts = joined.texts()
    assert texts[7] == "tags"  # the line of 7.png has no letter: it has no text
    assert texts[:7] == [f"{text} tags" for text in tagged.texts()[:7]]
    assert texts[60:] == [f"{text} drawn" for text in faces.texts()]
    plain = join_datasets(tmp_path / "plain", [tagged_folder, faces.path], labeled=False)
    assert plain.texts() == [*tagged.texts(), *faces.texts()]


def test_extra_tags_are_kept_as_factors_or_as_texts(faces: Dataset, pets_folder: Path, tmp_path: Path) -> None:
    tagged = write_rendered(tmp_path / "tagged", 5, 32, 1, Knobs(distractor_tags=(1, 2)), workers=0)
    both = join_datasets(tmp_path / "both", [faces.path, tagged.path])
    assert both.own_texts is None
    assert both.factors["extra_tags"][70:].any()
    assert all(set(text.split()) > {"tagged", "hair", "eyes"} for text in both.texts()[70:])
    other = join_datasets(tmp_path / "other", [pets_folder, tagged.path])
    assert "extra_tags" not in other.factors
    assert other.own_texts is not None
    assert other.texts()[5:] == [f"{text} tagged" for text in tagged.texts()]
    assert any(tag in " ".join(other.texts()) for tag in DISTRACTOR_TAGS)


def test_without_the_label_nothing_says_which_set_a_picture_is_of(
    faces: Dataset, alike_folder: Path, tmp_path: Path
) -> None:
    joined = join_datasets(tmp_path / "joined", [faces.path, alike_folder], labeled=False)
    assert joined.attributes == FACE_ATTRIBUTES
    assert len(joined) == 79
    again = join_datasets(tmp_path / "again", [joined.path, write_rendered(tmp_path / "c", 2, 32, 9, workers=0).path])
    assert again.attributes[2].classes == ("joined", "c")
    assert again.labels.shape == (81, 25)


def test_pictures_without_labels_have_the_domain_alone(photos: Path, tmp_path: Path, smooth) -> None:
    first = write_images(tmp_path / "first", unlabeled_source(photos), Reading(size=32), workers=0)
    smooth(7).save(photos / "more.png")
    second = write_images(tmp_path / "second", unlabeled_source(photos), Reading(size=32), workers=0)
    joined = join_datasets(tmp_path / "joined", [first.path, second.path])
    assert joined.attributes == (Attribute("domain", ("first", "second")),)
    assert joined.labels.sum(axis=0).tolist() == [5, 6]


def test_repeating_changes_nothing_and_other_parts_are_refused(
    faces: Dataset, alike_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "joined"
    first = join_datasets(out, [faces.path, alike_folder])
    stamp = (out / "dataset.json").stat().st_mtime_ns
    moved = tmp_path / "elsewhere" / "alike"
    moved.parent.mkdir()
    alike_folder.rename(moved)  # the same data set in another place
    try:
        assert join_datasets(out, [faces.path, moved]).fingerprint == first.fingerprint
        assert (out / "dataset.json").stat().st_mtime_ns == stamp
        assert "nothing to do" in capsys.readouterr().out
        with pytest.raises(ValueError, match="contains a data set made with other settings"):
            join_datasets(out, [moved, faces.path])
        with pytest.raises(ValueError, match="contains a data set made with other settings"):
            join_datasets(out, [faces.path, moved], labeled=False)
        assert join_datasets(out, [moved, faces.path], overwrite=True).fingerprint != first.fingerprint
    finally:
        moved.rename(alike_folder)


def test_a_part_that_was_changed_is_refused(faces: Dataset, tmp_path: Path) -> None:
    changed = write_rendered(tmp_path / "changed", 3, 32, workers=0).path
    pixels = bytearray((changed / "images.npy").read_bytes())
    pixels[-9] ^= 1
    (changed / "images.npy").write_bytes(pixels)
    with pytest.raises(ValueError, match="changed is damaged, prepare it again with --overwrite: images has changed"):
        join_datasets(tmp_path / "joined", [faces.path, changed])
    assert [path.name for path in tmp_path.iterdir()] == ["changed"]


def test_what_does_not_fit_together_is_refused(faces: Dataset, alike_folder: Path, tmp_path: Path) -> None:
    large = write_rendered(tmp_path / "large", 2, 48, workers=0).path
    same_name = write_rendered(tmp_path / "Faces", 2, 32, workers=0).path
    joined = join_datasets(tmp_path / "joined", [faces.path, alike_folder]).path
    both = [faces.path, alike_folder]
    mistakes: list[tuple[list[Path], dict[str, Any], str]] = [
        ([faces.path], {}, "--join must name two data sets or more, but it names 1"),
        ([*both, faces.path], {}, "--join must name each data set once"),
        ([faces.path, large], {}, r"data sets of one size, but .*faces has pictures of 32 pixels and .*large of 48"),
        ([faces.path, tmp_path / "nowhere"], {}, "no data set in"),
        (both, {"domains": ["a"]}, "--domains must have one name for each of the 2 data sets, but it has 1"),
        (both, {"domains": ["a", " "]}, "--domains must have no empty name, got 'a', ''"),
        (both, {"domains": ["a", "a"]}, "different names, but 'a' and 'a' are alike"),
        (both, {"domains": ["a", "A"]}, "different names, but 'a' and 'A' are alike"),
        (both, {"domains": ["a", "b"], "labeled": False}, "--domains must not be given with --no-domain-label"),
        ([faces.path, same_name], {}, "different names, but 'faces' and 'Faces' are alike"),
        ([joined, same_name], {}, "joined has an attribute 'domain' already"),
    ]
    for folders, more, words in mistakes:
        with pytest.raises(ValueError, match=words):
            join_datasets(tmp_path / "out", folders, **more)
    with pytest.raises(ValueError, match="--out must not be one of the data sets that are joined"):
        join_datasets(faces.path, both, overwrite=True)
    assert len(Dataset.open(faces.path)) == 70
    assert not (tmp_path / "out").exists()


def test_dataset_json_is_plain(faces: Dataset, alike_folder: Path, tmp_path: Path) -> None:
    joined = join_datasets(tmp_path / "joined", [faces.path, alike_folder])
    info = json.loads((joined.path / "dataset.json").read_text(encoding="utf-8"))
    assert info["counts"] == {"found": 79, "used": 79, "skipped": 0}
    assert info["attributes"][2] == {"name": "domain", "classes": ["faces", "alike"]}


def _with_factors(tags: list[str], **factors: np.ndarray) -> Any:
    return SimpleNamespace(factors=factors, info={"extra_tags": tags})


def test_factors_are_kept_where_all_sets_have_them_in_one_form() -> None:
    plain = {"yaw": np.zeros(3), "pose": np.zeros((3, 2)), "extra_tags": np.zeros((3, 1), np.uint8)}
    first = _with_factors(["a"], **plain)
    assert _common_factors([first]) == ["yaw", "pose", "extra_tags"]
    longer = {name: np.concatenate([values, values]) for name, values in plain.items()}
    assert _common_factors([first, _with_factors(["a"], **longer, more=np.zeros(6))]) == ["yaw", "pose", "extra_tags"]
    assert _common_factors([first, _with_factors(["b"], **longer)]) == ["yaw", "pose"]
    assert _common_factors([first, _with_factors(["a"], yaw=np.zeros(2))]) == ["yaw"]
    for yaw in (np.zeros(3, np.float32), np.zeros((3, 1))):
        assert _common_factors([first, _with_factors(["a"], **{**plain, "yaw": yaw})]) == ["pose", "extra_tags"]
