"""Pictures with a table of labels: a CSV file with any attributes."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import getitem
from pathlib import Path
from typing import TypeAlias

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._file_names import FileNames, natural_order, relative_name
from examples.anime_faces.data._lines import ParseError, read_lines, without_collection
from examples.anime_faces.data._names import clean_name, word_key
from examples.anime_faces.data._numbers import counted, worded
from examples.anime_faces.data._source import Picture, Source, list_files, notes_of_names

_MOST_CLASSES = 1000
_MOST_KEPT = 2**14
"""How many different lines are kept once."""
_NUMBER = re.compile(r"\s*[0-9]{1,18}\s*")
_SIGNS = frozenset({"-1", "1"})
_Numbers: TypeAlias = tuple[int, ...]
_FILE_HEADERS = frozenset(
    [
        *("file", "files", "filename", "file name", "filepath", "file path", "path"),
        *("image", "image id", "image name", "image path", "picture", "img", "name"),
    ]
)
"""What tables of labels call their first column."""


@without_collection()
def table_source(root: Path, table: Path) -> Source:
    """Return the pictures of a folder with the labels of a CSV file.

    The first line is ``file,`` and the names of the attributes, such as ``file,hair,eyes``. Every other line gives the name of
    a picture, relative to the folder, and its class of each attribute. A cell may be empty, or give several classes as
    ``a;b``. A picture on several lines has the classes of all of them. The order of the lines, and of the classes in a cell,
    does not matter. The list of attributes of CelebA, separated by blanks and with the number of pictures in the first line,
    is read too; its classes are -1 and 1. A name that no file has is looked for in other spellings, see `FileNames`.

    Args:
        root: The folder with the pictures.
        table: The CSV file, UTF-8.

    Raises:
        ValueError: The table cannot be understood (the message names file and line), an attribute has more than 1000 classes,
            or there is no such folder.
    """
    found, skipped = list_files(root, leave_out=table)
    files = FileNames(root, found)
    labels = _Labels(table)
    values: dict[str, _Numbers | set[int]] = {}
    respelled = 0
    for spelled, numbers in labels:
        file = files.find(spelled)
        if file is None:
            file = relative_name(spelled.strip())
        elif file != spelled:
            respelled += file != relative_name(spelled.strip())
        held = values.setdefault(file, numbers)
        if isinstance(held, set):
            held.update(numbers)
        elif held is not numbers and held != numbers:
            values[file] = {*held, *numbers}
    attributes = tuple(_make_attribute(table, name, classes) for name, classes in labels.classes().items())
    columns = labels.columns(attributes)
    of_lines: dict[_Numbers, tuple[int, ...]] = {}  # equal lines share their columns
    pictures: list[Picture] = []
    for file in sorted(values, key=natural_order):
        numbers = tuple(values[file])
        if (own := of_lines.get(numbers)) is None:
            own = tuple(sorted([columns[number] for number in numbers]))
            if len(of_lines) < _MOST_KEPT:
                of_lines[numbers] = own
        pictures.append(Picture(file, own))
    unnamed = [{"file": name, "reason": "no line in the table of labels"} for name in found if name not in values]
    return Source(
        kind="table",
        root=root,
        attributes=attributes,
        pictures=pictures,
        skipped=[*skipped, *unnamed],
        notes=_notes(attributes, repeated=labels.count - len(values), respelled=respelled)
        | ({} if labels.announced is None else _note_of_number(labels.announced, labels.count)),
        labels=table,
    )


class _Labels:
    """The lines of a table: of each the name of a file, as it is spelled, and the numbers of its classes.

    Classes are numbered in the order in which they are met, those of all attributes together.
    """

    def __init__(self, table: Path) -> None:
        numbered = iter(read_lines(table))
        first = next(numbered, None)
        self.announced = int(first[1]) if first is not None and _NUMBER.fullmatch(first[1]) else None
        """The number of lines that a list of CelebA says it has."""
        if self.announced is None:
            self._rows = _rows(table, numbered if first is None else chain([first], numbered))
        else:
            self._rows = _rows_of_celeba(table, numbered)
        self._table = table
        self._names = _names_in_header(table, *next(self._rows, (1, [])))
        self._numbers: dict[tuple[int, str], int] = {}
        self.count = 0

    def __iter__(self) -> Iterator[tuple[str, _Numbers]]:
        known = [_Cells(index, self._numbers) for index in range(len(self._names))]
        lines: dict[str, _Numbers] = {}  # equal lines share their numbers
        for number, row in self._rows:
            if len(row) != len(known) + 1:
                problem = f"there must be {len(known) + 1} cells as in the header, got {len(row)}"
                raise ParseError(self._table, number, problem)
            if not row[0] or row[0].isspace():
                raise ParseError(self._table, number, "the line names no file")
            text = "\0".join(row[1:])
            if (numbers := lines.get(text)) is None:
                numbers = tuple(chain.from_iterable(map(getitem, known, row[1:])))
                if len(lines) < _MOST_KEPT:
                    lines[text] = numbers
            self.count += 1
            yield row[0], numbers

    def classes(self) -> dict[str, list[str]]:
        """Return the classes of each attribute, once all lines were read."""
        classes: list[list[str]] = [[] for _ in self._names]
        for index, name in self._numbers:
            classes[index].append(name)
        return dict(zip(self._names, classes, strict=True))

    def columns(self, attributes: Sequence[Attribute]) -> list[int]:
        """Return the label column of each number."""
        pairs = [(index, name) for index, attribute in enumerate(attributes) for name in attribute.classes]
        places = {pair: column for column, pair in enumerate(pairs)}
        return [places[pair] for pair in self._numbers]


class _Cells(dict[str, _Numbers]):
    """The numbers of the classes of each cell of one column."""

    def __init__(self, index: int, numbers: dict[tuple[int, str], int]) -> None:
        self._index, self._all = index, numbers

    def __missing__(self, cell: str) -> _Numbers:
        names = dict.fromkeys(clean_name(part) for part in cell.split(";"))
        names.pop("", None)
        found = tuple(sorted([self._all.setdefault((self._index, name), len(self._all)) for name in names]))
        if len(self) < _MOST_KEPT:
            self[cell] = found
        return found


def line_of_class(table: Path, attribute: str, class_name: str) -> int | None:
    """Return the first line of a CSV file that `table_source` has read where an attribute has a class; None in other files."""
    rows = _rows(table, read_lines(table))
    header = [clean_name(cell) for cell in next(rows, (1, []))[1]]
    if attribute not in header:
        return None
    column = header.index(attribute)
    found = (number for number, cells in rows if class_name in map(clean_name, cells[column].split(";")))
    return next(found, None)


def _notes(attributes: Sequence[Attribute], *, repeated: int, respelled: int) -> dict[str, int]:
    signs = [attribute.name for attribute in attributes if set(attribute.classes) == _SIGNS]
    notes = {
        f"{worded(repeated, 'line')} for a picture that another line names too": repeated,
        f"{worded(respelled, 'line names its', 'lines name their')} file in another spelling (separators, case, Unicode "
        "form, ending, or a whole path)": respelled,
    }
    if signs:
        have = worded(len(signs), "attribute has", "attributes have")
        notes[f"{have} the classes -1 (no) and 1 (yes); a prompt is written {signs[0]}=1"] = len(signs)
    return {note: count for note, count in (notes | notes_of_names(attributes)).items() if count}


def _note_of_number(announced: int, there: int) -> dict[str, int]:
    """Return a note if a list of CelebA does not have the number of lines that its first line says."""
    if announced == there:
        return {}
    return {
        f"is the number of pictures in the first line of the list, which has {counted(there, 'line')} of them": announced
    }


def _names_in_header(table: Path, number: int, header: list[str]) -> list[str]:
    """Return the names of the attributes."""
    first_cell = "".join(header[:1])
    header = [clean_name(cell) for cell in header]
    if not header or word_key(header[0]) not in _FILE_HEADERS:
        other = header and (";" in header[0] or "\t" in first_cell)
        hint = " (the cells must be separated by commas)" if other else ""
        raise ParseError(table, number, f"the first line must be the header file,ATTRIBUTE,...{hint}, got {header[:4]}")
    names = header[1:]
    if len(set(names)) != len(names) or "" in names:
        raise ParseError(table, number, f"every attribute must have a name of its own, got {names}")
    return names


def _rows(table: Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((line + "\n" for _, line in lines), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ParseError(table, reader.line_num, f"not valid CSV: {error}") from error


def _rows_of_celeba(table: Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a list whose first line, the number of pictures, was read already; blanks separate the cells."""
    for number, line in lines:
        cells = line.split()
        if number == 2:
            yield number, ["file", *cells]
        elif cells:
            if not _SIGNS.issuperset(cells[1:]):
                wrong = [cell for cell in cells[1:] if cell not in _SIGNS]
                raise ParseError(table, number, f"each attribute must be -1 or 1 in such a list, got {wrong[0][:80]!r}")
            yield number, cells


def _make_attribute(table: Path, name: str, values: Iterable[str]) -> Attribute:
    classes = sorted(values, key=natural_order)
    if len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"the attribute {name!r} of {table} has {len(classes)} classes, at most {_MOST_CLASSES} are allowed: "
            "is it free text or a number?"
        )
    return Attribute(name, tuple(classes))
