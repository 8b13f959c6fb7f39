import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.data import ParseError, table_source


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
