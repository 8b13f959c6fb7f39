"""Statistics of the whole batch, on one rank, in parts, and on two ranks."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gankit._core import batch_in_parts, gather_whole_batch, mean_of_whole_batch, ranks_of_whole_batch
from gankit.losses import Hinge, relativistic_average_critic_loss
from gankit.training import Accumulated

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
        Accumulated(2)(terms, inputs, None)
    torch.testing.assert_close(Accumulated(1)(terms, inputs, None), terms(*inputs))


def test_two_ranks_share_values_and_gradients(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", PROGRAM, str(rank), str(tmp_path / "meet")] for rank in range(2)]
    processes = [
        subprocess.Popen(command, stderr=subprocess.PIPE, env={"OMP_NUM_THREADS": "1"}) for command in commands
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
