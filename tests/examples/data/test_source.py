"""Folders of pictures, without labels or with a class for each subfolder."""

import random
import re

import pytest

from examples.anime_faces.data import (
    Attribute,
    Dataset,
    Reading,
    folder_source,
    list_files,
    summarize,
    table_source,
    unlabeled_source,
    write_images,
)
from examples.anime_faces.data._source import natural_order


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


def folders(root, smooth, *names: str) -> None:
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        smooth(seed).save(root / name)


def test_a_folder_without_a_usable_picture_is_no_class(tmp_path, smooth):
    root = tmp_path / "in"
    folders(root, smooth, "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png", "tiny/1.png")
    smooth(0, (3, 3)).save(root / "tiny" / "1.png")
    for name, content in [("notes/read.txt", b"text"), ("broken/1.png", b"\x89PNG\r\n\x1a\n"), ("empty/1.png", b"")]:
        (root / name).parent.mkdir()
        (root / name).write_bytes(content)
    dataset = write(tmp_path / "out", folder_source(root))
    assert dataset.attributes == (Attribute("class", ("cat", "dog")),)
    assert dataset.labels.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    said = summarize(dataset)
    assert (
        "4 classes are left out, since no picture of them could be used: class broken, class empty, class notes" in said
    )


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX/cat/._1.png",
        "__MACOSX/cat/1.png",
        "@eaDir/1.png",
        ".ipynb_checkpoints/1.png",
        "Thumbs.db",
        "cat/._1.png",
    ],
)
def test_what_systems_leave_in_folders_is_no_picture_and_no_class(tmp_path, smooth, name):
    root = tmp_path / "in"
    folders(root, smooth, "cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    smooth().save(root / name, format="PNG")
    dataset = write(tmp_path / "out", folder_source(root))
    assert dataset.attributes == (Attribute("class", ("cat", "dog")),)
    assert len(dataset) == 4
    assert not any("left out" in note for note in dataset.info["notes"])


def test_classes_of_a_table_without_a_usable_picture_are_left_out(tmp_path, smooth):
    root = tmp_path / "in"
    folders(root, smooth, "1.png", "2.png", "3.png")
    (root / "3.png").write_bytes(b"cut off")
    table = "file,coat,mood\n1.png,long,\n2.png,short,\n3.png,soft,wild\nmissing.png,curly,calm\n"
    (tmp_path / "table.csv").write_text(table)
    dataset = write(tmp_path / "out", table_source(root, tmp_path / "table.csv"))
    assert dataset.attributes == (Attribute("coat", ("long", "short")),)
    assert dataset.class_ids().tolist() == [[0], [1]]
    assert (
        dataset.info["notes"]["classes have only one picture, which a generator can just copy: coat long, coat short"]
        == 2
    )


def test_a_folder_of_a_class_without_files_is_noted(tmp_path, smooth):
    root = tmp_path / "in"
    folders(root, smooth, "cat/1.png", "cat/2.png", "dog/deep/1.png", "dog/2.png")
    assert not [note for note in folder_source(root).notes if "no file" in note]
    plain = folder_source(root).digest()
    for name in ("owl 10", "owl 9/inside", ".hidden", "__MACOSX", "a.png"):
        (root / name).mkdir(parents=True)
    source = folder_source(root)
    assert source.notes == {"folders of classes have no file in them: owl 9, owl 10": 2}
    assert source.attributes == (Attribute("class", ("cat", "dog")),)
    assert "  2 folders of classes have no file in them: owl 9, owl 10" in summarize(write(tmp_path / "out", source))
    (root / "a.png").rmdir()
    (root / "__MACOSX").rmdir()
    assert folder_source(root).digest() == plain  # a data set that was made before is the same one
    (root / "owl 10").rmdir()
    assert folder_source(root).notes == {"folder of a class has no file in it: owl 9": 1}


def test_one_class_alone_is_said_to_tell_nothing(tmp_path, smooth):
    root = tmp_path / "in"
    folders(root, smooth, "images/1.png", "images/2.png")
    (root / "labels").mkdir()
    (root / "labels" / "1.txt").write_text("0 1 1")
    notes = write(tmp_path / "out", folder_source(root)).info["notes"]
    assert notes["attribute has only one class, so it does not distinguish pictures: class images"] == 1
    assert any("called like parts of a data set and are read as classes: images, labels" in note for note in notes)


@pytest.mark.parametrize(
    ("names", "cure"),
    [
        (("train/1.png", "test/1.png"), "pass --unlabeled"),
        (("Train/cat/1.png", "VAL/cat/1.png"), "give one of them as the folder"),
    ],
)
def test_folders_called_like_parts_of_a_data_set_deserve_a_note(tmp_path, smooth, names, cure):
    folders(tmp_path / "in", smooth, *names, "cat/1.png")
    (note,) = folder_source(tmp_path / "in").notes
    assert cure in note
    folders(tmp_path / "other", smooth, "cat/1.png", "contest/1.png")
    assert folder_source(tmp_path / "other").notes == {}


def test_folders_of_pictures_with_other_endings_are_classes_too(tmp_path, smooth):
    for name in ("cat/1.jfif", "dog/photo.jpg_large"):
        (tmp_path / name).parent.mkdir()
        smooth().save(tmp_path / name, format="JPEG")
    assert folder_source(tmp_path).attributes == (Attribute("class", ("cat", "dog")),)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.png", b"", r"a\.png is a picture, not a folder; give the folder that it is in$"),
        ("photo", b"\xff\xd8\xff\xe0 and more bytes", r"photo is a picture, not a folder"),
        ("a.csv", b"file,hair", r"a\.csv is a file, not a folder; give a folder with pictures$"),
        ("A.TAR.GZ", b"", r"unpack it"),
    ],
)
def test_a_file_in_place_of_a_folder_is_named_for_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        list_files(tmp_path / name)


def test_an_archive_in_place_of_a_folder_is_said_to_be_one(tmp_path):
    (tmp_path / "a.zip").touch()
    with pytest.raises(ValueError, match="is a file, not a folder; unpack it, and give the folder of its pictures"):
        folder_source(tmp_path / "a.zip")


def test_links_in_a_circle_are_no_labels_and_no_pictures(tmp_path, smooth):
    root = tmp_path / "photos"
    root.mkdir()
    smooth(1).save(root / "1.png")
    for path in (root / "2.png", tmp_path / "labels.csv"):
        path.symlink_to(path)
    with pytest.raises(ValueError, match=r"labels\.csv"):
        table_source(root, tmp_path / "labels.csv")
    (tmp_path / "labels.csv").unlink()
    (tmp_path / "labels.csv").write_text("file,hair\n1.png,red\n2.png,blue\n")
    dataset = write(tmp_path / "out", table_source(root, tmp_path / "labels.csv"))
    assert reasons(dataset) == {"2.png": "a link in a circle"}


def test_natural_order_compares_texts_and_numbers_in_turn():
    def parts(name: str) -> tuple[list[tuple[str, int]], str]:
        split = re.split("([0-9]+)", name)
        return list(zip(split[::2], [*map(int, split[1::2]), -1], strict=True)), name

    rng = random.Random(0)
    names = {"".join(rng.choice("ab0192./\u00e9-") for _ in range(rng.randint(0, 8))) for _ in range(3000)}
    assert sorted(names, key=natural_order) == sorted(names, key=parts)
    assert len({natural_order(name) for name in names}) == len(names)
