import math
import random
from types import SimpleNamespace
from typing import Any, Self
from unittest import mock

import numpy as np
import pytest
import torch

from gankit.training import load_checkpoint, load_random_state, random_state, save_checkpoint
from gankit.training._saving import _random
from gankit.training._saving._plain import plain_copy


def _draws() -> list[float]:
    return [float(torch.rand(())), random.random(), float(np.random.random())]  # noqa: NPY002


def test_all_generators_go_on_where_they_were(tmp_path) -> None:
    random.gauss()
    save_checkpoint(tmp_path / "a.pt", random_state())
    first = _draws()
    assert _draws() != first
    load_random_state(load_checkpoint(tmp_path / "a.pt"))
    assert _draws() == first


def test_python_may_be_left_out() -> None:
    state = random_state(python=False)
    assert state.keys() == {"version", "cpu", "devices"}
    load_random_state(state)


@pytest.mark.parametrize("name", ["cpu", "python", "numpy"])
@pytest.mark.parametrize("value", [None, torch.ones(3), [1, [2], None]])
def test_what_is_not_such_a_state_is_refused_and_changes_nothing(name: str, value: Any) -> None:
    before = torch.get_rng_state()
    state = random_state()
    torch.rand(3)
    now = torch.get_rng_state()
    with pytest.raises(
        ValueError, match=r"state of the random numbers must (hold cpu as|be one that random_state returned, got: )"
    ):
        load_random_state({**state, name: value})
    assert torch.equal(torch.get_rng_state(), now)
    assert not torch.equal(before, now)
    with pytest.raises(ValueError, match="state of the random numbers must have version 1, got None"):
        load_random_state({"cpu": state["cpu"]})


@pytest.mark.parametrize(
    ("place", "values", "why"),
    [
        (0, ["MT19938", None], "legacy|generator|PRNG|MT19937|algorithm"),
        (
            1,
            [[0] * 623, [0] * 625, [0] * 623 + [1 << 32], [-1] + [0] * 623, [True] * 624, [0.5] * 624],
            "624 of 32 bits",
        ),
        (2, [-1, 625, True, 3.0, None], r"place in the numbers of NumPy must lie in 0\.\.624"),
        (3, [-1, 2, None], "next normal number of NumPy must be a finite number"),
        (4, [math.nan, math.inf, 1, None], "next normal number of NumPy must be a finite number"),
    ],
)
def test_numbers_that_numpy_would_not_check_are_refused(place: int, values: list[Any], why: str) -> None:
    for value in values:
        state = random_state()
        state["numpy"] = [*state["numpy"][:place], value, *state["numpy"][place + 1 :]]
        _draws()
        kept = random_state()
        with pytest.raises(ValueError, match=why):
            load_random_state(state)
        assert repr(random_state()) == repr(kept)


@pytest.mark.parametrize("gauss", [math.nan, math.inf, 1, "1"])
def test_a_next_normal_number_of_python_must_be_a_finite_number(gauss: Any) -> None:
    state = random_state()
    state["python"] = [*state["python"][:2], gauss]
    with pytest.raises(ValueError, match="next normal number of Python must be a finite number or None"):
        load_random_state(state)


@pytest.mark.parametrize(("has_gauss", "place"), [(0, 0), (1, 624)])
def test_the_ends_of_what_numpy_may_hold_are_taken(has_gauss: int, place: int) -> None:
    state = random_state()
    kind = state["numpy"][0]
    state["numpy"] = [kind, [(1 << 32) - 1] * 623 + [0], place, has_gauss, 0.5]
    load_random_state(state)
    assert random_state()["numpy"] == plain_copy(state["numpy"])


class _Devices:
    """A machine with some devices, as torch shows them."""

    def __init__(self, kind: str, count: int, *, used: bool = True) -> None:
        self.kind, self.count = kind, count
        self.states = [torch.tensor([number]) for number in range(count)]
        self.module = SimpleNamespace(is_initialized=lambda: used, get_rng_state=self._get, set_rng_state=self._set)

    def _get(self, number: int = 0) -> torch.Tensor:
        return self.states[number]

    def _set(self, state: torch.Tensor, number: int = 0) -> None:
        self.states[number] = state

    def __enter__(self) -> Self:
        found = (self.kind, self.module, self.count) if self.count else ("", None, 0)
        self._patch = mock.patch.object(_random, "_accelerator", return_value=found)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()


NONE = ("", 0)


@pytest.mark.parametrize(
    ("there", "here", "note"),
    [
        (("cuda", 2), ("cuda", 1), "the state has 2 cuda devices, this machine has 1$"),
        (("cuda", 2), NONE, "the state has 2 cuda devices, this machine has 0$"),
        (("cuda", 1), NONE, "the state has 1 cuda device, this machine has 0$"),
        (("cuda", 1), ("cuda", 2), "this machine has 2 cuda devices, the state has 1$"),
        (NONE, ("cuda", 2), "the state has no cuda device, this machine has 2$"),
        (
            ("cuda", 1),
            ("mps", 1),
            "the state has 1 cuda device, .* 0; the state has no mps device, this machine has 1$",
        ),
    ],
)
def test_another_machine_takes_what_fits_and_says_what_does_not(there: Any, here: Any, note: str) -> None:
    with _Devices(*there) as saved:
        saved.states = [state + 7 for state in saved.states]
        state = random_state()
    torch.rand(3)
    with _Devices(*here) as found, pytest.warns(UserWarning, match=note) as warned:
        load_random_state(state)
    assert len(warned) == 1
    assert torch.equal(torch.get_rng_state(), state["cpu"])
    common = min(there[1], here[1]) if there[0] == here[0] else 0
    assert [int(each) for each in found.states] == [*range(7, 7 + common), *range(common, here[1])]


@pytest.mark.parametrize("machine", [("cuda", 1), ("cuda", 2), ("mps", 1), NONE])
def test_an_equal_machine_takes_all_and_says_nothing(machine: Any) -> None:
    with _Devices(*machine) as devices:
        state = random_state()
        devices.states = [each + 7 for each in devices.states]
        load_random_state(state)
    assert [int(each) for each in devices.states] == list(range(machine[1]))


def test_devices_that_were_never_used_are_not_asked() -> None:
    with _Devices("cuda", 2, used=False):
        assert random_state()["devices"] == {}


def test_a_lack_of_memory_is_no_fault_of_the_state() -> None:
    state = random_state()
    with mock.patch.object(torch, "set_rng_state", side_effect=[MemoryError, None]), pytest.raises(MemoryError):
        load_random_state(state)
