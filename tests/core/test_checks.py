"""Checks of arguments, numbers of classes and versions of states."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.flop_counter import FlopCounterMode

from gankit._core import (
    as_class_counts,
    as_device,
    as_path,
    check_at_least,
    check_batch,
    check_finite,
    check_floating,
    check_fraction,
    check_positive,
    check_same_shape,
    check_version,
    values_are_readable,
)


@pytest.mark.parametrize("value", [0, 1, 0.5])
def test_fractions(value: float) -> None:
    check_fraction("share", value)


@pytest.mark.parametrize("value", [-1e-9, 1 + 1e-9, math.nan, None])
def test_what_is_no_fraction(value: float) -> None:
    with pytest.raises(ValueError, match="share must"):
        check_fraction("share", value)


def test_limits_are_strict_and_loose_where_they_say() -> None:
    check_at_least("count", 3, 3)
    with pytest.raises(ValueError, match="count must be at least 3, got 2"):
        check_at_least("count", 2, 3)
    with pytest.raises(ValueError, match="rate must be above 0, got 0"):
        check_positive("rate", 0)


@pytest.mark.parametrize("value", [0, -3, 1.5, -1e300])
def test_finite_numbers(value: float) -> None:
    check_finite("slope", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False, "1", None, 1j])
def test_what_is_no_finite_number(value: float) -> None:
    for check in (check_finite, check_positive, check_fraction):
        with pytest.raises(ValueError, match="slope must be a finite number, got "):
            check("slope", value)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_what_is_no_whole_number(value: int) -> None:
    with pytest.raises(ValueError, match="count must be a whole number, got "):
        check_at_least("count", value, 0)


def test_positive_numbers_are_above_zero() -> None:
    check_positive("rate", 1e-300)
    with pytest.raises(ValueError, match="rate must be above 0, got -1"):
        check_positive("rate", -1)


def test_ends_of_fractions_are_named() -> None:
    with pytest.raises(ValueError, match=r"share must lie in 0\.\.1, got 2"):
        check_fraction("share", 2)


def test_tensors_are_checked_for_their_kind_and_shape() -> None:
    check_floating("real", torch.ones(2, dtype=torch.bfloat16))
    check_batch("real", torch.ones(1))
    check_same_shape("fake", torch.ones(2, 3), "real", torch.zeros(2, 3))
    with pytest.raises(ValueError, match="real must be a tensor, got list"):
        check_floating("real", [1.0])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"real must be a floating-point tensor, got dtype torch\.bool"):
        check_floating("real", torch.ones(2, dtype=torch.bool))
    with pytest.raises(ValueError, match="real must have a batch axis, got a 0-d tensor"):
        check_batch("real", torch.ones(()))
    with pytest.raises(ValueError, match=r"real must not be empty, got shape \(3, 0\)"):
        check_batch("real", torch.ones(3, 0))
    with pytest.raises(ValueError, match=r"fake and real must have the same shape, got \(2, 3\) and \(3,\)"):
        check_same_shape("fake", torch.ones(2, 3), "real", torch.ones(3))


def test_values_are_readable_on_the_cpu_outside_of_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert values_are_readable(torch.ones(2))
    assert not values_are_readable(torch.ones(2, device="meta"))
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert not values_are_readable(torch.ones(2))


@pytest.mark.parametrize(
    ("mode", "pre_dispatch"), [("real", False), ("real", True), ("fake", False), ("symbolic", False)]
)
def test_values_are_not_readable_while_make_fx_traces(mode: Any, pre_dispatch: bool) -> None:
    found = []

    def program(values: torch.Tensor) -> torch.Tensor:
        found.append(values_are_readable(values))
        return values + 1

    make_fx(program, tracing_mode=mode, pre_dispatch=pre_dispatch)(torch.ones(2))
    assert found == [False]
    assert values_are_readable(torch.ones(2)), "nothing of the trace stays"


def test_values_are_not_readable_where_a_tensor_has_none_of_its_own() -> None:
    real = torch.ones(2)
    with FakeTensorMode() as mode:
        assert not values_are_readable(torch.ones(2))
        assert not values_are_readable(real), "what is made of it would be fake"
    assert not values_are_readable(mode.from_tensor(torch.ones(2)))
    found = []
    torch.vmap(lambda row: found.append(values_are_readable(row)) or row)(torch.ones(2, 3))
    assert found == [False]


def test_values_are_readable_under_a_mode_that_only_watches() -> None:
    with FlopCounterMode(display=False):
        assert values_are_readable(torch.ones(2))
    assert values_are_readable(torch.nn.Parameter(torch.ones(2)))


@pytest.mark.parametrize(("given", "wanted"), [(12, (12,)), ((12, 11), (12, 11)), ([1], (1,)), (range(2, 4), (2, 3))])
def test_a_number_is_one_attribute(given: object, wanted: tuple[int, ...]) -> None:
    assert as_class_counts(given) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [(), 0, (3, 0), True, (2.0,), 2.0, None, "12"])
def test_mistakes_are_named(wrong: object) -> None:
    with pytest.raises(ValueError, match="num_classes must"):
        as_class_counts(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [{"version": 2}, {}, None, [1]])
def test_another_version_or_none_is_refused(state: Any) -> None:
    found = state.get("version") if isinstance(state, dict) else None
    with pytest.raises(ValueError, match=f"state of a part must have version 1, got {found}"):
        check_version("a part", state, 1)


def test_the_own_version_passes() -> None:
    check_version("a part", {"version": 1}, 1)


def test_entries_that_are_missing_are_named() -> None:
    check_version("a part", {"version": 1, "a": 0, "b": None}, 1, "a", "b")
    with pytest.raises(ValueError, match=r"state of a part must hold \['a', 'b', 'c'\], got none of \['a', 'c'\]"):
        check_version("a part", {"version": 1, "b": None}, 1, "a", "b", "c")


def test_the_largest_numbers_are_finite_and_larger_ones_are_not() -> None:
    for sign in (1, -1):
        check_finite("weight", sign * sys.float_info.max)
        check_finite("weight", sign * 10**300)
        for value in (sign * 10**400, sign * math.inf):
            with pytest.raises(ValueError, match="weight must be a finite number, got"):
                check_finite("weight", value)


@pytest.mark.parametrize("device", ["cpu", "meta", torch.device("cpu")])
def test_devices_that_torch_can_use_are_returned(device: Any) -> None:
    assert as_device("device", device) == torch.device(device)


@pytest.mark.parametrize("device", ["tpu", "", None, 1.5, "cpu:x", "hpu", [1]])
def test_other_devices_are_refused_by_name(device: Any) -> None:
    with pytest.raises(ValueError, match=r"^place must be a device that this torch can use, got .+: .+$"):
        as_device("place", device)


def test_a_path_is_text_or_a_path() -> None:
    assert as_path("folder", "a/b") == as_path("folder", Path("a/b")) == Path("a/b")


@pytest.mark.parametrize("value", [None, 3, b"x", "", [Path("a")], "a\0b", True])
def test_what_is_no_path_is_refused_by_name(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^folder must be a path, got .+$"):
        as_path("folder", value)
