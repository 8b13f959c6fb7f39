from argparse import Namespace
from collections import OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from gankit.training._plain import count_bytes, plain_copy


class _Pair(NamedTuple):
    one: int


def test_plain_data_comes_back_equal() -> None:
    state = {"a": [1, 2.5, True, None, "text"], 3: (torch.ones(2), {}), "nested": {"b": []}}
    copied = plain_copy(state)
    assert repr(copied) == repr(state)
    assert [type(value) for value in copied["a"]] == [int, float, bool, type(None), str]


def test_tensors_share_storage_and_parameters_become_tensors() -> None:
    parameter = nn.Parameter(torch.ones(3))
    copied = plain_copy({"p": parameter, "again": parameter})
    assert type(copied["p"]) is torch.Tensor
    assert not copied["p"].requires_grad
    assert copied["p"].data_ptr() == copied["again"].data_ptr() == parameter.data_ptr()


def test_views_are_cut_loose_from_the_storage_that_they_look_into() -> None:
    large = torch.arange(1000.0)
    copied = plain_copy({"view": large[3:5], "whole": large.view(10, 100).t()})
    assert copied["view"].untyped_storage().nbytes() == 8
    assert copied["view"].tolist() == [3.0, 4.0]
    assert copied["whole"].data_ptr() == large.data_ptr()


def test_ordered_dicts_become_dicts() -> None:
    assert type(plain_copy(OrderedDict(a=1))) is dict


@pytest.mark.parametrize(
    "value",
    [
        np.ones(2),
        np.float64(1.0),
        Namespace(a=1),
        Path("a"),
        defaultdict(int),
        deque([1]),
        {1, 2},
        _Pair(1),
        lambda: 1,
        b"bytes",
        1j,
        torch.float32,
        torch.Size([1]),
        nn.Linear(1, 1),
    ],
)
def test_other_things_are_refused_with_their_place(value: Any) -> None:
    kind = type(value)
    with pytest.raises(ValueError, match=r"^state\['average'\]\[2\]\[7\] must be a tensor, .* got ") as caught:
        plain_copy({"average": [0, 1, {7: value}]})
    assert f"{kind.__module__}.{kind.__qualname__}" in str(caught.value)


@pytest.mark.parametrize("key", [1.5, None, (1, 2), True])
def test_keys_must_be_strings_or_whole_numbers(key: Any) -> None:
    with pytest.raises(ValueError, match=r"^state\['a'\] must have keys that are strings or whole numbers"):
        plain_copy({"a": {key: 1}})


def test_bytes_of_shared_storage_count_once() -> None:
    tensor = torch.ones(5, dtype=torch.float64)
    assert count_bytes(plain_copy([tensor, {"a": tensor.view(1, 5)}, (torch.ones(3),), "text"])) == 40 + 12
