import pytest

from examples.anime_faces.data import (
    FACE_ATTRIBUTES,
    Attribute,
    ParseError,
    Prompt,
    _prompts,
    describe,
    parse_prompt,
    read_prompts,
)


def ids(hair: str | None, eyes: str | None) -> tuple[int, ...]:
    known = zip(FACE_ATTRIBUTES, (hair, eyes), strict=True)
    return tuple(-1 if name is None else attribute.classes.index(name) for attribute, name in known)


def read(tmp_path, text: str, attributes=FACE_ATTRIBUTES) -> list[Prompt]:
    (tmp_path / "prompts.txt").write_bytes(text.encode("utf-8"))
    return read_prompts(tmp_path / "prompts.txt", lambda text: parse_prompt(text, attributes))


def test_lines_with_and_without_ids(tmp_path):
    prompts = read(
        tmp_path,
        "1,blue hair blue eyes\n2,blue hair green eyes\ngreen hair green eyes\n\nx-7 , aqua eyes purple hair\n"
        "red hair, aqua eyes",
    )
    assert prompts == [
        Prompt("1", "blue hair blue eyes", ids("blue", "blue")),
        Prompt("2", "blue hair green eyes", ids("blue", "green")),
        Prompt("3", "green hair green eyes", ids("green", "green")),
        Prompt("x-7", "aqua eyes purple hair", ids("purple", "aqua")),
        Prompt("6", "red hair, aqua eyes", ids("red", "aqua")),
    ]


def test_a_word_of_the_text_is_no_id(tmp_path):
    path = tmp_path / "prompts.txt"
    path.write_text("touhou, blue hair\nsnow,red hair\n7, gray eyes\nx-7 , cat\n", encoding="utf-8")
    assert read_prompts(path, lambda text: ()) == [
        Prompt("1", "touhou, blue hair", ()),
        Prompt("snow", "red hair", ()),
        Prompt("7", "gray eyes", ()),
        Prompt("x-7", "cat", ()),
    ]


NAMES = (
    Attribute("class", ("1,2", "cat,dog", "fish, fried", 'say "x", then "y"', "--help", "-1", "a=b", "x\ufeff")),
    Attribute("1,2", ("1,2", "class", "\ufeff1,x")),
)


def test_whatever_is_described_can_stand_in_a_file_of_prompts(tmp_path):
    wanted = [(one, two) for one in range(-1, len(NAMES[0].classes)) for two in range(-1, 3) if (one, two) != (-1, -1)]
    text = "\n".join(describe(class_ids, NAMES) for class_ids in wanted)
    assert [(prompt.class_ids, prompt.id) for prompt in read(tmp_path, text, NAMES)] == [
        (class_ids, str(number)) for number, class_ids in enumerate(wanted, start=1)
    ]


def test_a_table_program_may_put_ids_and_prompts_in_quotes(tmp_path):
    prompts = read(tmp_path, '"a1","blue hair, red eyes"\n"2", green hair\n')
    assert [(prompt.id, prompt.class_ids) for prompt in prompts] == [
        ("a1", ids("blue", "red")),
        ("2", ids("green", None)),
    ]


def test_ids_in_other_unicode_forms_are_letters_too(tmp_path):
    assert [prompt.id for prompt in read(tmp_path, "cafe\u0301,red hair\n")] == ["caf\u00e9"]


def test_a_line_without_an_id_never_takes_that_of_another(tmp_path):
    prompts = read(tmp_path, "red hair\nblue hair\n1,green hair\n2,pink hair\n")
    assert [prompt.id for prompt in prompts] == ["3", "4", "1", "2"]


@pytest.mark.parametrize("text", ["\ufeff1,red hair\r\n2,black eyes\r\n", "1,red hair\n2,black eyes"])
def test_marks_and_line_ends_change_nothing(tmp_path, text):
    assert [prompt.class_ids for prompt in read(tmp_path, text)] == [ids("red", None), ids(None, "black")]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("1,red hair\n3,si hair red eyes\n", 2, "'si hair' is not known"),
        ("1,red hair\n1,blue hair\n", 2, "the id '1' is given twice"),
        ("a,red hair\nA,blue hair\n", 2, "the ids 'a' and 'A' would name the same file"),
        ("é,red hair\nE\u0301,blue hair\n", 2, "would name the same file"),
        ("x" * 151 + ",red hair\n", 1, "at most 150 bytes"),
        ("../x,red hair\n", 1, "an id must consist of"),
        (".x,red hair\n", 1, "an id must consist of"),
        (",red hair\n", 1, "an id must consist of"),
        ("1,\n", 1, "empty"),
        ("1,red hair blue hair\n", 1, "twice"),
    ],
)
def test_errors_name_file_and_line(tmp_path, text, line, words):
    with pytest.raises(ParseError, match=words) as caught:
        read(tmp_path, text)
    assert caught.value.line == line
    assert str(tmp_path / "prompts.txt") in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_prompts_is_an_error(tmp_path, text):
    with pytest.raises(ValueError, match="contains no prompts"):
        read(tmp_path, text)


class _Counting(dict[str, str]):
    """Ids, and how often one was looked for."""

    looked = 0

    def __contains__(self, key: object) -> bool:
        type(self).looked += 1
        return super().__contains__(key)


def test_the_next_free_number_is_found_in_a_few_looks(tmp_path, monkeypatch):
    """Each line without an id looked through all numbers of those before it: 40,000 lines took 92 s."""
    count = 2000
    lines = [f"{number},blue hair" for number in range(count + 1, 2 * count + 1)] + ["red hair"] * count
    looked = []
    free = _prompts.free_id

    def counted(number, taken):
        taken = _Counting(taken) if not isinstance(taken, _Counting) else taken
        before = _Counting.looked
        found = free(number, taken)
        looked.append(_Counting.looked - before)
        return found

    monkeypatch.setattr(_prompts, "free_id", counted)
    prompts = read(tmp_path, "\n".join(lines))
    assert [prompt.id for prompt in prompts[count:]] == [str(number) for number in range(2 * count + 1, 3 * count + 1)]
    assert sum(looked) < 4 * count
    assert len({prompt.id for prompt in prompts}) == 2 * count


def test_numbers_go_on_after_those_that_are_taken(tmp_path):
    prompts = read(tmp_path, "red hair\n3,blue hair\nred hair\n4,pink hair\nred hair\n9,red hair\nred hair")
    assert [prompt.id for prompt in prompts] == ["1", "3", "5", "4", "6", "9", "7"]
