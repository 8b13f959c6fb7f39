"""The table of small GANs on 2 and 8 ranks, and on 2 that shard the weights: the weights of one process."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from support.ranks import run_ranks

from gankit.training import load_checkpoint

WORKER = Path(__file__).with_name("nets_ranks_worker.py")
TESTS = Path(__file__).parents[1]


def _alone(names: list[str]) -> dict[str, Any]:
    specification = importlib.util.spec_from_file_location("nets_ranks_worker", WORKER)
    assert specification is not None
    assert specification.loader is not None
    worker = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(worker)
    return {name: worker.trained(name, "", 0, 1) for name in names}


@pytest.mark.slow
@pytest.mark.parametrize(("form", "ranks"), [("DDP", 2), ("DDP", 8), ("FSDP2", 2)])
def test_ranks_train_as_one_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, ranks: int
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    outs = [tmp_path / f"rank-{rank}.pt" for rank in range(ranks)]
    run_ranks(
        [[str(WORKER), form, str(rank), str(ranks), str(tmp_path / "meet"), str(outs[rank])] for rank in range(ranks)],
        seconds=900,
    )
    states = [load_checkpoint(out) for out in outs]
    expected = _alone(list(states[0]))
    assert len(expected) >= 2
    for state in states:
        torch.testing.assert_close(state, expected, rtol=1e-10, atol=1e-10)
