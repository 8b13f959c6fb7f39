"""Pictures with a table of labels: a CSV file with any attributes."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence, Set as AbstractSet
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from examples.anime_faces.data._attributes import Attribute
from examples.anime_faces.data._lines import ParseError, read_lines, without_collection
from examples.anime_faces.data._names import FileNames, clean_name, relative_name, word_key
from examples.anime_faces.data._numbers import counted, worded
from examples.anime_faces.data._source import Picture, Source, list_files, natural_order, notes_of_names

_MOST_CLASSES = 1000
_MOST_KEPT = 2**17
"""How many different lines are kept once."""
_NUMBER = re.compile(r"\s*[0-9]{1,18}\s*")
_SIGNS = frozenset({"-1", "1"})
Cells: TypeAlias = tuple[frozenset[str], ...] | list[set[str]]
"""The classes of a file of each attribute: as its line has them, or gathered from several lines."""
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
    named, rows, announced = _read_table(table)
    found, skipped = list_files(root, leave_out=table)
    files = FileNames(root, found)
    values: dict[str, Cells] = {}
    respelled = 0
    for spelled, cells in rows:
        plain = relative_name(spelled.strip())
        file = files.find(spelled) or plain
        respelled += file not in (plain, spelled)
        _hold(values, file, cells)
    count = len(rows)
    del rows
    attributes = tuple(_make_attribute(table, name, classes) for name, classes in named.items())
    columns = _columns_of_classes(attributes)
    shared: dict[frozenset[int], frozenset[int]] = {}
    of_lines: dict[int, frozenset[int]] = {}  # equal lines share their cells
    pictures: list[Picture] = []
    for file in sorted(values, key=natural_order):
        cells = values[file]
        own = of_lines.get(id(cells))
        if own is None:
            own = frozenset([columns[index, one] for index, classes in enumerate(cells) for one in classes])
            own = shared.setdefault(own, own)
            if len(of_lines) < _MOST_KEPT:
                of_lines[id(cells)] = own
        pictures.append(Picture(file, own))
    unnamed = [{"file": name, "reason": "no line in the table of labels"} for name in found if name not in values]
    return Source(
        kind="table",
        root=root,
        attributes=attributes,
        pictures=pictures,
        skipped=[*skipped, *unnamed],
        notes=_notes(attributes, repeated=count - len(values), respelled=respelled)
        | ({} if announced is None else _note_of_number(announced, count)),
        labels=table,
    )


def _hold(values: dict[str, Cells], file: str, cells: Cells) -> None:
    """Add the classes of a line; those of a file with one line are shared with all lines that have the same."""
    held = values.setdefault(file, cells)
    if held is cells or all(more <= own for more, own in zip(cells, held, strict=True)):
        return
    grown = held if isinstance(held, list) else [set(own) for own in held]
    for own, more in zip(grown, cells, strict=True):
        own.update(more)
    values[file] = grown


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


def _read_table(table: Path) -> tuple[dict[str, set[str]], list[tuple[str, Cells]], int | None]:
    """Return the classes of each attribute, the file and the classes of each line, and the number that a CelebA list says."""
    numbered = iter(read_lines(table))
    first = next(numbered, None)
    announced = int(first[1]) if first is not None and _NUMBER.fullmatch(first[1]) else None
    if announced is None:
        rows = _rows(table, numbered if first is None else chain([first], numbered))
    else:
        rows = _rows_of_celeba(table, numbered)
    number, header = next(rows, (1, []))
    first_cell = "".join(header[:1])
    header = [clean_name(cell) for cell in header]
    if not header or word_key(header[0]) not in _FILE_HEADERS:
        other = header and (";" in header[0] or "\t" in first_cell)
        hint = " (the cells must be separated by commas)" if other else ""
        raise ParseError(table, number, f"the first line must be the header file,ATTRIBUTE,...{hint}, got {header[:4]}")
    names = header[1:]
    if len(set(names)) != len(names) or "" in names:
        raise ParseError(table, number, f"every attribute must have a name of its own, got {names}")
    lines: list[tuple[str, Cells]] = []
    known: list[dict[str, frozenset[str]]] = [
        {} for _ in names
    ]  # of each column the cells, so that equal ones are kept once
    shared: dict[tuple[frozenset[str], ...], tuple[frozenset[str], ...]] = {}  # and equal lines
    for number, cells in rows:
        if len(cells) != len(header):
            raise ParseError(table, number, f"there must be {len(header)} cells as in the header, got {len(cells)}")
        if not cells[0].strip():
            raise ParseError(table, number, "the line names no file")
        classes = tuple(
            [one.get(cell) or one.setdefault(cell, _classes(cell)) for one, cell in zip(known, cells[1:], strict=True)]
        )
        same = shared.get(classes)
        if same is None and len(shared) < _MOST_KEPT:
            shared[classes] = classes
        lines.append((cells[0], same or classes))
    return {name: set().union(*one.values()) for name, one in zip(names, known, strict=True)}, lines, announced


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


def _classes(cell: str) -> frozenset[str]:
    return frozenset(clean_name(part) for part in cell.split(";")) - {""}


def _make_attribute(table: Path, name: str, values: AbstractSet[str]) -> Attribute:
    classes = sorted(values, key=natural_order)
    if len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"the attribute {name!r} of {table} has {len(classes)} classes, at most {_MOST_CLASSES} are allowed: "
            "is it free text or a number?"
        )
    return Attribute(name, tuple(classes))


def _columns_of_classes(attributes: Iterable[Attribute]) -> dict[tuple[int, str], int]:
    pairs = [(index, name) for index, attribute in enumerate(attributes) for name in attribute.classes]
    return {pair: column for column, pair in enumerate(pairs)}
