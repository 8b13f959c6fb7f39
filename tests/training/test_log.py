import math

import pytest
import torch
from hypothesis import given, strategies as st

from gankit.training import LogRing


@given(
    length=st.integers(1, 5),
    steps=st.lists(st.tuples(st.lists(st.sampled_from("abcde"), unique=True), st.booleans()), max_size=12),
)
def test_what_was_written_is_read_in_order_once(length: int, steps: list[tuple[list[str], bool]]) -> None:
    ring = LogRing(length)
    waiting: list[dict[str, float]] = []
    lost = 0
    for number, (names, read) in enumerate(steps):
        row = {name: float(10 * number + place) for place, name in enumerate(names)}
        ring.write({name: torch.tensor(value) for name, value in row.items()})
        lost += len(waiting) == length
        waiting = [*waiting, row][-length:]
        if read:
            assert ring.read() == waiting
            waiting = []
    assert ring.read() == waiting
    assert ring.read() == []
    assert ring.lost == lost


def test_values_are_copied_and_keep_no_graph() -> None:
    ring, weight = LogRing(3), torch.tensor(2.0, requires_grad=True)
    value = weight * 3
    ring.write({"loss": value})
    with torch.no_grad():
        value.fill_(100.0)
    assert ring._buffer is not None
    assert not ring._buffer.requires_grad
    assert ring.read() == [{"loss": 6.0}]


def test_a_first_float64_value_is_kept_whole() -> None:
    ring, precise = LogRing(3), 1 + 2.0**-40
    ring.write({"a": torch.tensor(precise, dtype=torch.float64), "b": torch.tensor(0.5)})
    ring.write({"a": torch.tensor(0.25)})
    assert ring.read() == [{"a": precise, "b": 0.5}, {"a": 0.25}]


def test_values_without_float64_are_kept_in_float32_which_all_devices_have() -> None:
    ring = LogRing(2)
    ring.write({"a": torch.tensor(1 + 2.0**-10, dtype=torch.float16)})
    ring.write({"a": torch.tensor(1.0), "b": torch.tensor(2.0)})
    assert ring._buffer is not None
    assert ring._buffer.dtype == torch.float32
    assert ring.read() == [{"a": 1 + 2.0**-10}, {"a": 1.0, "b": 2.0}]


def test_a_later_float64_value_is_kept_whole_beside_earlier_ones() -> None:
    ring, precise = LogRing(2), 1 + 2.0**-40
    ring.write({"a": torch.tensor(0.5)})
    ring.write({"a": torch.tensor(precise, dtype=torch.float64)})
    assert ring.read() == [{"a": 0.5}, {"a": precise}]


def test_rows_without_values_are_rows() -> None:
    ring = LogRing(2)
    ring.write({})
    assert ring.read() == [{}]
    ring.write({})
    ring.write({"a": torch.tensor(1.0)})
    assert ring.read() == [{}, {"a": 1.0}]


def test_the_buffer_grows_once_and_stays_where_the_first_values_are() -> None:
    ring = LogRing(2)
    ring.write({"a": torch.zeros((), device="meta"), "b": torch.zeros((), device="meta")})
    ring.write({"a": torch.zeros(())})
    first = ring._buffer
    assert first is not None
    assert first.device.type == "meta"
    ring.write({"c": torch.zeros(()), "d": torch.zeros(())})
    assert ring._buffer is first


def test_float64_values_are_kept_whole_from_the_first_on() -> None:
    ring, precise = LogRing(3), 1 + 2.0**-40
    ring.write({"a": torch.tensor(0.5)})
    ring.write({"a": torch.tensor(precise, dtype=torch.float64), "b": torch.tensor(0.25)})
    ring.write({"a": torch.tensor(3.0, dtype=torch.bfloat16), "b": torch.tensor(math.nan)})
    first, second, third = ring.read()
    assert (first, second) == ({"a": 0.5}, {"a": precise, "b": 0.25})
    assert third["a"] == 3.0
    assert math.isnan(third["b"])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (1.0, "0-d tensor, got float"),
        (torch.ones(1), r"0-d tensor, got shape \(1,\)"),
        (torch.ones(2, 3), r"0-d tensor, got shape \(2, 3\)"),
        (torch.tensor(3), "floating-point tensor, got dtype torch.int64"),
        (torch.tensor(1j), "floating-point tensor, got dtype torch.complex64"),
    ],
)
def test_other_values_are_refused_and_nothing_is_written(value: object, found: str) -> None:
    ring = LogRing(2)
    with pytest.raises(ValueError, match=rf"values\['loss'\] must be a {found}"):
        ring.write({"fine": torch.tensor(1.0), "loss": value})  # pyright: ignore[reportArgumentType]
    assert ring.read() == []


@pytest.mark.parametrize("length", [0, -1, 1.5, True])
def test_the_length_must_be_a_number_above_zero(length: int) -> None:
    with pytest.raises(ValueError, match="length must be"):
        LogRing(length)


def test_on_meta_writing_works_and_reading_says_why_not() -> None:
    ring = LogRing(2)
    ring.write({"loss": torch.zeros((), device="meta")})
    with pytest.raises(ValueError, match="got 1 rows on the meta device"):
        ring.read()


def test_a_write_that_fails_leaves_no_row() -> None:
    ring = LogRing(3)
    ring.write({"a": torch.tensor(1.0)})
    with pytest.raises(NotImplementedError, match="meta"):
        ring.write({"a": torch.tensor(1.0), "b": torch.zeros((), device="meta")})
    with pytest.raises(ValueError, match="values must be a mapping of names to 0-d tensors, got list"):
        ring.write([torch.tensor(1.0)])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="values must be named by strings, got 1"):
        ring.write({1: torch.tensor(1.0)})  # pyright: ignore[reportArgumentType]
    assert ring.read() == [{"a": 1.0}]


def test_a_ring_may_be_begun_in_inference_mode() -> None:
    ring = LogRing(3)
    with torch.inference_mode():
        ring.write({"a": torch.tensor(1.0)})
    ring.write({"a": torch.tensor(2.0)})
    assert ring.read() == [{"a": 1.0}, {"a": 2.0}]
