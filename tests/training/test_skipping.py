"""Flags of several devices and ranks become one; the steppers' own tests check what follows from it."""

import pytest
import torch
from torch import distributed

from gankit.training._skipping import SkipCounters, bad_costs, found_on_any_rank


@pytest.mark.parametrize("flags", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0,), (0.0, 0.0, 1.0)])
def test_one_flag_is_enough(flags: tuple[float, ...]) -> None:
    assert found_on_any_rank(map(torch.tensor, flags), torch.device("cpu")).item() == max(flags)


def test_the_flag_lies_where_it_is_wanted() -> None:
    assert found_on_any_rank([torch.tensor(0.0)], torch.device("meta")).is_meta


@pytest.mark.parametrize("own", [0.0, 1.0])
@pytest.mark.parametrize("other", [0.0, 1.0])
def test_all_ranks_skip_where_one_has_to(monkeypatch: pytest.MonkeyPatch, own: float, other: float) -> None:
    def all_reduce(flag: torch.Tensor, operation: object) -> None:
        assert operation == distributed.ReduceOp.MAX
        flag.fill_(max(flag.item(), other))

    monkeypatch.setattr("gankit.training._skipping.world_size", lambda: 2)
    monkeypatch.setattr(distributed, "all_reduce", all_reduce)
    assert found_on_any_rank([torch.tensor(own)], torch.device("cpu")).item() == max(own, other)


def test_costs_are_marked_in_their_order_and_counted_by_name() -> None:
    costs = {"a": torch.tensor(1e300, dtype=torch.float64), "b": torch.tensor(float("nan")), "c": torch.tensor(1.0)}
    bad = bad_costs(costs)
    assert bad.tolist() == [0.0, 1.0, 0.0]
    counters = SkipCounters(3)
    assert [counters.count(torch.tensor(found), costs, bad) for found in (1.0, 0.0, 1.0)] == [False, False, True]
    skipped, message = counters.read()
    assert skipped == 2
    assert message.startswith("2 of the last 3 steps were skipped, since")
    assert "; costs that were not finite: 'b' 3 times; see " in message
    assert counters.read()[0] == 0
