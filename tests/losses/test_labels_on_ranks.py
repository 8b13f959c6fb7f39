"""What label policies share between ranks: the coin of the whole batch, and how sure the critic is."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import torch
from torch import distributed
from gankit.losses import AdaptiveProbability, flip_labels

rank, file = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", f"file://{file}", rank=rank, world_size=2)
labels, rng, first = torch.zeros(3), torch.Generator().manual_seed(rank), torch.Generator().manual_seed(0)
flipped = []
for _ in range(40):
    own = flip_labels(labels, 0.5, whole_batch=True, rng=rng)
    assert torch.equal(own, flip_labels(labels, 0.5, whole_batch=True, draw=torch.rand((), generator=first)))
    flipped.append(float(own[0]))
assert 0 < sum(flipped) < 40, flipped
given = flip_labels(labels, 0.5, whole_batch=True, draw=torch.tensor(0.2 if rank else 0.7))
assert given.tolist() == [float(rank)] * 3  # a coin that is given counts as it is
own = flip_labels(labels.new_zeros(64), 0.5, rng=torch.Generator().manual_seed(rank))
both = [torch.zeros(64), torch.zeros(64)]
distributed.all_gather(both, own)
assert not torch.equal(*both)  # coins of single samples are each rank's own

adaptive = AdaptiveProbability(target=0.0, length=100)
# The mean sign of both ranks is above 0, though rank 1 alone would go down; and a step is 6 samples.
adaptive.update(torch.tensor([5.0, 1.0, 2.0] if rank == 0 else [-1.0, 0.0, 0.0]))
torch.testing.assert_close(adaptive.probability, torch.tensor(0.06))
distributed.destroy_process_group()
"""


def test_two_ranks_agree(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", PROGRAM, str(rank), str(tmp_path / "meet")] for rank in range(2)]
    processes = [
        subprocess.Popen(command, stderr=subprocess.PIPE, env={"OMP_NUM_THREADS": "1"}) for command in commands
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
