import math
import sys
from argparse import Namespace
from collections import Counter, OrderedDict, defaultdict, deque
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit.training import load_checkpoint, save_checkpoint
from gankit.training._saving._plain import LONGEST_NUMBER, count_bytes, is_plain_state, plain_copy, plain_tensor


class _Pair(NamedTuple):
    one: float


class _Color(StrEnum):
    RED = "red"


class _Number(int):
    pass


class _List(list[Any]):
    pass


QUANTIZED = {torch.qint8, torch.quint8, torch.qint32, torch.quint4x2, torch.quint2x4}


def _bytes(folder: Path, state: Any) -> bytes:
    save_checkpoint(folder / "a.pt", state)
    return (folder / "a.pt").read_bytes()


def _dressed(tensor: torch.Tensor, way: int) -> torch.Tensor:
    """Return an equal tensor of another making: a parameter, a view of more, an expanded one, or one of odd strides."""
    if way == 0:
        return nn.Parameter(tensor.clone(), requires_grad=tensor.is_floating_point())
    if way == 1:
        larger = torch.empty_strided((2, *tensor.shape), (tensor.numel(), *tensor.stride()), dtype=tensor.dtype)
        return larger[1].copy_(tensor)
    if way == 2:
        return tensor.unsqueeze(0).expand(7, *tensor.shape)[5]
    strides = [stride if size > 1 else 77 for size, stride in zip(tensor.shape, tensor.stride(), strict=True)]
    return tensor.as_strided(tensor.shape, strides)


def _twin(state: Any, way: int) -> Any:
    """Return an equal state in which other things are one object: none, or all that are equal."""
    if isinstance(state, torch.Tensor):
        return _dressed(state, way)
    if isinstance(state, str):
        return sys.intern(state) if way % 2 else "".join(list(state))
    if isinstance(state, dict):
        kind = OrderedDict if way % 2 else dict
        return kind((_twin(key, way), _twin(value, way)) for key, value in state.items())
    if isinstance(state, list | tuple):
        return type(state)(_twin(item, way) for item in state)
    return state


TENSORS = [
    torch.tensor(3),
    torch.zeros(0),
    torch.zeros(2, 0, 3),
    torch.ones(3),
    torch.tensor([math.nan, -0.0, math.inf]),
    torch.arange(6.0).reshape(2, 3, 1),
    torch.arange(24.0).reshape(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
    torch.arange(6.0).reshape(2, 3).t(),
]
TEXTS = ["", "a", "0", "10", "cpu", "storage", "exp_avg", "\ud800", "x" * 300]
# Lists of few kinds of leaves: the same leaf, and the same object, comes several times.
LEAVES = st.sampled_from([*TENSORS, *TEXTS, None, True, 1, 1.0, 0.0, -0.0, math.nan, -(2**70)])
STATES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.one_of(st.sampled_from(TEXTS), st.integers(-3, 12)), inner, max_size=4),
        inner.map(lambda item: [item, item]),
    ),
    max_leaves=8,
)


@given(state=STATES, way=st.integers(0, 3))
def test_equal_states_save_as_equal_bytes_whatever_their_objects_share(
    tmp_path_factory: pytest.TempPathFactory, state: Any, way: int
) -> None:
    folder = tmp_path_factory.mktemp("equal")
    expected = _bytes(folder, state)
    assert _bytes(folder, _twin(state, way)) == expected
    assert _bytes(folder, load_checkpoint(folder / "a.pt")) == expected


def test_an_empty_tensor_that_comes_twice_saves_as_two_do(tmp_path: Path) -> None:
    empty = torch.zeros(0)
    assert _bytes(tmp_path, [empty, empty]) == _bytes(tmp_path, [torch.zeros(0), torch.zeros(0)])


def test_tied_tensors_save_as_equal_ones_and_come_back_apart(tmp_path: Path) -> None:
    tensor = torch.arange(6.0)
    tied = {"one": tensor, "other": tensor, "part": tensor[:3], "turned": tensor.reshape(2, 3).t()}
    apart = {name: value.clone() for name, value in tied.items()}
    assert _bytes(tmp_path, tied) == _bytes(tmp_path, apart)
    loaded = load_checkpoint(tmp_path / "a.pt")
    loaded["one"].zero_()
    assert all(torch.equal(loaded[name], apart[name]) for name in ("other", "part", "turned"))


@pytest.mark.parametrize(
    "different",
    [
        [1, 1.0, True],
        [0, 0.0, -0.0, False, None],
        [(1, 2), [1, 2]],
        [math.nan, math.inf, -math.inf],
        ["1", 1, "\u0661"],
        [{"a": 1, "b": 2}, {"b": 2, "a": 1}, [["a", 1], ["b", 2]]],
        [torch.zeros(2), -torch.zeros(2), torch.zeros(2, 1), torch.zeros(2, dtype=torch.float64), [0.0, 0.0]],
        [torch.zeros(2, 3), torch.zeros(3, 2), torch.zeros(3, 2).t()],
    ],
)
def test_states_that_differ_save_as_other_bytes(tmp_path: Path, different: list[Any]) -> None:
    assert len({_bytes(tmp_path, [state]) for state in different}) == len(different)


@pytest.mark.parametrize("number", [2**2039 - 1, -(2**2039) + 1], ids=["above", "below"])
def test_the_longest_numbers_come_back_and_longer_ones_are_refused(tmp_path: Path, number: int) -> None:
    save_checkpoint(tmp_path / "a.pt", {number: number})
    assert load_checkpoint(tmp_path / "a.pt") == {number: number}
    longer = number * 2
    for state in ([longer], {"a": {longer: 1}}):
        with pytest.raises(ValueError, match=r"whole numbers of at most 2039 bits, got one of 2040"):
            plain_copy(state)


def test_a_state_that_holds_itself_or_is_too_deep_is_refused() -> None:
    itself: list[Any] = []
    itself.append(itself)
    deep: Any = 0
    for _ in range(100_000):
        deep = [deep]
    for state in (itself, deep):
        with pytest.raises(
            ValueError, match=r"^state must not be nested more than 100 levels deep, and must not hold itself"
        ):
            plain_copy(state)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(2, device="meta"), r"^state\[0\] must be a tensor with values, got one on the meta device"),
        (
            torch.eye(2).to_sparse(),
            r"^state\[0\] must be a dense tensor of numbers, got one of layout torch.sparse_coo",
        ),
        *(
            (
                torch.empty(size, dtype=getattr(torch, name)),
                rf"^state\[0\] must be .*, got one of torch.{name}, which torch",
            )
            for name, size in (("uint1", 4), ("uint7", 0), ("int1", 0), ("int7", 4))
        ),
    ],
    ids=["meta", "sparse", "uint1", "uint7", "int1", "int7"],
)
def test_tensors_without_plain_values_are_refused(tensor: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plain_copy([tensor])


def test_plain_data_comes_back_equal() -> None:
    state = {"a": [1, 2.5, True, None, "text"], 3: (torch.ones(2), {}), "nested": {"b": []}}
    copied = plain_copy(state)
    assert repr(copied) == repr(state)
    assert [type(value) for value in copied["a"]] == [int, float, bool, type(None), str]


def test_a_plain_tensor_shares_its_storage_with_the_copy_and_parameters_become_tensors() -> None:
    parameter = nn.Parameter(torch.ones(3))
    copied = plain_copy({"p": parameter, "again": parameter})
    assert type(copied["p"]) is torch.Tensor
    assert not copied["p"].requires_grad
    assert copied["p"].data_ptr() == parameter.data_ptr()
    assert copied["again"].data_ptr() != parameter.data_ptr()
    assert torch.equal(copied["again"], parameter)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, a=1), {"a": 1}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (_Pair(1), (1,)),
        (torch.Size([2, 3]), (2, 3)),
        (deque([1]), [1]),
        (_List([1]), [1]),
        (_Color.RED, "red"),
        (np.str_("text"), "text"),
        (_Number(3), 3),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        ({np.int64(3): 1, _Color.RED: 2}, {3: 1, "red": 2}),
        ([defaultdict(list, {"a": [_Pair(np.float64(1.0))]})], [{"a": [(1.0,)]}]),
    ],
)
def test_relatives_of_plain_things_become_plain(tmp_path: Path, value: Any, plain: Any) -> None:
    copied = plain_copy(value)
    assert repr(copied) == repr(plain)
    assert _bytes(tmp_path, value) == _bytes(tmp_path, plain)
    assert repr(load_checkpoint(tmp_path / "a.pt")) == repr(plain)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        (np.ones(2), r"so give torch.from_numpy\(it\)$"),
        ({1, 2}, r"so give sorted\(it\)$"),
        (b"bytes", r"so give list\(it\)$"),
        (torch.float32, "so give its name$"),
        (Path("a"), "so turn it into these$"),
    ],
)
def test_the_message_says_what_to_save_instead(value: Any, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        plain_copy([value])


@pytest.mark.parametrize(
    "value",
    [
        np.ones(2),
        Namespace(a=1),
        Path("a"),
        {1, 2},
        lambda: 1,
        b"bytes",
        1j,
        np.complex64(1),
        torch.float32,
        nn.Linear(1, 1),
    ],
)
def test_other_things_are_refused_with_their_place(value: Any) -> None:
    kind = complex if isinstance(value, np.generic) else type(value)
    with pytest.raises(ValueError, match=r"^state\['average'\]\[2\]\[7\] must be a tensor, .* got ") as caught:
        plain_copy({"average": [0, 1, {7: value}]})
    assert f"{kind.__module__}.{kind.__qualname__}" in str(caught.value)


@pytest.mark.parametrize("key", [1.5, None, (1, 2), True])
def test_keys_must_be_strings_or_whole_numbers(key: Any) -> None:
    with pytest.raises(ValueError, match=r"^state\['a'\] must have keys that are strings or whole numbers"):
        plain_copy({"a": {key: 1}})


def test_bytes_of_shared_storage_count_once() -> None:
    tensor = torch.ones(5, dtype=torch.float64)
    assert count_bytes(plain_copy({"a": {3: tensor}, "b": [torch.ones(7)]})) == 40 + 28
    assert count_bytes([tensor, {"a": tensor.view(1, 5)}, (torch.ones(3),), "text"]) == 40 + 12
    assert count_bytes(plain_copy([tensor, tensor])) == 80


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_quantized_tensors_are_refused() -> None:
    quantized = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    with pytest.raises(ValueError, match=r"^state\['a'\] must be a dense tensor of numbers, got a quantized one"):
        plain_copy({"a": quantized})


CHANNELS_LAST = torch.arange(60.0).reshape(2, 3, 5, 2).contiguous(memory_format=torch.channels_last)
VOLUME = torch.arange(120.0).reshape(2, 3, 5, 2, 2).contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(
    ("tensor", "strides"),
    [
        (torch.ones(7, 3), (3, 1)),
        (torch.ones(7, 3).t(), (1, 3)),
        (CHANNELS_LAST, (30, 1, 6, 3)),
        (CHANNELS_LAST[1:], (30, 1, 6, 3)),
        (VOLUME, (60, 1, 12, 6, 3)),
        (torch.ones(2, 3, 1, 5).contiguous(memory_format=torch.channels_last), (15, 1, 15, 3)),
        (torch.ones(2, 3, 1, 5, 2).contiguous(memory_format=torch.channels_last_3d), (30, 1, 30, 6, 3)),
        (torch.ones(2, 3, 5).permute(1, 2, 0), (5, 1, 15)),
        (torch.ones(3, 5, 2, 1).permute(2, 3, 0, 1), (1, 30, 10, 2)),
    ],
)
def test_dense_tensors_keep_their_memory_format(tensor: torch.Tensor, strides: tuple[int, ...]) -> None:
    plain = plain_tensor(tensor, set())
    assert plain.stride() == strides
    assert torch.equal(plain, tensor)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(3).expand(5, 3),
        torch.arange(6.0).as_strided((2, 3), (0, 1)),  # of a storage that is as large as the tensor
        torch.arange(35.0).reshape(5, 7)[:, 2:5],
        torch.arange(35.0).reshape(5, 7)[::2].t(),
        torch.arange(7.0).as_strided((3, 3), (2, 1)),
        torch.zeros(0, 3).t(),
    ],
)
def test_others_become_contiguous(tensor: torch.Tensor) -> None:
    plain = plain_tensor(tensor, set())
    assert plain.stride() == torch.empty(tensor.shape).stride()
    assert plain.untyped_storage().nbytes() == tensor.numel() * 4
    assert torch.equal(plain, tensor)


def test_a_part_of_a_storage_is_copied_and_a_whole_one_is_not() -> None:
    large = torch.arange(1000.0)
    part, whole = plain_tensor(large[3:5], set()), plain_tensor(large.view(10, 100).t(), set())
    assert part.untyped_storage().nbytes() == 8
    assert part.tolist() == [3.0, 4.0]
    assert whole.data_ptr() == large.data_ptr()
    assert whole.stride() == (1, 100)
    byte = torch.tensor([7], dtype=torch.uint8)
    assert plain_tensor(byte, set()).data_ptr() == byte.data_ptr()


def test_no_two_results_share_a_storage() -> None:
    taken: set[int] = set()
    tensor = torch.arange(6.0)
    results = [plain_tensor(view, taken) for view in (tensor, tensor, tensor.view(2, 3), tensor.view(2, 3).t())]
    assert len({result.data_ptr() for result in results}) == 4
    assert results[0].data_ptr() == tensor.data_ptr()


@given(way=st.permutations(range(4)), sizes=st.permutations([1, 1, 2, 3]))
def test_strides_of_axes_of_length_one_do_not_count(way: list[int], sizes: list[int]) -> None:
    tensor = torch.arange(6.0).reshape(sizes).permute(way)
    odd = tensor.as_strided(
        tensor.shape, [s if n > 1 else 31 for n, s in zip(tensor.shape, tensor.stride(), strict=True)]
    )
    plain, other = plain_tensor(tensor, set()), plain_tensor(odd, set())
    assert plain.stride() == other.stride()
    assert torch.equal(plain, tensor)
    assert plain.data_ptr() == tensor.data_ptr() == other.data_ptr()
    assert plain_tensor(plain, set()).stride() == plain.stride()


def test_conjugates_and_negatives_are_resolved() -> None:
    numbers = torch.tensor([1 + 2j, 3 - 1j])
    for lazy in (numbers.conj(), numbers.conj().imag):
        plain = plain_tensor(lazy, set())
        assert not plain.is_conj()
        assert not plain.is_neg()
        assert torch.equal(plain, lazy)


def test_nothing_of_the_graph_stays_and_the_tensor_is_not_changed() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    weight.note = "kept"  # pyright: ignore[reportAttributeAccessIssue]
    plain = plain_tensor(weight, set())
    assert type(plain) is torch.Tensor
    assert not plain.requires_grad
    assert not hasattr(plain, "note")
    assert weight.requires_grad
    computed = plain_tensor(weight * 2, set())
    assert computed.grad_fn is None


@pytest.mark.cuda
def test_tensors_come_to_the_cpu() -> None:
    assert plain_tensor(CHANNELS_LAST.cuda(), set()).device.type == "cpu"


class _Text(str):
    __slots__ = ()


ODD_ITEMS = [
    {1},
    b"bytes",
    1j,
    object(),
    _Number(3),
    _Text("a"),
    OrderedDict(a=1),
    1 << LONGEST_NUMBER,
    np.float64(1.0),
    nn.Parameter(torch.ones(1)),
    torch.ones(1, requires_grad=True),
    torch.ones(2).to_sparse(),
    torch.ones(1, device="meta"),
    {1.0: 1},
    {None: 1},
    {True: 1},
    {(1, 2): 1},
]


@pytest.mark.parametrize("odd", ODD_ITEMS, ids=lambda odd: str(odd)[:20])
def test_what_is_loaded_is_looked_through_once_more(odd: Any) -> None:
    plain = {"a": [1, (2.0, "b", None, True)], 3: torch.ones(2), "c": {}}
    assert is_plain_state(plain)
    for state in (odd, [odd, 1], (odd,), {**plain, "odd": odd}, {"odd": odd, **plain}, [[[{"a": (odd, 1)}]]]):
        assert not is_plain_state(state)


def test_a_default_device_is_not_that_of_a_copy(tmp_path: Path) -> None:
    with torch.device("meta"):  # as torch.set_default_device("cuda") does
        numbers = torch.arange(6.0, device="cpu")
        save_checkpoint(tmp_path / "a.pt", [numbers[:3], numbers, numbers[::2]])
        loaded = load_checkpoint(tmp_path / "a.pt")
    assert [one.tolist() for one in loaded] == [[0, 1, 2], [0, 1, 2, 3, 4, 5], [0, 2, 4]]


@pytest.mark.filterwarnings("ignore:ComplexHalf support is experimental")
def test_every_dtype_of_torch_is_saved_or_refused_by_its_place(tmp_path: Path) -> None:
    dtypes = {value for value in vars(torch).values() if isinstance(value, torch.dtype)}
    refused = set()
    for dtype in dtypes - QUANTIZED:
        try:
            save_checkpoint(tmp_path / "a.pt", {"a": torch.empty(4, dtype=dtype)})
        except ValueError as error:
            assert str(error).startswith("state['a'] must be a dense tensor of numbers, got one of")  # noqa: PT017
            refused.add(str(dtype))
        else:
            assert load_checkpoint(tmp_path / "a.pt")["a"].dtype == dtype
    assert refused == {f"torch.{kind}{bits}" for kind in ("int", "uint") for bits in range(1, 8)}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused() -> None:
    nested = torch.nested.as_nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.strided)
    with pytest.raises(ValueError, match=r"^state\['a'\] must be a dense tensor of numbers, got a nested one"):
        plain_copy({"a": nested})
