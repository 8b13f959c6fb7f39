"""Statistics of the whole batch, on one rank, in parts, and on two ranks."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, strategies as st
from support.parts import in_parts
from support.ranks import as_ranks, run_ranks

from gankit._core import (
    batch_in_parts,
    gather_whole_batch,
    mean_of_whole_batch,
    ranks_of_whole_batch,
    sum_over_ranks,
)
from gankit.losses import Hinge, relativistic_average_critic_loss

PROGRAM = """
import sys
import torch
from torch import distributed
from gankit._core import gather_whole_batch, mean_of_whole_batch

rank, file = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=2)
whole = torch.arange(1.0, 6.0, dtype=torch.float64)
own = (whole[:2] if rank == 0 else whole[2:]).clone().requires_grad_()  # unequal shares
mean = mean_of_whole_batch("part", own)
assert mean.item() == 3.0, mean
((rank + 1) * mean).backward()  # d/dx of (1 + 2) * mean, whichever rank holds x
torch.testing.assert_close(own.grad, torch.full_like(own, 3 / 5))

own = torch.tensor([[1.0 + rank, 5.0]], dtype=torch.float64, requires_grad=True)
gathered, start = gather_whole_batch("part", own)
assert gathered.tolist() == [[1.0, 5.0], [2.0, 5.0]] and start == rank
(gathered * torch.tensor([[10.0, 1.0], [100.0, 1.0]])).sum().backward()
assert own.grad.tolist() == [[[20.0, 2.0]], [[200.0, 2.0]]][rank], own.grad
distributed.destroy_process_group()
"""


def test_one_rank_is_the_plain_mean_and_the_batch_itself() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 6.0]], requires_grad=True)
    assert mean_of_whole_batch("part", values).item() == 3.0
    gathered, start = gather_whole_batch("part", values)
    assert gathered is values
    assert start == 0
    assert ranks_of_whole_batch("part") == 1


def test_a_part_of_the_batch_is_refused_by_name_and_only_inside() -> None:
    with batch_in_parts(), pytest.raises(ValueError, match="statistic needs the whole batch, got one part of it"):
        mean_of_whole_batch("statistic", torch.ones(2))
    assert mean_of_whole_batch("statistic", torch.ones(2)).item() == 1.0


def test_the_mark_is_taken_off_after_an_exception_and_nests() -> None:
    def interrupted() -> None:
        with batch_in_parts():
            with batch_in_parts():
                pass
            with pytest.raises(ValueError, match="needs the whole batch"):
                ranks_of_whole_batch("statistic")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert ranks_of_whole_batch("statistic") == 1


def test_accumulation_refuses_what_couples_samples_and_allows_one_part() -> None:
    weight = torch.tensor(2.0, requires_grad=True)

    def terms(real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": relativistic_average_critic_loss(Hinge(), weight * real, weight * fake)}

    inputs = (torch.arange(4.0), -torch.arange(4.0))
    with pytest.raises(ValueError, match="relativistic_average_critic_loss needs the whole batch"):
        in_parts(2, terms, inputs)
    torch.testing.assert_close(in_parts(1, terms, inputs), terms(*inputs))


def test_two_ranks_share_values_and_gradients(tmp_path: Path) -> None:
    run_ranks([["-c", PROGRAM, str(rank), str(tmp_path / "meet")] for rank in range(2)])


def _whole(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(seed=st.integers(0, 2**31 - 1), cut=st.integers(1, 6))
def test_the_mean_is_that_of_all_ranks_and_so_is_its_gradient(seed: int, cut: int) -> None:
    whole = _whole(seed, 7, 3)

    def play(rank: int) -> tuple[float, torch.Tensor]:
        own = (whole[:cut], whole[cut:])[rank].clone().requires_grad_()
        mean = mean_of_whole_batch("part", own)
        ((rank + 1) * mean.square()).backward()
        assert own.grad is not None
        return mean.item(), own.grad

    (first, first_slope), (second, second_slope) = as_ranks(2, play)
    assert first == second == pytest.approx(whole.mean().item(), rel=1e-12)
    # Both ranks' losses depend on every sample: (1 + 2) * mean^2.
    expected = torch.full((7, 3), 3 * 2 * whole.mean().item() / whole.numel(), dtype=torch.float64)
    torch.testing.assert_close(torch.cat([first_slope, second_slope]), expected, rtol=1e-9, atol=1e-12)


def test_samples_of_all_ranks_are_joined_in_order_with_gradients_from_both() -> None:
    whole, weights = _whole(0, 6, 5), _whole(1, 6, 5)

    def play(rank: int) -> tuple[torch.Tensor, int, torch.Tensor]:
        own = whole[3 * rank : 3 * rank + 3].clone().requires_grad_()
        gathered, start = gather_whole_batch("part", own)
        (gathered * weights * (rank + 1)).sum().backward()
        assert own.grad is not None
        return gathered.detach(), start, own.grad

    for rank, (gathered, start, slope) in enumerate(as_ranks(2, play)):
        assert start == 3 * rank
        torch.testing.assert_close(gathered, whole, rtol=0, atol=0)
        torch.testing.assert_close(slope, 3 * weights[start : start + 3])


def test_sums_keep_their_inputs_and_can_be_differentiated_twice() -> None:
    def play(rank: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        own = torch.tensor([2.0 + rank, 5.0], dtype=torch.float64, requires_grad=True)
        total = sum_over_ranks(own)
        assert own.tolist() == [2.0 + rank, 5.0]
        (slope,) = torch.autograd.grad(total.square().sum().expand(1, 2).sum(), own, create_graph=True)
        (curve,) = torch.autograd.grad(slope.sum(), own)
        return total.detach(), slope.detach(), curve

    for total, slope, curve in as_ranks(2, play):
        assert total.tolist() == [5.0, 10.0]
        # The loss of each rank, 2 * total^2, has the slope 4 * total, and there are two; so are slopes of slopes.
        assert slope.tolist() == [40.0, 80.0]
        assert curve.tolist() == [16.0, 16.0]


def test_gradients_that_are_strided_in_memory_are_reduced_too() -> None:
    def play(_: int) -> torch.Tensor:
        own = torch.ones(2, 3, requires_grad=True)
        (sum_over_ranks(own).t() * torch.arange(6.0).reshape(3, 2)).sum().backward()
        assert own.grad is not None
        return own.grad

    for slope in as_ranks(2, play):
        assert slope.tolist() == [[0.0, 4.0, 8.0], [2.0, 6.0, 10.0]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_mean_keeps_the_dtype(dtype: torch.dtype) -> None:
    for mean in as_ranks(2, lambda rank: mean_of_whole_batch("part", torch.ones(2 + rank, dtype=dtype))):
        assert mean.dtype == dtype
        assert mean.item() == 1.0


def test_the_mean_lies_where_the_values_do() -> None:
    for mean in as_ranks(2, lambda _: mean_of_whole_batch("part", torch.ones(3, device="meta"))):
        assert mean.device.type == "meta"


def test_ranks_are_counted_and_parts_refused_on_each() -> None:
    def play(_: int) -> int:
        with batch_in_parts(), pytest.raises(ValueError, match="part needs the whole batch, got one part of it"):
            ranks_of_whole_batch("part")
        return ranks_of_whole_batch("part")

    assert as_ranks(2, play) == [2, 2]


def test_several_ranks_cannot_be_compiled_and_one_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert ranks_of_whole_batch("part") == 1
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    with pytest.raises(ValueError, match="part needs the whole batch and cannot be compiled where 2 ranks share it"):
        ranks_of_whole_batch("part")
    monkeypatch.setattr(torch.distributed, "is_available", lambda: False)
    assert ranks_of_whole_batch("part") == 1


def test_inside_of_parts_the_count_goes_up_and_down_by_one() -> None:
    for depth in (1, 2, 3):
        contexts = [batch_in_parts() for _ in range(depth)]
        for context in contexts:
            context.__enter__()
        for context in contexts:
            with pytest.raises(ValueError, match="needs the whole batch"):
                ranks_of_whole_batch("part")
            context.__exit__(None, None, None)
        assert ranks_of_whole_batch("part") == 1
