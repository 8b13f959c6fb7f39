"""Folders of pictures, without labels or with a class for each subfolder."""

import pytest

from examples.anime_faces.data import (
    Attribute,
    Dataset,
    Reading,
    folder_source,
    summarize,
    unlabeled_source,
    write_images,
)


def write(out, source) -> Dataset:
    return write_images(out, source, Reading(size=16, least_side=4), workers=0)


def reasons(dataset: Dataset) -> dict[str, str]:
    return {entry["file"]: entry["reason"] for entry in dataset.skipped}


def test_subfolders_are_classes(tmp_path, smooth):
    root = tmp_path / "zoo"
    for seed, name in enumerate(["dog/1.jpg", "dog/deep/2.jpg", "black cat/1.jpg", "10/a.png", "9/a.png"]):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        smooth(seed).save(root / name)
    (root / "README.md").write_text("about")
    (root / "empty").mkdir()
    dataset = write(tmp_path / "out", folder_source(root))
    assert dataset.kind == "classes"
    assert dataset.attributes == (Attribute("class", ("9", "10", "black cat", "dog")),)
    assert dataset.class_ids().ravel().tolist() == [0, 1, 2, 3, 3]
    assert reasons(dataset) == {"README.md": "in the folder of no class"}
    assert "class: 9 1, 10 1, black cat 1, dog 2" in summarize(dataset)


def test_decomposed_folder_names_make_one_class(tmp_path, smooth):
    for name in ("caf\u00e9", "cafe\u0301"):
        (tmp_path / "in" / name).mkdir(parents=True)
        smooth().save(tmp_path / "in" / name / "1.png")
    assert folder_source(tmp_path / "in").attributes == (Attribute("class", ("caf\u00e9",)),)


def test_pictures_beside_class_folders_are_a_question_to_the_user(photos, tmp_path, smooth):
    (photos / "dog").mkdir()
    smooth(9).save(photos / "dog" / "1.jpg")
    with pytest.raises(ValueError, match="--unlabeled"):
        folder_source(photos)
    assert len(write(tmp_path / "out", unlabeled_source(photos))) == 6


@pytest.mark.parametrize("make", [unlabeled_source, folder_source])
def test_a_missing_folder_is_named(tmp_path, make):
    with pytest.raises(ValueError, match=f"there is no folder {tmp_path}/none"):
        make(tmp_path / "none")
