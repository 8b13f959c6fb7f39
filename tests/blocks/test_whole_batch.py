"""Blocks that couple samples: two ranks compute what one process computes, and a part of a batch is refused."""

from collections.abc import Callable

import pytest
import torch
from support.ranks import as_ranks
from torch import nn
from torch.testing import assert_close

from gankit.blocks import MinibatchDiscrimination, MinibatchStandardDeviation
from gankit.training import Accumulated

SAMPLES, CHANNELS, RANKS = 8, 4, 2
BLOCKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "MinibatchStandardDeviation": (lambda: MinibatchStandardDeviation(group_size=None, features=2), (CHANNELS, 3, 2)),
    "MinibatchDiscrimination": (lambda: MinibatchDiscrimination(CHANNELS, 2, 3), (CHANNELS,)),
}
every_coupled_block = pytest.mark.parametrize("name", BLOCKS)


def batch(name: str) -> torch.Tensor:
    """The whole batch; its samples differ in size, so that halves have other statistics."""
    rng = torch.Generator().manual_seed(8)
    x = torch.randn(SAMPLES, *BLOCKS[name][1], generator=rng, dtype=torch.float64)
    return x * torch.arange(1.0, SAMPLES + 1).reshape(-1, *(1,) * (x.ndim - 1))


def run(name: str, part: slice) -> dict[str, torch.Tensor]:
    """The block's result on a part of the batch, and the gradients of a mean price, by the block and a layer before it."""
    rng = torch.Generator().manual_seed(9)
    sizes = {"layer": CHANNELS * CHANNELS, "block": 2 * 3 * CHANNELS}
    numbers = {
        key: (0.1 * torch.randn(size, generator=rng, dtype=torch.float64)).requires_grad_()
        for key, size in sizes.items()
    }
    block = BLOCKS[name][0]().double()
    state = {key: numbers["block"].reshape(value.shape) for key, value in block.named_parameters()}
    x = torch.einsum("nc...,dc->nd...", batch(name)[part], numbers["layer"].reshape(CHANNELS, CHANNELS))
    result = torch.func.functional_call(block, state, x)
    weights = torch.arange(result.shape[1], dtype=torch.float64).reshape(-1, *(1,) * (result.ndim - 2))
    price = (result.sin() * weights).mean()
    gradients = torch.autograd.grad(price, list(numbers.values()), allow_unused=True, materialize_grads=True)
    return {"result": result.detach()} | dict(zip(numbers, gradients, strict=True))


def part_of(rank: int) -> slice:
    each = SAMPLES // RANKS
    return slice(rank * each, (rank + 1) * each)


@every_coupled_block
def test_ranks_together_compute_what_one_process_does(name: str) -> None:
    whole = run(name, slice(None))
    ranks = as_ranks(RANKS, lambda rank: run(name, part_of(rank)))
    assert_close(torch.cat([rank["result"] for rank in ranks]), whole["result"], rtol=1e-10, atol=1e-12)
    for key in ("layer", "block"):
        mean = torch.stack([rank[key] for rank in ranks]).mean(dim=0)
        assert_close(mean, whole[key], rtol=1e-9, atol=1e-12)
    assert whole["layer"].abs().max() > 1e-3  # the comparison sees something


@every_coupled_block
def test_ranks_that_kept_to_themselves_would_be_seen(name: str) -> None:
    whole = run(name, slice(None))
    parts = [run(name, part_of(rank)) for rank in range(RANKS)]
    assert (torch.cat([part["result"] for part in parts]) - whole["result"]).abs().max() > 1e-3
    assert (torch.stack([part["layer"] for part in parts]).mean(dim=0) - whole["layer"]).abs().max() > 1e-3


@every_coupled_block
def test_a_part_of_the_batch_is_refused_by_name(name: str) -> None:
    block = BLOCKS[name][0]().double()
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": block(weight * x).sin().mean()}

    with pytest.raises(ValueError, match=f"{name} needs the whole batch, got one part of it"):
        Accumulated(2)(terms, (batch(name),), None)
    whole = Accumulated(1)(terms, (batch(name),), None)
    assert_close(whole["loss"], terms(batch(name))["loss"].detach())


@pytest.mark.parametrize("parts", [1, 2])
def test_groups_are_local_in_parts_and_on_ranks(parts: int) -> None:
    block, x = MinibatchStandardDeviation(group_size=4), batch("MinibatchStandardDeviation")
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": block(weight * x)[:, -1].mean()}

    alone = [block(part) for part in x.chunk(parts)]
    wanted = torch.stack([part[:, -1].mean() for part in alone]).mean()
    assert_close(Accumulated(parts)(terms, (x,), None)["loss"], wanted)
    assert_close(as_ranks(parts, lambda rank: block(x.chunk(parts)[rank])), alone, rtol=0, atol=0)


def test_a_group_that_is_cut_is_refused() -> None:
    block, x = MinibatchStandardDeviation(group_size=4), batch("MinibatchStandardDeviation")
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)
    with pytest.raises(ValueError, match="MinibatchStandardDeviation needs the whole batch, got one part of it"):
        Accumulated(4)(lambda x: {"loss": block(weight * x).mean()}, (x,), None)
    with pytest.raises(ValueError, match="x must hold at least 4 samples on each rank, got 2"):
        as_ranks(2, lambda rank: block(x[2 * rank : 2 * rank + 2]))
