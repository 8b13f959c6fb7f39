import numpy as np
import pytest
from hypothesis import given, strategies as st

from examples.anime_faces import records
from examples.anime_faces.data import (
    ParseError,
    Reading,
    line_of_class,
    only_chosen,
    parse_prompt,
    table_source,
    write_images,
)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def source(folder, text: str):
    table = folder.parent / "labels.csv"
    table.write_bytes(text.encode("utf-8"))
    return table_source(folder, table)


PLAIN = 'file,coat,mood\na.jpg,"long, curly;soft",calm\nb.jpg,short,\n'


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN[:-1],
        PLAIN.replace("\n", "\n\n"),
        PLAIN.replace("file,coat,mood", "File, coat ,mood"),
        'file,coat,mood\nb.jpg,short,\na.jpg," soft;;long,  curly",calm\n',
    ],
)
def test_harmless_differences_change_nothing(folder, text):
    plain, changed = source(folder, PLAIN), source(folder, text)
    assert changed.attributes == plain.attributes
    assert changed.pictures == plain.pictures


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "header"),
        ("a.jpg,long\n", 1, "header"),
        ("file;coat\na.jpg;long\n", 1, "separated by commas"),
        ("file\tcoat\na.jpg\tlong\n", 1, "separated by commas"),
        ("file,coat,coat\n", 1, "name of its own"),
        ("file,coat,\n", 1, "name of its own"),
        ("file,coat\na.jpg,long\nb.jpg\n", 3, "2 cells"),
        ("file,coat\na.jpg,long,calm\n", 2, "2 cells"),
        ("file,coat\n ,long\n", 2, "names no file"),
        ('file,coat\na.jpg,"long"x\n', 2, "not valid CSV"),
        ('file,coat\na.jpg,"long\n', 2, "not valid CSV"),
        ("file,coat\na.jpg," + "x" * 200_000 + "\n", 2, "not valid CSV"),
    ],
)
def test_errors_name_file_and_line(folder, text, line, words):
    with pytest.raises(ParseError, match=words) as caught:
        source(folder, text)
    assert caught.value.line == line
    assert caught.value.path == folder.parent / "labels.csv"


SPELLINGS = [
    "cats/0.png",
    "./cats/0.png",
    "cats\\\\0.png",
    ".\\\\cats\\\\0.png",
    "cats\\0.png",
    ".\\cats\\0.png",
    "C:\\in\\cats\\0.png",
    "cats//0.png",
    "dogs/../cats/0.png",
    " cats/0.png ",
    "'cats/0.png'",
    "CATS/0.PNG",
    "cats/0.PNG",
    "cats%2F0.png",
    "in/cats/0.png",
    "in\\\\cats\\\\0.png",
    "{root}/cats/0.png",
    "file://{root}/cats/0.png",
    "/home/else/in/cats/0.png",
    "C:\\\\pictures\\\\in\\\\cats\\\\0.png",
    "\uff43ats/0.png",
    "cats/0",
    "cats/0.png\u200b",
]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_a_picture_is_found_by_any_spelling_of_its_name(folder, spelled):
    (folder / "cats").mkdir()
    (folder / "cats" / "0.png").touch()
    found = source(folder, f"file,coat\n{spelled.format(root=folder)},long\n")
    assert [(picture.name, len(picture.columns)) for picture in found.pictures] == [("cats/0.png", 1)]
    assert found.skipped == []
    plain = spelled in ("cats/0.png", "./cats/0.png", "cats//0.png", "dogs/../cats/0.png", " cats/0.png ")
    assert len(found.notes) == (0 if plain else 1)


def test_decomposed_names_of_files_and_lines_meet(folder):
    (folder / "cafe\u0301.png").touch()
    assert [picture.name for picture in source(folder, "file,coat\ncaf\u00e9.png,long\n").pictures] == [
        "cafe\u0301.png"
    ]


def test_a_name_that_fits_several_files_is_none_of_them(folder):
    for name in ("a.png", "A.png", "b.png", "b.jpg"):
        (folder / name).touch()
    if len(list(folder.iterdir())) < 4:
        pytest.skip("case does not tell files apart here")
    found = source(folder, "file,coat\nA.PNG,long\nb,short\na.png,soft\n")
    assert [picture.name for picture in found.pictures] == ["A.PNG", "a.png", "b"]


def test_a_path_elsewhere_is_not_taken_for_one_inside(folder, tmp_path):
    (tmp_path / "other" / "in").mkdir(parents=True)
    for one in (folder, tmp_path / "other" / "in"):
        (one / "0.png").touch()
    path = f"{tmp_path}/other/in/0.png"
    assert [picture.name for picture in source(folder, f"file,coat\n{path},long\n").pictures] == [path]


def test_lines_that_name_one_picture_in_two_spellings_are_one(folder):
    (folder / "cats").mkdir()
    (folder / "cats" / "0.png").touch()
    found = source(folder, "file,coat,mood\ncats/0.png,long,\ncats\\0.png,,calm\n")
    assert [(picture.name, sorted(picture.columns)) for picture in found.pictures] == [("cats/0.png", [0, 1])]
    assert found.notes["line for a picture that another line names too"] == 1


@pytest.mark.parametrize("header", ["File Name", "image_id", "filename", "Path", "\uff26ile"])
def test_the_first_column_may_be_called_in_many_ways(folder, header):
    assert source(folder, f"{header},coat\na.jpg,long\n").attributes[0].name == "coat"


def test_the_list_of_attributes_of_celeba_is_read(folder):
    text = "2\nMale 5_o_Clock_Shadow\n000001.jpg  -1  1\n000002.jpg   1 -1\n"
    found = source(folder, text)
    assert [(one.name, one.classes) for one in found.attributes] == [
        ("Male", ("1", "-1")),
        ("5_o_Clock_Shadow", ("1", "-1")),
    ]
    assert [sorted(picture.columns) for picture in found.pictures] == [[1, 2], [0, 3]]
    (note,) = [note for note in found.notes if "-1 (no) and 1 (yes)" in note]
    assert found.notes[note] == 2
    assert parse_prompt(note.split("written ")[1], found.attributes) == (0, -1)


CELEBA = """3
5_o_Clock_Shadow Black_Hair Blond_Hair Brown_Hair Male Young 
000001.jpg -1  1 -1 -1 -1  1
000002.jpg  1 -1 -1  1  1 -1
000003.jpg -1 -1  1 -1 -1  1
"""  # noqa: W291 -- the published file has blanks at the ends of lines, and two before a 1


def test_the_published_format_becomes_a_data_set(photos, tmp_path):
    for number, path in enumerate(sorted(photos.glob("*.jpg")), start=1):
        path.rename(photos / f"{number:06}.jpg")
    table = tmp_path / "list_attr_celeba.txt"
    table.write_text(CELEBA)
    found = table_source(photos, table)
    assert not [note for note in found.notes if "first line" in note]
    dataset = write_images(tmp_path / "out", found, Reading(size=16), workers=0)
    names = CELEBA.split("\n")[1].split()
    assert [one.name for one in dataset.attributes] == names
    for row, line in enumerate(CELEBA.split("\n")[2:5]):
        signs = [one.classes[dataset.class_ids()[row, column]] for column, one in enumerate(dataset.attributes)]
        assert signs == line.split()[1:]
    assert [entry["file"] for entry in dataset.skipped] == ["000004.jpg", "10.png"]
    black = write_images(tmp_path / "black", only_chosen(found, "Black_Hair=1"), Reading(size=16), workers=0)
    assert len(black) == 1
    assert np.array_equal(black.images[0], dataset.images[0])


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (CELEBA.replace("000002.jpg  1", "000002.jpg  0"), 4, "each attribute must be -1 or 1 in such a list, got '0'"),
        (CELEBA.replace("000002.jpg  1", "000002.jpg yes"), 4, "each attribute must be -1 or 1"),
        (CELEBA.replace("000003.jpg -1 -1", "000003.jpg -1-1"), 5, "each attribute must be -1 or 1 .* got '-1-1'"),
        (CELEBA.replace("000003.jpg -1", "000003.jpg"), 5, "there must be 7 cells as in the header, got 6"),
        (CELEBA.replace("000001.jpg -1", "000001.jpg -1 1"), 3, "there must be 7 cells as in the header, got 8"),
        (CELEBA.replace("Blond_Hair", "Black_Hair"), 2, "every attribute must have a name of its own"),
        ("3\n", 1, "the first line must be the header"),
    ],
)
def test_bad_lines_of_the_published_format_are_named(folder, text, line, words):
    with pytest.raises(ParseError, match=words) as caught:
        source(folder, text)
    assert caught.value.line == line


@pytest.mark.parametrize("number", ["2", "202599"])
def test_another_number_of_lines_than_the_first_line_says_is_noted(folder, number):
    found = source(folder, CELEBA.replace("3\n", f"{number}\n", 1))
    note = "is the number of pictures in the first line of the list, which has 3 lines of them"
    assert found.notes[note] == int(number)
    assert len(found.pictures) == 3


def test_classes_that_are_nearly_the_same_are_named(folder):
    found = source(folder, "file,smile\na.jpg,Yes\nb.jpg,yes\nc.jpg,no\n")
    assert found.attributes[0].classes == ("Yes", "no", "yes")
    assert found.notes == {"classes of smile are called nearly the same and stay apart: 'Yes', 'yes'": 2}


def test_free_text_is_no_attribute(folder):
    text = "file,caption\n" + "".join(f"{k}.jpg,text {k}\n" for k in range(1001))
    with pytest.raises(ValueError, match=r"'caption'.*1001 classes"):
        source(folder, text)


def test_a_table_may_have_no_attributes(folder):
    assert source(folder, "file\na.jpg\n").attributes == ()


CLASSES = st.sets(st.sampled_from(["red", "dark red", "1", "10", "9", "ünï", "a,b", 'say "x"']))
ROWS = st.dictionaries(st.sampled_from([f"{k}.jpg" for k in range(9)]), st.tuples(CLASSES, CLASSES), min_size=1)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_labels_are_those_of_the_lines_in_any_order(tmp_path_factory, rows, order):
    folder = tmp_path_factory.mktemp("table")
    lines = [f"{name},{quoted(';'.join(one))},{quoted(';'.join(two))}\n" for name, (one, two) in rows.items()]
    order.shuffle(lines)
    found = source(folder, "file,one,two\n" + "".join(lines))
    starts = (0, len(found.attributes[0].classes))
    names = [[(a, name) for name in attribute.classes] for a, attribute in enumerate(found.attributes)]
    flat = [pair for part in names for pair in part]
    assert starts[1] == len(names[0])
    read = {picture.name: {flat[column] for column in picture.columns} for picture in found.pictures}
    assert read == {name: {(0, x) for x in one} | {(1, x) for x in two} for name, (one, two) in rows.items()}


def test_the_line_of_a_class_is_found(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text('file,mood, Coat \na.jpg,short,long\n\nb.jpg,calm,"soft;  very   short"\nc.jpg,calm,short\n')
    found = [line_of_class(table, "Coat", name) for name in ("long", "very short", "short", "calm")]
    assert found == [2, 4, 5, None]
    assert line_of_class(table, "age", "old") is None
    table.write_text("1\nBald Male\n1.jpg -1 1\n")  # CelebA's list has no such cells
    assert line_of_class(table, "Bald", "-1") is None


def test_labels_that_no_data_set_can_hold_are_refused_before_they_are_kept(tmp_path, smooth, monkeypatch):
    root = tmp_path / "photos"
    root.mkdir()
    smooth(1).save(root / "1.png")
    names = ",".join(f"a{number}" for number in range(30))
    (tmp_path / "labels.csv").write_text(f"file,{names}\n1.png,{names}\n")
    monkeypatch.setattr(records, "MOST_PARTS", 60)  # a list and an object for each
    with pytest.raises(
        ValueError, match=r"too many attributes and classes for dataset\.json: it has more than 60 lists"
    ):
        write_images(
            tmp_path / "out", table_source(root, tmp_path / "labels.csv"), Reading(size=16, least_side=4), workers=0
        )
    assert not (tmp_path / "out").exists()


def test_a_file_on_several_lines_has_all_their_classes_in_any_order(folder):
    lines = ["a.png,x;y,1\n", "a.png,z,\n", "b.png,x,2\n", "./a.png,x,2\n", "a.png,z,\n"]
    for order in (1, -1):
        found = source(folder, "file,coat,mood\n" + "".join(lines[::order]))
        assert [(picture.name, picture.columns) for picture in found.pictures] == [
            ("a.png", (0, 1, 2, 3, 4)),
            ("b.png", (0, 4)),
        ]
        assert sum(count for note, count in found.notes.items() if "another line names too" in note) == 3


def test_more_different_lines_than_are_kept_are_still_read(folder, monkeypatch):
    monkeypatch.setattr("examples.anime_faces.data._table._MOST_KEPT", 2)
    found = source(folder, "file,coat\n" + "".join(f"{number}.png,c{number % 7}\n" for number in range(20)))
    assert [picture.columns for picture in found.pictures] == [(number % 7,) for number in range(20)]


@pytest.mark.parametrize(
    "path", ["/home/u/in/cats/{}.png", "C:\\\\data\\\\in\\\\cats\\\\{}.png", "in/cats/{}.png", "./in/cats/{}.PNG"]
)
def test_paths_of_one_folder_are_all_found_in_it(folder, path):
    (folder / "cats").mkdir()
    for number in range(3):
        (folder / "cats" / f"{number}.png").touch()
    found = source(folder, "file,coat\n" + "".join(f"{path.format(number)},soft\n" for number in range(3)))
    assert [picture.name for picture in found.pictures] == ["cats/0.png", "cats/1.png", "cats/2.png"]
