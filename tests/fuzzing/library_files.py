"""Readers of the library: checkpoints, tables of vectors, the published files of skip-thoughts."""

import io
import pickle
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gankit as gk
from gankit.embedders._skip_thoughts_files import read_recurrent_weights, read_word_vectors
from tests.embedders.published import write_pickled_by_python_2
from tests.faults.archives import MARK, sealed
from tests.fuzzing.mutators import ARRAY, BYTES, LINES, on_members, several
from tests.fuzzing.pickles import PICKLE, on_rows, with_pickle
from tests.fuzzing.target import FindingError, Target, frozen

TEXTS = ("UNK", "blue", "hair", "red")
LENGTH = 3


@cache
def states() -> dict[str, Any]:
    """Return states of every kind of value that a checkpoint may hold."""
    critic = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    moments = {"step": torch.tensor(1.0), "exp_avg": torch.ones(2, 3)}
    optimizer = {"state": {0: moments}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.99), "params": [0]}]}
    numbers: dict[str, Any] = {
        "all": [
            None,
            True,
            False,
            0,
            255,
            65535,
            -1,
            2**31,
            -(2**40),
            2**2000,
            1.5,
            float("inf"),
            "",
            "a",
            "\ud800",
            "b" * 300,
        ],
        "nested": {"a": [{"b": (1, (2, [3]))}], 7: {}},
        "long": [0.5] * 1500,
    }
    kinds = ("float64", "float16", "bfloat16", "int64", "bool", "complex64", "uint16", "float8_e4m3fn")
    tensors = {name: torch.ones(2, 3).to(getattr(torch, name)) for name in kinds}
    tensors |= {
        "none": torch.empty(0, 3),
        "scalar": torch.tensor(1.0),
        "last": torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }
    return {
        "numbers": numbers,
        "tensors": tensors,
        "training": {
            "version": 1,
            "step": 3,
            "state": {"critic": critic.state_dict(), "optimizer": optimizer},
        },
        "nothing": None,
    }


@cache
def checkpoints() -> dict[str, bytes]:
    """Return checkpoints as `save_checkpoint` writes them, without their seals."""
    found: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, state in states().items():
            gk.training.save_checkpoint(f"{folder}/a.pt", state)
            data = Path(folder, "a.pt").read_bytes()
            found[name] = data[: data.rfind(MARK) - 2] + bytes(2)
    return found


def pickles() -> dict[str, bytes]:
    """Return the pickles in these checkpoints."""
    found: dict[str, bytes] = {}
    for name, data in checkpoints().items():
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            found[name] = opened.read("archive/data.pkl")
    return found


def load_again(path: Path) -> Any:
    """Load a checkpoint; what can be loaded can be saved, and is the same then."""
    state = gk.training.load_checkpoint(path)
    again = path.with_name("again.pt")
    gk.training.save_checkpoint(again, state)
    reloaded = gk.training.load_checkpoint(again)
    again.unlink()
    if frozen(reloaded) != frozen(state):
        raise FindingError("loads a state that is another one when it was saved again")
    return state


def _sealed(data: bytes) -> bytes:
    return sealed(data) if len(data) > 2 else data


def _says_what_was_skipped(warning: warnings.WarningMessage) -> bool:
    words = str(warning.message)
    return "checkpoint-3.pt" in words and words.endswith("taking the checkpoint before it") and "\n" not in words


def _written(write: Callable[[Path], None]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "a"))
        return Path(folder, "a").read_bytes()


def _npy(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version, allow_pickle=True)
    return buffer.getvalue()


def tables() -> dict[str, bytes]:
    """Return tables of vectors for `TEXTS`, in every form that is read."""
    table = np.arange(len(TEXTS) * LENGTH, dtype=np.float32).reshape(len(TEXTS), LENGTH)
    forms = {
        "float32": table,
        "float64": table.astype(">f8"),
        "float16": table.astype("<f2"),
        "order": np.asfortranarray(table),
    }
    return {name: _npy(one) for name, one in forms.items()} | {"version 2": _npy(table, (2, 0))}


def object_tables() -> dict[str, bytes]:
    """Return tables whose rows are objects, as Python 2 and later versions pickled them."""
    table = np.arange(len(TEXTS) * LENGTH, dtype=np.float32).reshape(len(TEXTS), LENGTH)
    found = {"Python 2": _written(lambda path: write_pickled_by_python_2(path, table))}
    for protocol in (3, 4):
        rows = np.empty(len(TEXTS), object)
        for row in range(len(TEXTS)):
            rows[row] = table[row : row + 1] if row % 2 else table[row]
        head = _npy(rows)
        found[f"protocol {protocol}"] = head[: 10 + int.from_bytes(head[8:10], "little")] + pickle.dumps(rows, protocol)
    return found


def weights() -> dict[str, bytes]:
    """Return the weights of a tiny skip-thoughts encoder."""
    shapes = {"W": (LENGTH, 4), "U": (2, 4), "b": (4,), "Wx": (LENGTH, 2), "Ux": (2, 2), "bx": (2,)}
    arrays = {f"encoder_{name}": np.ones(shape, np.float32) for name, shape in shapes.items()}
    return {"weights": _written(lambda path: _save_arrays(path, arrays))}


def _save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _lines() -> dict[str, bytes]:
    return {"texts": TEXT}


def _texts(folder: Path) -> None:
    (folder / "texts.txt").write_bytes(TEXT)


def _table(folder: Path) -> None:
    (folder / "table.npy").write_bytes(tables()["float32"])


TEXT = "\n".join(TEXTS).encode()
LIBRARY_FILES: dict[str, Target] = {
    "checkpoint": Target(
        name="a.pt",
        seeds=checkpoints,
        read=load_again,
        mutate=several(on_members(PICKLE, compress=True), BYTES),
        finish=_sealed,
        errors=(gk.training.CheckpointError, OSError),
    ),
    "pickle of a checkpoint": Target(
        name="a.pt",
        seeds=pickles,
        read=load_again,
        mutate=PICKLE,
        finish=with_pickle,
        errors=(gk.training.CheckpointError, OSError),
    ),
    "newest checkpoint": Target(
        name="checkpoint-3.pt",
        seeds=lambda: {"training": checkpoints()["training"]},
        read=lambda path: gk.training.Checkpoints(path.parent).load_latest(),
        mutate=several(on_members(PICKLE, compress=False), BYTES),
        finish=_sealed,
        errors=(gk.training.CheckpointError, OSError),
        warns=_says_what_was_skipped,
    ),
    "table of vectors": Target(
        name="table.npy",
        seeds=tables,
        around=_texts,
        read=lambda path: gk.embedders.VectorTable.load(path, path.with_name("texts.txt")),
        mutate=ARRAY,
        errors=(ValueError,),
    ),
    "texts of a table": Target(
        name="texts.txt",
        seeds=_lines,
        around=_table,
        read=lambda path: gk.embedders.VectorTable.load(path.with_name("table.npy"), path),
        mutate=LINES,
        errors=(ValueError,),
    ),
    "words of skip-thoughts": Target(
        name="texts.txt",
        seeds=_lines,
        around=_table,
        read=lambda path: read_word_vectors(path, path.with_name("table.npy")),
        mutate=LINES,
        errors=(ValueError,),
    ),
    "vectors of skip-thoughts": Target(
        name="table.npy",
        seeds=lambda: tables() | object_tables(),
        around=_texts,
        read=lambda path: read_word_vectors(path.with_name("texts.txt"), path),
        mutate=several(ARRAY, on_rows),
        errors=(ValueError,),
    ),
    "weights of skip-thoughts": Target(
        name="uni_skip.npz",
        seeds=weights,
        read=lambda path: read_recurrent_weights(path, LENGTH),
        mutate=several(on_members(ARRAY, compress=True), on_members(ARRAY, compress=True), BYTES),
        errors=(ValueError,),
    ),
}
"""Files that the library reads."""
