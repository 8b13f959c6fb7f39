"""A small skip-thought model in the files and formats of the published one, and its vectors by definition."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WORDS = ("<eos>", "UNK", "the", "blue", "Blue", "hair", "red", "eyes", ",", ".", "gray-blue", "naïve", "")
SHAPES = {
    "W": ("in", "both"),
    "U": ("out", "both"),
    "b": ("both",),
    "Wx": ("in", "out"),
    "Ux": ("out", "out"),
    "bx": ("out",),
}


def write_model(folder: Path, *, features: int = 5, size: int = 7, seed: int = 0, pickled: bool = True) -> None:
    """Write a model of random weights into a folder."""
    random = np.random.default_rng(seed)
    lengths = {"in": features, "out": size, "both": 2 * size}
    weights = {
        f"encoder_{name}": random.normal(size=[lengths[axis] for axis in shape]).astype("float32")
        for name, shape in SHAPES.items()
    }
    # The published archive has the decoders too, and an empty history of errors.
    others = {"Wemb": random.normal(size=(3, features)).astype("float32"), "history_errs": np.array([])}
    np.savez(folder / "uni_skip.npz", allow_pickle=False, **weights, **others)
    table = random.normal(size=(len(WORDS), features)).astype("float32")
    (folder / "dictionary.txt").write_bytes("".join(f"{word}\n" for word in WORDS).encode())
    if pickled:
        write_pickled_by_python_2(folder / "utable.npy", table)
    else:
        np.save(folder / "utable.npy", table)


def write_pickled_by_python_2(path: Path, table: np.ndarray) -> None:
    """Write an array of row arrays as Python 2 pickled it: protocol 2, numbers in a plain byte string.

    The published file has 2342138474 bytes for 930913 rows of 620 numbers: what these operations take if 20000 of its
    rows have one axis and the others two, ``(1, 620)``. Here every third has one.
    """
    rows, features = table.shape
    name = b"cnumpy.core.multiarray\n_reconstruct\nq\x01"  # a name, remembered as number 1
    array = b"cnumpy\nndarray\nq\x02"
    whole = b"\x80\x02" + name + array + b"K\x00\x85U\x01b\x87Rq\x03"
    whole += b"(K\x01" + _integer(rows) + b"\x85cnumpy\ndtype\nq\x04U\x02O8K\x00K\x01\x87Rq\x05"
    whole += b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89]q\x06"
    for start in range(0, rows, 3):  # Python appends in batches of 1000
        whole += b"("
        for index in range(start, min(rows, start + 3)):
            number = struct.pack("<I", 8 + index)
            shape = _integer(features) + b"\x85" if index % 3 == 1 else b"K\x01" + _integer(features) + b"\x86"
            whole += b"h\x01h\x02K\x00\x85U\x01b\x87Rr" + number + b"(K\x01" + shape
            if index == 0:
                whole += b"h\x04U\x02f4K\x00K\x01\x87Rq\x07(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
            else:
                whole += b"h\x07\x89"
            numbers = table[index].astype("<f4").tobytes()
            whole += b"T" + struct.pack("<i", len(numbers)) + numbers + b"tb"
        whole += b"e"
    write_array_of_objects(path, (rows,), whole + b"tb.")


def write_array_of_objects(path: Path, shape: Sequence[int], content: bytes) -> None:
    """Write the header of an array of objects, then any bytes."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": tuple(shape)})
        file.write(content)


def head(shape: str, kind: str = "<f4") -> bytes:
    """The header of a file in NumPy's format, with any text for the shape."""
    return literal(f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}")


def literal(text: str) -> bytes:
    """A header of any text."""
    line = text.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line


def _integer(value: int) -> bytes:
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def vectors_by_definition(folder: Path, sentences: Sequence[Sequence[str]]) -> np.ndarray:
    """The equations of the paper, word by word in float64; reset gates come first in the joined weights."""
    with np.load(folder / "uni_skip.npz") as archive:
        weights = {name: archive[f"encoder_{name}"].astype("float64") for name in SHAPES}
    loaded = np.load(folder / "utable.npy", allow_pickle=True, encoding="latin1")
    table = {word: np.asarray(loaded[row], "float64").reshape(-1) for row, word in enumerate(WORDS)}
    vectors = []
    for sentence in sentences:
        state = np.zeros(weights["bx"].size)
        for word in sentence:
            x = table.get(word, table["UNK"])
            gates = 1 / (1 + np.exp(-(x @ weights["W"] + state @ weights["U"] + weights["b"])))
            reset, update = np.split(gates, 2)
            candidate = np.tanh(x @ weights["Wx"] + reset * (state @ weights["Ux"]) + weights["bx"])
            state = update * state + (1 - update) * candidate
        vectors.append(state / np.linalg.norm(state))
    return np.array(vectors)
