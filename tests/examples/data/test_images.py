"""Folders of all sorts, read into data sets by `write_images`."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.anime_faces.data import (
    Attribute,
    Dataset,
    Reading,
    folder_source,
    summarize,
    table_source,
    tag_source,
    unlabeled_source,
    write_images,
)

SMALL = Reading(size=16, least_side=4)
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a pipe, which is not a file on Windows")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def write(out: Path, source, reading: Reading = SMALL, **options) -> Dataset:
    return write_images(out, source, reading, workers=0, **options)


def reasons(dataset: Dataset) -> dict[str, str]:
    return {entry["file"]: entry["reason"] for entry in dataset.skipped}


def bad_files(folder: Path, smooth) -> dict[str, str]:
    """Put a file of every bad kind into the folder; return the names and the reasons expected."""
    big = smooth(5, (300, 300))
    expected = {}
    for ending in ("jpg", "png", "webp"):
        big.save(folder / f"whole.{ending}")
        data = (folder / f"whole.{ending}").read_bytes()
        (folder / f"whole.{ending}").unlink()
        for percent in (10, 50, 90, 99):
            name = f"cut-{percent}.{ending}"
            (folder / name).write_bytes(data[: len(data) * percent // 100])
            expected[name] = "damaged or cut off"
    (folder / "empty.jpg").touch()
    (folder / "page.jpg").write_text("<html>not found</html>")
    (folder / "notes.txt").write_text("not a picture")
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    (folder / "linked").symlink_to(folder.parent, target_is_directory=True)
    big.save(folder.parent / "outside.png")
    (folder / "out.png").symlink_to(folder.parent / "outside.png")
    Image.new("1", (5200, 5200)).save(folder / "huge.png")
    smooth(0, (1, 1)).save(folder / "dot.png")
    smooth(0, (500, 3)).save(folder / "line.png")
    big.save(folder / "scan.tiff")
    unknown = "not a picture of a known format (JPEG, PNG, WEBP, BMP, GIF)"
    return expected | {
        "empty.jpg": "an empty file",
        "page.jpg": "a web page",
        "notes.txt": unknown,
        "scan.tiff": unknown,
        "folder.jpg": "a folder",
        "pipe.jpg": "not a regular file",
        "gone.jpg": "a link to nothing",
        "linked": "a link to a folder",
        "out.png": "a link that leads out of the folder",
        "huge.png": "more than 25 megapixels",
        "dot.png": "a side shorter than 4 pixels",
        "line.png": "a side shorter than 4 pixels",
    }


@needs_pipes
def test_an_unlabeled_folder_with_every_kind_of_bad_file(photos, out, smooth):
    expected = bad_files(photos, smooth)
    smooth(7).convert("CMYK").save(photos / "print.jpg")
    smooth(8).convert("LA").save(photos / "clear.png")
    dataset = write(out, folder_source(photos))
    assert reasons(dataset) == expected
    assert len(dataset) == 7
    counts = {reason: list(expected.values()).count(reason) for reason in set(expected.values())}
    assert dataset.info["skipped_by_reason"] == counts
    assert dataset.info["counts"] == {"found": 7 + len(expected), "used": 7, "skipped": len(expected)}
    assert dataset.info["converted"] == {"gray": 1, "CMYK": 1}
    assert dataset.kind == "unlabeled"
    assert dataset.attributes == ()
    assert dataset.class_ids().shape == (7, 0)
    said = summarize(dataset)
    assert f"used 7 of {7 + len(expected)}" in said
    assert "    12  damaged or cut off\n" in said
    assert "converted: 1 x CMYK, 1 x gray" in said or "converted: 1 x gray, 1 x CMYK" in said


def test_pictures_stand_in_natural_order_and_hidden_files_are_no_part(photos, out, smooth):
    (photos / ".DS_Store").write_text("x")
    smooth(9).save(photos / ".hidden.jpg")
    dataset = write(out, unlabeled_source(photos))
    names = ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "10.png"]
    for row, name in zip(dataset.images, names, strict=True):
        one = Image.open(photos / name).crop((4, 0, 33, 29)).resize((16, 16), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(row, np.asarray(one))
    assert dataset.skipped == ()


@needs_pipes
def test_files_do_not_depend_on_the_number_of_workers(photos, tmp_path, smooth):
    bad_files(photos, smooth)
    for seed in range(40):
        smooth(seed).save(photos / f"more-{seed}.png")
    for workers in (0, 1, 2):
        write_images(tmp_path / f"out{workers}", folder_source(photos), SMALL, workers=workers)
    for name in ("images.npy", "labels.npy", "skipped.jsonl", "dataset.json"):
        first, *others = [(tmp_path / f"out{workers}" / name).read_bytes() for workers in (0, 1, 2)]
        assert all(other == first for other in others), name


def test_a_table_labels_pictures(photos, tmp_path, out):
    table = photos / "labels.csv"
    table.write_text(
        "file,coat,mood\n"
        '10.png,"long; soft",calm\n'
        "./1.jpg,long,\n"
        "2.jpg,short,wild\n"
        "1.jpg,,calm\n"
        "../outside.png,short,calm\n"
        "/etc/hostname,short,calm\n"
        "missing.jpg,short,calm\n",
        encoding="utf-8",
    )
    dataset = write(out, table_source(photos, table))
    assert dataset.kind == "table"
    assert dataset.attributes == (Attribute("coat", ("long", "short", "soft")), Attribute("mood", ("calm", "wild")))
    assert dataset.labels.tolist() == [[1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [1, 0, 1, 1, 0]]
    assert dataset.class_ids().tolist() == [[0, 0], [1, 1], [-1, 0]]
    assert reasons(dataset) == {
        "../outside.png": "a path that leads out of the folder",
        "/etc/hostname": "a path that leads out of the folder",
        "missing.jpg": "no such file",
        "3.jpg": "no line in the table of labels",
        "4.jpg": "no line in the table of labels",
    }
    assert dataset.info["counts"] == {"found": 8, "used": 3, "skipped": 5}
    assert dataset.info["notes"] == {
        "line for a picture that another line names too": 1,
        "classes have only one picture, which a generator can just copy: coat short, coat soft, mood wild": 3,
    }


def test_a_tag_file_labels_pictures_by_their_ids(photos, tmp_path, out, smooth):
    tags = tmp_path / "tags_clean.csv"
    tags.write_text(
        "1,touhou:17697\tonozuka komachi:224\t\n"
        "2,original:25774\tblonde hair:25457\tdoll:1040\tpink eyes:3896\ttagme:13190\t\n"
        "3,keikei kitty colors :5\tbicolored eyes:1665\tblue hair:1\tred hair:2\t\n"
        "10, hack legend of the twilight:34\tblue eyes :24094\t grey hair:7200\tshort hair:26373\t11 eyes:12\t\n"
        "77,77:186\t\n"
        "2,2girls:9\taqua eyes:1\t",
        encoding="utf-8",
    )
    smooth(50).save(photos / "2.gif")
    smooth(51).save(photos / "cover.png")
    dataset = write(out, tag_source(photos, tags))
    assert [attribute.name for attribute in dataset.attributes] == ["hair", "eyes"]
    assert [attribute.classes for attribute in dataset.attributes] == [
        ("gray", "red", "blue", "blonde"),
        ("pink", "aqua", "blue"),
    ]
    assert dataset.class_ids().tolist() == [[-1, -1], [3, -1], [-1, -1], [0, 2]]
    assert dataset.labels[1].nonzero()[0].tolist() == [3, 4 + 0, 4 + 1]
    assert dataset.labels[2].nonzero()[0].tolist() == [1, 2]
    assert reasons(dataset) == {
        "2.gif": "another file has the same id",
        "4.jpg": "no line in the tag file",
        "cover.png": "no line in the tag file",
    }
    assert dataset.info["notes"] == {
        "line for an id that another line has too": 1,
        "id in the tag file without a picture": 1,
        "of 6 lines have no known hair color": 3,
        "of 6 lines have no known eye color; of eyes they say bicolored eyes 1": 3,
        "classes are left out, since no picture of them could be used: hair orange, hair white, hair aqua, hair green, hair "
        "purple, hair pink, hair black, hair brown, eyes gray, eyes black, eyes orange, eyes yellow and 4 more": 16,
        "classes have only one picture, which a generator can just copy: hair gray, hair red, hair blue, hair blonde, eyes "
        "pink, eyes aqua, eyes blue": 7,
    }
    assert "hair: gray 1, red 1, blue 1, blonde 1" in summarize(dataset)
    assert "none 1, several 1" in summarize(dataset)


def test_labels_do_not_depend_on_the_order_of_the_lines(photos, tmp_path):
    lines = ["1,blue hair:1\t", "2,red hair:1\t", "1,red eyes:2\t", "10,white hair:2\tpink eyes:3\t"]
    fingerprints = set()
    for number, order in enumerate([(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)]):
        (tmp_path / "tags.csv").write_text("\n".join(lines[k] for k in order))
        fingerprints.add(write(tmp_path / f"out{number}", tag_source(photos, tmp_path / "tags.csv")).fingerprint)
    assert len(fingerprints) == 1


def test_a_folder_without_one_good_picture_is_an_error_and_leaves_nothing(tmp_path, out):
    root = tmp_path / "in"
    root.mkdir()
    with pytest.raises(ValueError, match="there are no files in "):
        write(out, unlabeled_source(root))
    (root / "a.jpg").write_text("x")
    (root / "b.jpg").touch()
    with pytest.raises(ValueError, match=r"the only picture in .* could not be used: 1 x an empty file"):
        write(out, unlabeled_source(root))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_repeating_does_nothing_until_a_file_changes(photos, out, smooth, capsys):
    write(out, folder_source(photos))
    before = (out / "images.npy").stat().st_mtime_ns
    write(out, folder_source(photos))
    assert "nothing to do" in capsys.readouterr().out
    assert (out / "images.npy").stat().st_mtime_ns == before
    smooth(20).save(photos / "5.png")
    with pytest.raises(ValueError, match=r"other settings.*the pictures or labels, or their dates, have changed"):
        write(out, folder_source(photos))
    with pytest.raises(ValueError, match=r"other settings \(size was 16 and is now 8\)"):
        write(out, folder_source(photos), Reading(size=8, least_side=4))
    assert len(write(out, folder_source(photos), overwrite=True)) == 6


def test_repeating_notices_a_changed_picture_and_a_changed_label(photos, out, tmp_path, smooth):
    tags = tmp_path / "tags.csv"
    tags.write_text("1,red hair\n2,blue hair\n")
    write(out, tag_source(photos, tags))
    tags.write_text("1,red hair\n2,pink hair\n")
    with pytest.raises(ValueError, match="the pictures or labels, or their dates, have changed"):
        write(out, tag_source(photos, tags))
    write(out, tag_source(photos, tags), overwrite=True)
    smooth(30, (50, 50)).save(photos / "2.jpg")
    with pytest.raises(ValueError, match="the pictures or labels, or their dates, have changed"):
        write(out, tag_source(photos, tags))


def test_a_file_that_goes_away_after_it_was_listed_is_skipped(photos, out):
    source = folder_source(photos)
    (photos / "3.jpg").unlink()
    assert reasons(write(out, source)) == {"3.jpg": "no such file"}


def test_the_data_set_is_not_written_among_the_pictures(photos):
    with pytest.raises(ValueError, match="--out must be outside"):
        write(photos / "out", folder_source(photos))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes names that are not text")
def test_odd_names_of_files_and_folders(tmp_path, smooth):
    root = tmp_path / ("käse und wein " + "x" * 180)
    root.mkdir()
    names = ["ein bild.png", "画像.png", "a'b\"c.png", "l" * 200 + ".png", "-rf.png"]
    for name in names:
        smooth().save(root / name)
    shutil.copy(root / "-rf.png", os.fsencode(root) + b"/bad\xff.png")
    (root / "bad\udcff2.png").write_text("x")
    dataset = write(tmp_path / "ou t ü", folder_source(root))
    assert len(dataset) == 6
    entries = [json.loads(line) for line in (tmp_path / "ou t ü" / "skipped.jsonl").read_text("utf-8").splitlines()]
    assert [entry["file"] for entry in entries] == ["bad\udcff2.png"]
