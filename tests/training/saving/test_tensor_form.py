"""Tensors whose instructions are read together: the same is allowed and refused as instruction by instruction."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from support.forged import forge, forge_state

from gankit.training import CheckpointError, load_checkpoint, save_checkpoint
from gankit.training._saving import _opcodes, _tensor_form
from gankit.training._saving._opcodes import OpcodeError, check_opcodes
from gankit.training._saving._stand_ins import StandIn, StandInError
from gankit.training._saving._tensor_form import A_NEW_KIND, AN_EARLIER_KIND, TensorForms

REBUILD = StandIn("global", is_plain=False, name="torch._utils._rebuild_tensor_v2")
FLOAT = StandIn("global", is_plain=False, name="torch.FloatStorage")
HOOKS = StandIn("global", is_plain=False, name="collections.OrderedDict")
MEMO = [None, REBUILD, "storage", FLOAT, "cpu", HOOKS]


def _parts(state: Any) -> tuple[bytes, dict[str, bytes]]:
    """Return the pickle of a state and its storages."""
    file = io.BytesIO()
    torch.save(state, file)
    with zipfile.ZipFile(file) as archive:
        data = {name.removeprefix("archive/"): archive.read(name) for name in archive.namelist()}
    return data["data.pkl"], {name[5:]: value for name, value in data.items() if name.startswith("data/")}


def _numbered(first: int, many: int) -> list[bytes]:
    return [
        b"q%c" % number if number < 256 else b"r" + number.to_bytes(4, "little")
        for number in range(first, first + many)
    ]


def _tensor(
    *, key: bytes = b"0", size: int | None = None, count: bytes = b"K\6", shape: bytes = b"K\2K\3\x86",
    strides: bytes = b"K\3K\1\x86", references: bytes = b"\2\3\4\5", first: int = 6, flag: bytes = b"\x89",
    offset: bytes = b"K\0",
) -> bytes:  # fmt: skip
    """Return what follows the reference to the function, for a float tensor of two rows and three columns if not changed."""
    storage, kind, cpu, hooks = (b"h%c" % number for number in references)
    numbers = iter(_numbered(first, 7))
    place = b"((" + storage + kind + b"X%c\0\0\0" % (len(key) if size is None else size) + key + next(numbers) + cpu
    place += count + b"t" + next(numbers) + b"Q" + offset
    for axes in (shape, strides):
        place += axes + (b"" if axes == b")" else next(numbers))
    return place + flag + hooks + b")R" + next(numbers) + b"t" + next(numbers) + b"R" + next(numbers)


def _read(data: bytes, length: int = 24, memo: list[Any] | None = None) -> _tensor_form.ReadTensor | None:
    return TensorForms(data, {"0": length}, MEMO if memo is None else memo).read(0)


@pytest.mark.parametrize(
    ("changed", "length", "many"),
    [
        ({}, 24, 7),
        ({"shape": b")", "strides": b")", "count": b"K\1"}, 4, 5),
        ({"shape": b"K\6\x85", "strides": b"K\1\x85"}, 24, 7),
        ({"shape": b"K\1K\2K\3\x87", "strides": b"K\6K\3K\1\x87"}, 24, 7),
        ({"shape": b"(K\1K\1K\2K\3t", "strides": b"(K\6K\6K\3K\1t"}, 24, 7),
        ({"shape": b"M\x2c\1\x85", "strides": b"K\1\x85", "count": b"M\x2c\1"}, 1200, 7),
        ({"shape": b"J\0\0\1\0\x85", "strides": b"K\1\x85", "count": b"J\0\0\1\0"}, 1 << 18, 7),
        ({"shape": b"K\2K\0\x86", "count": b"K\0"}, 0, 7),
    ],
)
def test_a_tensor_is_read_at_once(changed: dict[str, Any], length: int, many: int) -> None:
    data = _tensor(**changed)
    read = _read(data, length)
    assert read == (len(data), "0", length, ["0", *[None] * (many - 1)], A_NEW_KIND)


@pytest.mark.parametrize(
    "changed",
    [
        {"references": b"\2\3\4\6"},
        {"references": b"\2\3\4\3"},
        {"references": b"\2\3\4\4"},
        {"references": b"\2\3\2\5"},
        {"references": b"\4\3\4\5"},
        {"references": b"\0\3\4\5"},
        {"size": 2},
        {"first": 5},
        {"first": 7},
        {"flag": b"\x88"},
        {"offset": b"K\1"},
        {"shape": b"K\2K\3\x85"},
        {"shape": b"K\2K\3\x87"},
        {"strides": b"K\3\x86"},
        {"key": b"a"},
        {"key": b"0123456789"},
    ],
)
def test_another_form_is_left_to_the_single_instructions(changed: dict[str, Any]) -> None:
    assert _read(_tensor(**changed)) is None


def test_a_form_that_is_cut_short_is_left_too() -> None:
    data = _tensor()
    assert all(_read(data[:end]) is None for end in range(len(data)))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"shape": b"K\2K\4\x86"}, "does not fill its storage of 24 bytes"),
        ({"strides": b"K\1K\1\x86"}, "does not fill its storage of 24 bytes"),
        ({"strides": b"J\xff\xff\xff\xffK\1\x86"}, "no shape and strides of whole numbers"),
        ({"strides": b"K\1\x85"}, "no shape and strides of whole numbers"),
        ({"count": b"K\5"}, "number of elements in its 24 bytes"),
        ({"count": b"J\xfa\xff\xff\xff"}, "number of elements in its 24 bytes"),
        ({"key": b"1"}, "a storage is not in the file"),
        ({"references": b"\2\5\4\5"}, "must have a type"),
        ({"references": b"\2\0\4\5"}, "must have a type"),
    ],
)
def test_a_tensor_that_the_file_does_not_hold_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(StandInError, match=why):
        _read(_tensor(**changed))


def test_a_shape_that_was_seen_is_checked_against_each_storage() -> None:
    data = _tensor() + _tensor(key=b"1", first=13) + _tensor(key=b"2", first=20)
    memo = list(MEMO)
    forms = TensorForms(data, {"0": 24, "1": 24, "2": 20}, memo)
    at = 0
    for key, instructions in (("0", A_NEW_KIND), ("1", AN_EARLIER_KIND)):
        read = forms.read(at)
        assert read is not None
        assert (read.key, read.length, read.instructions) == (key, 24, instructions)
        at = read.end
        memo += read.numbered
    with pytest.raises(StandInError, match="storage '2' is not in the file, or not one of 24 bytes"):
        forms.read(at)


@pytest.mark.parametrize("first", [6, 246, 248, 250, 252, 254, 255, 256, 300])
def test_objects_are_numbered_in_order_with_one_byte_or_four(first: int) -> None:
    memo = [*MEMO, *[None] * (first - len(MEMO))]
    data = _tensor(first=first)
    assert _read(data, memo=memo) is not None
    assert _read(data, memo=[*memo, None]) is None
    if first <= 255:
        wide = data.replace(b"q%c" % first, b"r" + first.to_bytes(4, "little"), 1)
        assert _read(wide, memo=memo) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.uint16])
def test_what_is_refused_does_not_depend_on_how_it_is_read(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    """Each tensor of a state, with each byte of the pickle changed: read at once, and by single instructions."""
    state = {str(n): torch.ones(2, 3, dtype=dtype).t() if n % 2 else torch.ones(n, dtype=dtype) for n in range(3)}
    pickle, values = _parts(state)
    storages = {key: len(value) for key, value in values.items()}

    def verdicts() -> list[bool]:
        found = []
        for at in range(2, len(pickle)):
            for value in (pickle[at] ^ 1, 0x85):
                changed = pickle[:at] + bytes([value]) + pickle[at + 1 :]
                try:
                    check_opcodes(changed, storages)
                except OpcodeError:
                    found.append(False)
                else:
                    found.append(True)
        return found

    at_once = verdicts()
    monkeypatch.setattr(TensorForms, "read", lambda *_: None)
    assert at_once == verdicts()
    assert any(at_once)


def test_most_tensors_of_a_state_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read, found = TensorForms.read, []

    def counting(forms: TensorForms, at: int) -> Any:
        found.append(read(forms, at))
        return found[-1]

    monkeypatch.setattr(TensorForms, "read", counting)
    state = [torch.ones(n, 3) for n in range(1, 100)]
    pickle, values = _parts(state)
    check_opcodes(pickle, {key: len(value) for key, value in values.items()})
    assert len(found) == 98  # the first one spells the names out
    assert None not in found


def test_a_tensor_counts_as_some_instructions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fits(many: int, *, of_one_shape: bool) -> bool:
        state = [torch.ones(2) if of_one_shape else torch.ones(number + 1) for number in range(many)]
        try:
            save_checkpoint(tmp_path / "a.pt", state)
        except ValueError:
            return False
        return True

    monkeypatch.setattr(_opcodes, "MOST_INSTRUCTIONS", 2000)
    of_shapes = max(many for many in range(165, 200, 3) if fits(many, of_one_shape=True))
    differing = max(many for many in range(54, 76, 2) if fits(many, of_one_shape=False))
    # The reference counts as one, too.
    assert abs(of_shapes - 2000 / (AN_EARLIER_KIND + 1)) < 10
    assert abs(differing - 2000 / (A_NEW_KIND + 1)) < 5


def test_thousands_of_tensors_come_back(tmp_path: Path) -> None:
    state = {f"layer.{number}": torch.full((number % 7, 2), float(number)) for number in range(2_000)}
    save_checkpoint(tmp_path / "a.pt", state)
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert all(torch.equal(loaded[name], value) for name, value in state.items())


def test_a_changed_key_in_a_later_tensor_is_refused(tmp_path: Path) -> None:
    pickle, values = _parts([torch.ones(2), torch.ones(2), torch.ones(2), torch.ones(3)])
    forge(tmp_path / "a.pt", pickle.replace(b"X\1\0\0\x002", b"X\1\0\0\x003"), values)
    with pytest.raises(
        CheckpointError, match="storage '3' is not in the file, or not one of 8 bytes as its tensor needs"
    ):
        load_checkpoint(tmp_path / "a.pt")
    forge_state(tmp_path / "a.pt", [torch.ones(2), torch.ones(2).expand(2, 2)])
    with pytest.raises(CheckpointError, match="does not fill its storage"):
        load_checkpoint(tmp_path / "a.pt")
