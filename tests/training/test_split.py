import types
from collections import OrderedDict, UserDict, UserList, deque
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from gankit.training._split import part_of, splittable_size

FIRST = torch.arange(4.0)


class Pair(NamedTuple):
    one: Any
    other: Any


@dataclass
class _Batch:
    labels: torch.Tensor


@dataclass(slots=True)
class _Slotted:
    labels: torch.Tensor


class _Deep:
    def __init__(self) -> None:
        self.inner = {"batches": [_Batch(FIRST)]}


class _List(list[Any]):
    pass


class _Tuple(tuple[Any, ...]):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        {"labels": FIRST},
        [({"labels": FIRST}, "text", 3)],
        Pair(FIRST, FIRST),
        OrderedDict(labels=FIRST),
        deque([FIRST]),
        (FIRST, (FIRST, [FIRST])),
    ],
)
def test_containers_are_split(value: Any) -> None:
    inputs = (torch.ones(4, 2), value)
    assert splittable_size(inputs, 2) == 4
    found, expected = (repr(part) for part in (part_of(inputs, 1, 3)[1], value))
    assert found == expected.replace("0., 1., 2., 3.", "1., 2.")
    assert found != expected


@pytest.mark.parametrize(
    "value",
    [
        _Batch(FIRST),
        _Slotted(FIRST),
        _Deep(),
        types.SimpleNamespace(labels=FIRST),
        UserList([FIRST]),
        UserDict(labels=FIRST),
        _List([FIRST]),
        _Tuple([FIRST]),
        frozenset([FIRST]),
        types.MappingProxyType({"labels": FIRST}),
        pack_sequence([torch.ones(1)] * 4),
        [{"inner": _Batch(FIRST)}],
    ],
)
def test_other_holders_of_tensors_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="tuples, lists or dicts to be split, got tensors in "):
        splittable_size((torch.ones(4, 2), value), 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.arange(4), r"got a NumPy array: give torch.from_numpy\(it\)"),
        (iter([FIRST]), "the same for each part, got list_iterator, which ends after the first"),
        (torch.eye(4).to_sparse(), "dense tensors to be split, got one of layout torch.sparse_coo"),
        (torch.ones(5), r"tensors of one batch size to be split, got sizes \[4, 5\]"),
        (["a"] * 4, "got a list of 4 values, as many as samples: give a tensor, or bind it"),
        ({"texts": tuple("abcd")}, "got a tuple of 4 values, as many as samples"),
        ([[1, 2, 3, None]], "got a list of 4 values, as many as samples"),
        (deque([1, 2, 3, 4]), "got a deque of 4 values"),
    ],
)
def test_what_belongs_to_samples_and_cannot_be_split_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        splittable_size((torch.ones(4, 2), value), 2)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_nested_tensors_are_refused() -> None:
    with pytest.raises(ValueError, match="dense tensors to be split, got a nested one"):
        splittable_size((torch.ones(4, 2), torch.nested.nested_tensor([torch.ones(2)] * 4)), 2)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        3,
        torch.tensor(2.0),
        np.array(1.0),
        nn.Linear(2, 1),
        partial(max, 1),
        ["a"] * 3,
        (4, 4, 4, 4),
        Pair(1, 2),
    ],
)
def test_what_belongs_to_the_batch_goes_to_every_part(value: Any) -> None:
    inputs = (torch.ones(4, 2), value)
    assert splittable_size(inputs, 2) == 4
    assert repr(part_of(inputs, 0, 2)[1]) == repr(value)


def test_a_record_of_as_many_values_as_samples_goes_to_every_part() -> None:
    assert splittable_size((torch.ones(2, 2), Pair("a", "b")), 2) == 2


def test_one_part_takes_everything() -> None:
    assert splittable_size((torch.ones(4, 2), ["a"] * 4), 1) == 4
