"""One rank that trains the table of small GANs: `nets_ranks_worker.py FORM RANK WORLD FILE OUT`; FORM is DDP or FSDP2."""

import sys
from pathlib import Path

import torch
from support.update_nets import SEPARATE, Gan, play, updates
from torch import distributed
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

from gankit.training import network_state, save_checkpoint

SIZES = (16, 16, 8)
SHARDED = ["group norm", "residual"]


def trained(name: str, form: str, rank: int, ranks: int) -> dict[str, dict[str, torch.Tensor]]:
    """Train a case for three rounds on this rank's part of every batch."""
    gan = Gan(name, whole=False)
    if form == "FSDP2":
        fully_shard(gan.critic)
        fully_shard(gan.generator)
    elif ranks > 1:
        for side in ("critic", "generator"):
            setattr(gan, side, DistributedDataParallel(getattr(gan, side)))
    play(gan, updates(gan, networks=True), SIZES, part=lambda tensor: tensor.chunk(ranks)[rank])
    return {"critic": network_state(gan.critic), "generator": network_state(gan.generator)}


def main() -> None:
    """Train all cases of a form, and save their states."""
    form, rank, ranks, file, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], Path(sys.argv[5])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=ranks)
    cases = SHARDED if form == "FSDP2" else SEPARATE
    save_checkpoint(out, {name: trained(name, form, rank, ranks) for name in cases})
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
