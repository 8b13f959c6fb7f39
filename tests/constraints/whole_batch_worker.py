"""One of several ranks that compute every penalty of `whole_batch_cases`: `whole_batch_worker.py RANK WORLD MEET OUT PARTS`."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).parent))
import whole_batch_cases as cases

from gankit.training import Accumulated, Loss


def compute(case: cases.Case, part: slice, parts: int) -> dict[str, Any]:
    """Return terms and gradients of one case on a part of the batch, or the error."""
    network = cases.critic()
    wrapper = DistributedDataParallel(network)
    terms = cases.terms(case, wrapper, network)
    inputs = tuple(value[part] for value in cases.batch().values())
    try:
        logged = Accumulated(parts)(Loss(terms, (), wrapper), inputs).together()
    except ValueError as error:
        return {"error": str(error)}
    return {"terms": logged, "gradients": cases.gradients(network)}


def main() -> None:
    """Compute every case as one rank and save the results."""
    rank, world, meet, out, parts = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", f"file://{meet}", rank=rank, world_size=world)
    each = cases.SAMPLES // world
    part = slice(rank * each, (rank + 1) * each)
    torch.save({name: compute(case, part, parts) for name, case in cases.CASES.items()}, out)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
