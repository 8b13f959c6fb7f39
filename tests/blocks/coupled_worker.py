"""One of several ranks that run the blocks which couple samples: `coupled_worker.py RANK WORLD MEET OUT`.

Every rank has its share of one batch. The critic of each block has one layer before it, so that gradients show whether what
ranks share is differentiated.
"""

import sys
from collections.abc import Callable

import torch
from torch import distributed, nn

from gankit.blocks import MinibatchDiscrimination, MinibatchStandardDeviation
from gankit.training import save_checkpoint

SAMPLES, CHANNELS = 8, 4

BLOCKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "MinibatchStandardDeviation": (lambda: MinibatchStandardDeviation(group_size=None, features=2), (CHANNELS, 3, 2)),
    "MinibatchDiscrimination": (lambda: MinibatchDiscrimination(CHANNELS, 2, 3), (CHANNELS,)),
}


def batch(name: str) -> torch.Tensor:
    """Return the whole batch; its samples differ in size, so that halves have other statistics."""
    rng = torch.Generator().manual_seed(8)
    x = torch.randn(SAMPLES, *BLOCKS[name][1], generator=rng, dtype=torch.float64)
    return x * torch.arange(1.0, SAMPLES + 1).reshape(-1, *(1,) * (x.ndim - 1))


def parameters() -> dict[str, torch.Tensor]:
    """Return the numbers of the layer before the block and of the block itself, alike in every process."""
    rng = torch.Generator().manual_seed(9)
    sizes = {"layer": (CHANNELS, CHANNELS), "block": (7, CHANNELS)}
    return {
        name: (0.1 * torch.randn(size, generator=rng, dtype=torch.float64)).requires_grad_()
        for name, size in sizes.items()
    }


def run(name: str, part: slice) -> dict[str, torch.Tensor]:
    """Return the block's result on a part of the batch, and the gradients of the mean over that part of a price of it."""
    numbers = parameters()
    block = BLOCKS[name][0]().double()
    values = [numbers["block"].flatten()[: p.numel()].reshape(p.shape) for p in block.parameters()]
    state = dict(zip([key for key, _ in block.named_parameters()], values, strict=True))
    x = torch.einsum("nc...,dc->nd...", batch(name)[part], numbers["layer"])
    result = torch.func.functional_call(block, state, x)
    weights = torch.arange(result.shape[1], dtype=torch.float64).reshape(-1, *(1,) * (result.ndim - 2))
    price = (result.sin() * weights).mean()
    gradients = torch.autograd.grad(price, list(numbers.values()), allow_unused=True, materialize_grads=True)
    return {"result": result.detach()} | dict(zip(numbers, gradients, strict=True))


def main() -> None:
    """Run every block as one rank and save what it returns."""
    rank, world, meet, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{meet}", rank=rank, world_size=world)
    each = SAMPLES // world
    save_checkpoint(out, {name: run(name, slice(rank * each, (rank + 1) * each)) for name in BLOCKS})
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
