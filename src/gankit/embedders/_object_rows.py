"""The rows of an array of arrays, read from its pickle without unpickling.

The word vectors of skip-thoughts were published as an array of Python objects: each row is a separate array, pickled by
Python 2. Rows of words from the model's training have the shape ``(620,)``, the others, which were mapped from word2vec,
``(1, 620)``. An unpickler would import and call whatever such a file names. Here the file is only disassembled, and only
the operations that build lists of plain arrays are followed; any other name or operation is an error.
"""

import mmap
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from gankit._core import brief
from gankit.embedders._array_files import check_memory, shortened

_REBUILD = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
_ARRAY = "numpy ndarray"
_DTYPE = "numpy dtype"
_INTEGERS = ("BININT", "BININT1", "BININT2", "LONG1")
_TEXTS = ("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES")
_CONSTANTS = (*_INTEGERS, *_TEXTS, "NONE")


def read_object_rows(path: Path, file: BinaryIO) -> npt.NDArray[np.floating]:
    """Return the table whose rows are the arrays in the rest of the file.

    Args:
        path: The name of the file in errors.
        file: The ``.npy`` file, after its header.

    Raises:
        ValueError: The file is truncated, or contains anything but rows of floating-point numbers of the same length.
            The error names the file.
    """
    check_memory(path, path.stat().st_size)  # nearly all of the file are its numbers
    # A read from a map ends where the map ends: the file may declare a length that is larger than the memory.
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        mapped.seek(file.tell())
        rows = _rows(path, mapped)
    if not rows or any(row is None or not _is_vector(row) or row.size != rows[0].size for row in rows):
        raise ValueError(f"{path} must contain rows of numbers of the same length")
    # A pickle may refer to one row many times: a small file must not become a large table.
    if sum(row.nbytes for row in rows) > path.stat().st_size:
        raise ValueError(f"{path} must contain each row once, got {len(rows)} rows of {rows[0].size} numbers")
    table = np.empty((len(rows), rows[0].size), rows[0].dtype.newbyteorder("="))
    for index, row in enumerate(rows):
        table[index] = row
        rows[index] = None  # together they take over two gigabytes: free each row once it is copied
    return table


def _rows(path: Path, file: mmap.mmap) -> list[Any]:
    machine = _Machine()
    try:
        for operation, argument, _ in pickletools.genops(cast("IO[bytes]", file)):
            machine.run(operation.name, argument)
        rows = [row.numbers for row in machine.stack.pop().rows]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is truncated, or contains more than rows of numbers: {shortened(error)}") from error
    machine.forget()
    if left := len(file) - file.tell():
        raise ValueError(f"{path} is damaged: it has {left} bytes after its pickle")
    return rows


def _is_vector(row: npt.NDArray[np.floating]) -> bool:
    return row.size > 0 and row.shape in {(row.size,), (1, row.size)}


class _Name(str):
    """A name that an unpickler would import."""

    __slots__ = ()


class _Dtype:
    """An incomplete dtype: its code comes first, its byte order later."""

    order = ""

    def __init__(self, code: str) -> None:
        self.code = code

    def complete(self, state: Any) -> None:
        self.order = _text(state[1])


class _Array:
    """An incomplete array: a row of numbers, or a list of such arrays."""

    rows: list[Any] | None = None
    numbers: npt.NDArray[np.floating] | None = None

    def complete(self, state: Any) -> None:
        _, shape, dtype, _, content = state
        if isinstance(content, list):
            self.rows = content
        elif dtype.code in {"f4", "f8"} and dtype.order in {"<", ">"}:
            self.numbers = np.frombuffer(content, np.dtype(dtype.order + dtype.code)).reshape(shape)
        else:
            raise ValueError(f"an array of dtype {brief(dtype.order + dtype.code)} is not supported")


class _Machine:
    """Follows the operations of a pickle on its stack, as far as they describe arrays."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._values: dict[str, Callable[[Any], Any]] = dict.fromkeys(_CONSTANTS, lambda argument: argument) | {
            "NEWTRUE": lambda _: True,
            "NEWFALSE": lambda _: False,
            "BINGET": self._memo.__getitem__,
            "LONG_BINGET": self._memo.__getitem__,
            "EMPTY_LIST": lambda _: [],
            "EMPTY_TUPLE": lambda _: (),
            "TUPLE1": lambda _: tuple(self._pop(1)),
            "TUPLE2": lambda _: tuple(self._pop(2)),
            "TUPLE3": lambda _: tuple(self._pop(3)),
            "TUPLE": lambda _: tuple(self._pop_group()),
            # Bytes of Python 2, which the disassembler decodes as Latin-1.
            "BINSTRING": lambda text: text.encode("latin-1"),
            "SHORT_BINSTRING": lambda text: text.encode("latin-1"),
            # For these an unpickler would import and call something; here only names of arrays and dtypes are allowed.
            "GLOBAL": _allowed,
            "STACK_GLOBAL": lambda _: _allowed(" ".join(self._pop(2))),
            "REDUCE": lambda _: _begun(*self._pop(2)),
        }
        self._actions: dict[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
            "STOP": lambda _: None,
            "MARK": lambda _: self._marks.append(len(self.stack)),
            "BINPUT": self._remember,
            "LONG_BINPUT": self._remember,
            "MEMOIZE": lambda _: self._remember(len(self._memo)),
            "APPEND": lambda _: self._extend(self._pop(1)),
            "APPENDS": lambda _: self._extend(self._pop_group()),
            "BUILD": lambda _: self._complete(*self._pop(1)),
        }

    def forget(self) -> None:
        """Free all values; the machine's own tables refer to the machine, which would keep them until garbage collection."""
        self._memo.clear()

    def run(self, operation: str, argument: Any) -> None:
        """Follow one operation: push a value, or change the stack."""
        if operation in self._values:
            self.stack.append(self._values[operation](argument))
        elif operation in self._actions:
            self._actions[operation](argument)
        else:
            raise ValueError(f"the operation {operation} is not supported")

    def _remember(self, key: int) -> None:
        self._memo[key] = self.stack[-1]

    def _extend(self, items: list[Any]) -> None:
        self.stack[-1].extend(items)

    def _complete(self, state: Any) -> None:
        self.stack[-1].complete(state)

    def _pop(self, count: int) -> list[Any]:
        start = len(self.stack) - count
        if start < (self._marks[-1] if self._marks else 0):
            raise ValueError("an operation finds too few values on the stack")
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _pop_group(self) -> list[Any]:
        items = self._pop(len(self.stack) - self._marks[-1])
        self._marks.pop()
        return items


def _allowed(name: str) -> _Name:
    if name not in {*_REBUILD, _ARRAY, _DTYPE}:
        raise ValueError(f"the name {brief(name)} is not part of a plain array")
    return _Name(name)


def _begun(function: Any, arguments: Any) -> _Array | _Dtype:
    """Begin the array or dtype that the file names; it is completed later."""
    if isinstance(function, _Name) and function in _REBUILD and arguments[0] == _ARRAY:
        return _Array()
    if isinstance(function, _Name) and function == _DTYPE:
        return _Dtype(_text(arguments[0]))
    # The error names only the type of other values, which may nest too deep to be printed.
    called = brief(function) if isinstance(function, str) else type(function).__name__
    raise ValueError(f"a call of {called} is not supported")


def _text(value: Any) -> str:
    if not isinstance(value, str | bytes):
        raise ValueError(f"expected a text, got {type(value).__name__}")
    return value.decode("ascii") if isinstance(value, bytes) else value
