"""What a pickle may build, and that nothing is built before that is known."""

import math
import pickle
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from support.forged import Called, forge, forge_state, in_small_memory, members_of, quantized, sealed, zipped
from torch import nn
from torch._utils import _rebuild_tensor_v2

from gankit.training import CheckpointError, load_checkpoint, save_checkpoint
from gankit.training._saving import _opcodes
from gankit.training._saving._opcodes import OpcodeError, check_opcodes
from gankit.training._saving._plain import is_plain_state


def _deep(levels: int) -> Any:
    nested: Any = []
    for _ in range(levels):
        nested = [nested]
    return nested


def _deep_tuple(levels: int) -> Any:
    nested: Any = ()
    for _ in range(levels):
        nested = (nested,)
    return nested


def _referring(levels: int) -> Any:
    """A few hundred bytes that are a list of 10 ** levels lists for whoever copies it."""
    nested: Any = [0]
    for _ in range(levels):
        nested = [nested] * 10
    return nested


def _recursive() -> Any:
    itself: list[Any] = []
    itself.append(itself)
    return itself


SHARED = torch.arange(6.0)
STATES = {
    "a bytearray": Called(bytearray, 10**9),
    "a set": {1, 2},
    "a function": _rebuild_tensor_v2,
    "bytes": b"bytes",
    "a complex number": 1j,
    "a counter": Counter("aab"),
    "an ordered dict": OrderedDict(a=1),
    "a size": torch.Size([2]),
    "a dtype": torch.float32,
    "a device": torch.device("cpu"),
    "a parameter": nn.Parameter(torch.ones(2)),
    "a tensor with a gradient": torch.ones(2, requires_grad=True),
    "a sparse tensor": torch.eye(2).to_sparse(),
    "a tensor without values": torch.ones(2, device="meta"),
    "a quantized tensor": quantized((2,)),
    "a tensor of 2 ** 40 elements": torch.zeros(1).expand(2**40),
    "an expanded tensor": torch.zeros(3).expand(4, 3),
    "a part of a storage": torch.zeros(5)[:3],
    "a tensor with gaps": torch.zeros(4).as_strided((2,), (3,)),
    "a storage": torch.zeros(2).untyped_storage(),
    "lists of references": _referring(40),
    "a list in itself": _recursive(),
    "a dict with a switch as a key": {True: 1},
    "a dict with a tuple as a key": {(1, 2): 1},
    "a dict with a float as a key": {0.5: 1},
    "a deep list": _deep(150),
    "a deep tuple": _deep_tuple(150),
    "a number of 3000 bits": 2**3000,
    "a long tuple": (None,) * 70_000,
    "a storage that nine tensors share": [SHARED.view(2, 3) for _ in range(9)],
}


@pytest.mark.parametrize("kind", STATES)
def test_what_cannot_be_saved_cannot_be_loaded(tmp_path: Path, kind: str) -> None:
    state = STATES[kind]
    forge_state(tmp_path / "a.pt", {"step": 3, "state": [state]})
    with pytest.raises(CheckpointError, match=r"a\.pt was refused: it holds more than plain data: .* of data\.pkl\)"):
        load_checkpoint(tmp_path / "a.pt")


@pytest.mark.parametrize("kind", ["a bytearray", "a tensor of 2 ** 40 elements", "lists of references", "a long tuple"])
def test_a_refusal_takes_little_memory(tmp_path: Path, kind: str) -> None:
    forge_state(tmp_path / "a.pt", STATES[kind])

    def load() -> None:
        with pytest.raises(CheckpointError):
            load_checkpoint(tmp_path / "a.pt")

    in_small_memory(load)


MANY = 1 << 23
BOMBS = {
    "lists that are never closed": b"\x80\x02" + b"]" * MANY + b".",
    "lists in a list": b"\x80\x02](" + b"]" * (MANY // 2) + b"e.",
    "tuples in tuples": b"\x80\x02N" + b"\x85" * MANY + b".",
    "many marks": b"\x80\x02" + b"(" * MANY + b".",
    "one tuple": b"\x80\x02(" + b"N" * MANY + b"t.",
    "texts": b"\x80\x02](" + b"X\2\0\0\0ab" * (MANY // 7) + b"e.",
    "a text longer than the file": b"\x80\x02X\xff\xff\xff\x7fabc.",
    "many small lists": b"\x80\x02](" + b"]" * 1000 + b"e(" + b"]K\1a" * (MANY // 4) + b"e.",
    "many pairs": b"\x80\x02]" + b"]K\1aa" * (MANY // 5) + b".",
    "a long number": b"\x80\x02\x8b\xff\xff\xff\x7fabc.",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path, kind: str) -> None:
    forge(tmp_path / "a.pt", BOMBS[kind])

    def load() -> None:
        with pytest.raises(CheckpointError, match="it holds more than plain data"):
            load_checkpoint(tmp_path / "a.pt")

    in_small_memory(load)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not of protocol 2"),
        (b"\x80\x04N.", "it is not of protocol 2"),
        (b"\x80\x02", "it has no end"),
        (b"\x80\x02N", "it has no end"),
        (b"\x80\x02N.N.", r"instruction b'\.' builds no plain data \(byte 3 of"),
        (b"\x80\x02.", "it does not build one state"),
        (b"\x80\x02NN.", "it does not build one state"),
        (b"\x80\x02(N.", "it does not build one state"),
        (b"\x80\x02cos\nsystem\n.", r"os\.system is no part of it \(byte 3"),
        (b"\x80\x02ctorch\nload\n.", r"torch\.load is no part of it"),
        (b"\x80\x02c" + b"a" * 200 + b".", "a function without a name is no part of it"),
        (b"\x80\x02ccollections\nOrderedDict\n.", "it does not build one state"),
        (b"\x80\x02]q\x01.", "objects are not numbered in order"),
        (b"\x80\x02q\x00.", "objects are not numbered in order"),
        (b"\x80\x02]q\x00h\x00a.", "refers a second time to an object that is no short string"),
        (b"\x80\x02h\x00.", "refers a second time"),
        (b"\x80\x02X\x41\0\0\0" + b"x" * 65 + b"q\x00h\x00\x86.", "refers a second time"),
        (b"\x80\x02a.", "an object is missing"),
        (b"\x80\x02]a.", "an object is missing"),
        (b"\x80\x02](a.", "an object is missing"),
        (b"\x80\x02]e.", "the beginning of a container is missing"),
        (b"\x80\x02NNa.", "items are put into something that is no list"),
        (b"\x80\x02}Na.", "items are put into something that is no list"),
        (b"\x80\x02]NNs.", "items are put into something that is no dict"),
        (b"\x80\x02}(Nu.", "a dict has a key that is neither"),
        (b"\x80\x02}NNs.", "a dict has a key that is neither"),
        (b"\x80\x02]ccollections\nOrderedDict\na.", "a list holds a part of a tensor"),
        (b"\x80\x02ccollections\nOrderedDict\n\x85.", "it does not build one state"),
        (b"\x80\x02ccollections\nOrderedDict\n\x85\x85.", "a tensor is not built as torch.save writes it"),
        (b"\x80\x02NN\x86R.", "an object is missing"),
        (b"\x80\x02NN\x85R.", "a tensor is not built as torch.save writes it"),
        (b"\x80\x02ccollections\nOrderedDict\nNR.", "a tensor is not built"),
        (b"\x80\x02ccollections\nOrderedDict\nN\x85R.", "a tensor is not built"),
        (b"\x80\x02NQ.", "something is taken from the file that is no storage of the CPU"),
        (b"\x80\x02K.", "it has no end"),
        (b"\x80\x02G123.", "it is cut short"),
    ],
)
def test_each_refusal_says_what_and_where(data: bytes, why: str) -> None:
    with pytest.raises(OpcodeError, match=f"^it holds more than plain data: .*{why}"):
        check_opcodes(data, {})


def _tensor(
    *, kind: str = "FloatStorage", key: str = "0", place: str = "cpu", count: int = 6, offset: int = 0,
    shape: tuple[int, ...] = (2, 3), strides: tuple[int, ...] = (3, 1), needs_gradient: bool = False, more: bytes = b"",
) -> bytes:  # fmt: skip
    def text(value: str) -> bytes:
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    def number(value: int) -> bytes:
        data = value.to_bytes(9, "little", signed=True)
        return b"\x8a\x09" + data

    def several(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    storage = (
        b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text(place) + number(count) + b"tQ"
    )
    flag = b"\x88" if needs_gradient else b"\x89"
    hooks = b"ccollections\nOrderedDict\n)R"
    arguments = b"(" + storage + number(offset) + several(shape) + several(strides) + flag + hooks + more + b"t"
    return b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R."


def test_a_tensor_that_fills_its_storage_is_allowed(tmp_path: Path) -> None:
    check_opcodes(_tensor(), {"0": 24})
    forge(tmp_path / "a.pt", _tensor(shape=(3, 2), strides=(1, 3)), {"0": torch.arange(6.0).numpy().tobytes()})
    assert load_checkpoint(tmp_path / "a.pt").tolist() == [[0, 3], [1, 4], [2, 5]]
    check_opcodes(_tensor(shape=(2, 0), strides=(7, 1), count=0), {"0": 0})
    check_opcodes(_tensor(shape=(), strides=(), count=1), {"0": 4})
    check_opcodes(_tensor(shape=(1, 6), strides=(99, 1)), {"0": 24})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"shape": (2**40,), "strides": (0,)},
            r"shape \(1099511627776,\) and strides \(0,\) does not fill its storage of 24",
        ),
        ({"shape": (2, 4)}, "does not fill its storage of 24 bytes"),
        ({"shape": (2, 2)}, "does not fill its storage of 24 bytes"),
        ({"strides": (1, 1)}, "does not fill its storage"),
        ({"strides": (2, 1)}, "does not fill its storage"),
        ({"strides": (-3, 1)}, "no shape and strides of whole numbers"),
        ({"shape": (-2, -3)}, "no shape and strides of whole numbers"),
        ({"shape": (2,)}, "no shape and strides of whole numbers"),
        ({"shape": (2**64, 0), "strides": (1, 1)}, "no shape and strides of whole numbers"),
        ({"shape": (1,) * 65, "strides": (1,) * 65}, "no shape and strides of whole numbers"),
        ({"offset": 1}, "a tensor is not built as torch.save writes it"),
        ({"needs_gradient": True}, "a tensor is not built as torch.save writes it"),
        ({"more": b"N"}, "a tensor is not built as torch.save writes it"),
        ({"key": "1"}, "a storage is not in the file"),
        ({"key": "00"}, "a storage is not in the file"),
        ({"place": "cuda:0"}, "no storage of the CPU"),
        ({"place": "meta"}, "no storage of the CPU"),
        ({"kind": "DoubleStorage"}, "must have a type and the number of elements in its 24 bytes"),
        ({"kind": "QInt8Storage"}, "torch.QInt8Storage is no part of it"),
        ({"kind": "float32"}, "must have a type and the number of elements"),
        ({"count": 5}, "must have a type and the number of elements in its 24 bytes"),
        ({"count": -6}, "must have a type and the number of elements in its 24 bytes"),
    ],
)
def test_any_other_tensor_is_refused(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    forge(tmp_path / "a.pt", _tensor(**changed), {"0": bytes(24)})
    with pytest.raises(CheckpointError, match=why):
        load_checkpoint(tmp_path / "a.pt")


def test_every_storage_of_the_file_belongs_to_a_tensor() -> None:
    with pytest.raises(OpcodeError, match="storage '1' belongs to no tensor"):
        check_opcodes(_tensor(), {"0": 24, "1": 8})


def test_tied_tensors_of_early_versions_still_share_a_storage(tmp_path: Path) -> None:
    forge_state(tmp_path / "a.pt", {"one": SHARED.detach(), "other": SHARED.detach(), "turned": SHARED.view(2, 3).t()})
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert loaded["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert torch.equal(loaded["one"], SHARED)
    assert torch.equal(loaded["other"], SHARED)


DTYPES = [
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128, torch.complex32),
    *(
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.bool,
        torch.uint16,
        torch.uint32,
        torch.uint64,
    ),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_every_dtype_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    tensor = torch.arange(6).view(2, 3).to(dtype)
    save_checkpoint(tmp_path / "a.pt", [tensor, tensor.t(), tensor[:0]])
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert [one.dtype for one in loaded] == [dtype] * 3
    assert [one.stride() for one in loaded[:2]] == [(3, 1), (1, 3)]
    assert loaded[0].view(torch.uint8).tolist() == tensor.view(torch.uint8).tolist()


@pytest.mark.parametrize("levels", [98, 99, 100])
def test_what_is_nested_as_deeply_as_allowed_comes_back(tmp_path: Path, levels: int) -> None:
    state = _deep(levels)
    save_checkpoint(tmp_path / "a.pt", state)
    assert load_checkpoint(tmp_path / "a.pt") == state


def _valid() -> tuple[bytes, dict[str, bytes]]:
    """The pickle and the storages of a state with something of each kind."""
    import io
    import zipfile

    tensor = torch.arange(4, dtype=torch.float32)
    state = {
        "a": [tensor, 1, 2.5, True, None],
        3: ("text", -(2**40)),
        "b": {"c": [[], {}, ()]},
        "d": torch.ones(2, 2).t(),
    }
    file = io.BytesIO()
    torch.save(state, file)
    with zipfile.ZipFile(file) as archive:
        data = {name.removeprefix("archive/"): archive.read(name) for name in archive.namelist()}
    return data["data.pkl"], {name[5:]: value for name, value in data.items() if name.startswith("data/")}


PICKLE, VALUES = _valid()
INSTRUCTIONS = b"()]}.NRQacehjqrstuXGKMJ\x80\x85\x86\x87\x88\x89\x8a\x8b"
CHANGES = st.lists(
    st.tuples(
        st.integers(2, len(PICKLE) - 1),
        st.sampled_from(["set", "insert", "remove", "double"]),
        st.one_of(st.integers(0, 255), st.sampled_from(list(INSTRUCTIONS))),
    ),
    min_size=1,
    max_size=3,
)


@given(changes=CHANGES)
def test_whatever_the_bytes_are_a_plain_state_or_an_error_comes_back(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, str, int]]
) -> None:
    data = bytearray(PICKLE)
    for place, how, value in changes:
        at = min(place, len(data) - 1)
        if how == "set":
            data[at] = value
        elif how == "insert":
            data.insert(at, value)
        elif how == "remove":
            del data[at : at + 1 + value % 4]
        else:
            data[at:at] = data[at : at + 1 + value % 40]
    path = tmp_path_factory.mktemp("forged") / "a.pt"
    path.write_bytes(sealed(zipped(members_of(bytes(data), VALUES))))
    try:
        state = load_checkpoint(path)
    except CheckpointError:
        return
    assert is_plain_state(state)
    assert math.isfinite(len(repr(state)))


@pytest.mark.parametrize(
    "numbers", [[1, 300, 70_000, -1, 0.5, None, True, False] * 700, [0.25] * 1001, [None], [101] * 2000]
)
def test_long_lists_of_numbers_come_back(tmp_path: Path, numbers: list[Any]) -> None:
    """Bytes of numbers may look like instructions: 101 is the one that ends a list."""
    state = {"numbers": numbers, "more": [numbers, "text", numbers[:1]], "pairs": [[1, 0.5], (2, 0.25)]}
    save_checkpoint(tmp_path / "a.pt", state)
    assert load_checkpoint(tmp_path / "a.pt") == state


@pytest.mark.parametrize(
    "data", [b"\x80\x02(K\1e.", b"\x80\x02}(K\1e.", b"\x80\x02](](K\1ee(Ne\x88.", b"\x80\x02](}(K\1ee."]
)
def test_numbers_are_put_into_lists_only(data: bytes) -> None:
    with pytest.raises(OpcodeError):
        check_opcodes(data, {})


def test_numbers_in_lists_are_no_instructions_but_count_by_their_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_opcodes, "MOST_INSTRUCTIONS", 1000)
    numbers = [0.5, 7] * 5_000  # 11 bytes each pair, and five marks
    save_checkpoint(tmp_path / "a.pt", numbers)
    assert load_checkpoint(tmp_path / "a.pt") == numbers
    with pytest.raises(ValueError, match="more than 1000 instructions"):
        save_checkpoint(tmp_path / "a.pt", numbers + numbers)


CROWDS = {
    "lists of one number": b"]K\1a",
    "empty lists": b"]",
    "empty tuples": b")",
    "pairs of numbers": b"K\1K\2\x86",
    "texts": b"X\1\0\0\0a",
    "long numbers": b"\x8a\1\1",
    "marks without numbers": b"](e",
}


@pytest.mark.parametrize("kind", CROWDS)
def test_a_crowd_of_small_objects_is_refused_soon(kind: str) -> None:
    """Counted, since a time depends on the machine: no more bytes are gone through than MOST_INSTRUCTIONS instructions have."""
    item = CROWDS[kind]
    data = b"\x80\x02]" + (b"(" + item * 1000 + b"e") * 1000 + b"."
    with pytest.raises(
        OpcodeError, match=f"more than {_opcodes.MOST_INSTRUCTIONS} instructions.*byte ([0-9]+) of"
    ) as error:
        check_opcodes(data, {})
    place = int(str(error.value).rpartition("(byte ")[2].partition(" ")[0])
    assert place <= (_opcodes.MOST_INSTRUCTIONS + 10) * len(item)


@pytest.mark.parametrize("state", [[[0]] * 500, ["text"] * 1000, [{"a": 0.5}] * 300])
def test_what_could_not_be_loaded_is_not_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: Any) -> None:
    monkeypatch.setattr(_opcodes, "MOST_INSTRUCTIONS", 1000)
    save_checkpoint(tmp_path / "a.pt", 1)
    why = "state must be one that can be loaded again, and is not: .*more than 1000 instructions: put long lists of numbers"
    with pytest.raises(ValueError, match=why):
        save_checkpoint(tmp_path / "a.pt", state)
    assert load_checkpoint(tmp_path / "a.pt") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_a_pickle_of_another_pickler_is_refused(tmp_path: Path) -> None:
    """One that writes no numbers of objects, or in protocol 4: no version of gankit did."""
    forge(tmp_path / "a.pt", pickle.dumps([1], protocol=4))
    with pytest.raises(CheckpointError, match="it is not of protocol 2"):
        load_checkpoint(tmp_path / "a.pt")
