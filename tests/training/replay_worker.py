"""One of two ranks with a pool of earlier samples, started by test_replay.py: `replay_worker.py RANK FOLDER`."""

import sys
from pathlib import Path

import torch
from torch import distributed

from gankit.training import Replay, load_checkpoint, load_random_state, random_state, save_checkpoint

WORLD = 2


def mixed(replay: Replay, rank: int, rounds: range) -> list[list[int]]:
    """Mix batches of this rank's samples, and return them."""
    return [replay.half_batch(100 * rank + 10 * number + torch.arange(6)).tolist() for number in rounds]


def main() -> None:
    """Fill the pool, save it, go on; then load it, go on again, and try the pool of the other rank."""
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    distributed.init_process_group("gloo", f"file://{folder / 'meet'}", rank=rank, world_size=WORLD)
    torch.manual_seed(rank)
    replay = Replay(8)
    mixed(replay, rank, range(5))
    save_checkpoint(folder / f"rank-{rank}.pt", {"pool": replay.state_dict(), "random": random_state()})
    through = mixed(replay, rank, range(5, 9))
    distributed.barrier()
    state, again = load_checkpoint(folder / f"rank-{rank}.pt"), Replay(8)
    again.load_state_dict(state["pool"])
    load_random_state(state["random"])
    resumed, refused = mixed(again, rank, range(5, 9)), ""
    try:
        again.load_state_dict(load_checkpoint(folder / f"rank-{1 - rank}.pt")["pool"])
    except ValueError as error:
        refused = str(error)
    save_checkpoint(folder / f"result-{rank}.pt", {"through": through, "resumed": resumed, "refused": refused})
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
