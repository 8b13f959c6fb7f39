"""Checks of what a state holds, and values shortened for messages."""

from typing import Any

import pytest
import torch
from torch import distributed

from gankit._core import brief, check_count, dense_tensor, has_group


@pytest.mark.parametrize("value", [0, 1, 2**63 - 1])
def test_counts(value: int) -> None:
    check_count("a stepper", "updates", value)


@pytest.mark.parametrize("value", [-1, 2**63, 10**20, True, 1.0, "1", None, torch.tensor(1)])
def test_what_is_no_count(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^state of a stepper must hold updates as a whole number of 0 or more, got "):
        check_count("a stepper", "updates", value)


def test_dense_tensors_are_returned_as_they_are() -> None:
    for value in (torch.ones(3), torch.tensor(2), torch.ones(2, 3).t()):
        assert dense_tensor("a pool", "samples", value) is value
    empty = torch.ones(2, device="meta")
    assert dense_tensor("a pool", "samples", empty, needs_values=False) is empty


@pytest.mark.parametrize("value", [None, 1.0, [1.0], torch.eye(2).to_sparse()])
def test_what_is_no_dense_tensor(value: Any) -> None:
    for needs_values in (True, False):
        with pytest.raises(ValueError, match=r"^state of a pool must hold samples as a dense tensor, got "):
            dense_tensor("a pool", "samples", value, needs_values=needs_values)


def test_a_tensor_without_values_is_refused_where_they_are_needed() -> None:
    with pytest.raises(ValueError, match=r"^state of a pool must hold samples with values, got a tensor on meta$"):
        dense_tensor("a pool", "samples", torch.ones(2, device="meta"))


def test_long_values_are_shortened_in_the_middle() -> None:
    assert brief("x" * 78) == repr("x" * 78)
    assert len(repr("x" * 78)) == 80
    assert brief("x" * 79) == "'" + "x" * 39 + " ... " + "x" * 19 + "'"
    assert brief("x" * 10, most=8) == "'xxx ... x'"
    assert brief(10**5000) == "one of type int"


def test_tensors_are_described_but_for_single_numbers() -> None:
    assert brief(torch.tensor(2.5)) == "tensor(2.5000)"
    assert brief(torch.tensor([2])) == "tensor([2])"
    assert brief(torch.tensor([1, 2])) == "a tensor of shape (2,) and dtype torch.int64"


@pytest.mark.parametrize(("available", "initialized"), [(True, True), (True, False), (False, True), (False, False)])
def test_there_is_a_group_where_one_was_made(
    monkeypatch: pytest.MonkeyPatch, available: bool, initialized: bool
) -> None:
    monkeypatch.setattr(distributed, "is_available", lambda: available)
    monkeypatch.setattr(distributed, "is_initialized", lambda: initialized)
    assert has_group() is (available and initialized)
