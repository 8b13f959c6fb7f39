"""Pictures with a table of labels: a CSV file with any attributes."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from examples.anime_faces.data._attributes import Attribute, clean_name
from examples.anime_faces.data._lines import ParseError, read_lines
from examples.anime_faces.data._source import Picture, Source, list_files, natural_order

_MOST_CLASSES = 1000


def table_source(root: Path, table: Path) -> Source:
    """Return the pictures of a folder with the labels of a CSV file.

    The first line is ``file,`` and the names of the attributes, such as ``file,hair,eyes``. Every other line gives the name of
    a picture, relative to the folder, and its class of each attribute. A cell may be empty, or give several classes as
    ``a;b``. A picture on several lines has the classes of all of them. The order of the lines, and of the classes in a cell,
    does not matter.

    Args:
        root: The folder with the pictures.
        table: The CSV file, UTF-8.

    Raises:
        ValueError: The table cannot be understood (the message names file and line), an attribute has more than 1000 classes,
            or there is no such folder.
    """
    names, rows = _read_table(table)
    found, skipped = list_files(root, leave_out=table)
    values: dict[str, list[set[str]]] = {}
    for file, cells in rows:
        held = values.setdefault(file, [set() for _ in names])
        for classes, cell in zip(held, cells, strict=True):
            classes.update({clean_name(part) for part in cell.split(";")} - {""})
    attributes = tuple(
        _make_attribute(table, name, (held[index] for held in values.values())) for index, name in enumerate(names)
    )
    columns = _columns_of_classes(attributes)
    pictures = [
        Picture(file, frozenset(columns[index, one] for index, classes in enumerate(values[file]) for one in classes))
        for file in sorted(values, key=natural_order)
    ]
    unnamed = [{"file": name, "reason": "no line in the table of labels"} for name in found if name not in values]
    return Source(
        kind="table",
        root=root,
        attributes=attributes,
        pictures=pictures,
        skipped=[*skipped, *unnamed],
        notes={"lines for a picture that another line names too": len(rows) - len(values)},
        labels=table,
    )


def _read_table(table: Path) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Return the names of the attributes, and of each line the file and the cells."""
    rows = _rows(table)
    number, header = next(rows, (1, []))
    header = [clean_name(cell) for cell in header]
    if not header or header[0].lower() != "file":
        hint = " (the cells must be separated by commas)" if ";" in ",".join(header[:1]) else ""
        raise ParseError(table, number, f"the first line must be the header file,ATTRIBUTE,...{hint}, got {header[:4]}")
    names = header[1:]
    if len(set(names)) != len(names) or "" in names:
        raise ParseError(table, number, f"every attribute must have a name of its own, got {names}")
    lines = []
    for number, cells in rows:
        if len(cells) != len(header):
            raise ParseError(table, number, f"there must be {len(header)} cells as in the header, got {len(cells)}")
        if not cells[0].strip():
            raise ParseError(table, number, "the line names no file")
        lines.append((_plain(cells[0].strip()), cells[1:]))
    return names, lines


def _rows(table: Path) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader((line + "\n" for _, line in read_lines(table)), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise ParseError(table, reader.line_num, f"not valid CSV: {error}") from error


def _plain(file: str) -> str:
    """Return a relative name without ``.`` parts, so that one file has one name. Other names are refused when they are read."""
    return file if file.startswith("/") else str(PurePosixPath(file))


def _make_attribute(table: Path, name: str, values: Iterable[set[str]]) -> Attribute:
    classes = sorted(set().union(*values), key=natural_order)
    if len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"the attribute {name!r} of {table} has {len(classes)} classes, at most {_MOST_CLASSES} are allowed: "
            "is it free text or a number?"
        )
    return Attribute(name, tuple(classes))


def _columns_of_classes(attributes: Iterable[Attribute]) -> dict[tuple[int, str], int]:
    pairs = [(index, name) for index, attribute in enumerate(attributes) for name in attribute.classes]
    return {pair: column for column, pair in enumerate(pairs)}
