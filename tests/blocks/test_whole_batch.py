"""Blocks that couple samples: two ranks compute what one process computes, and a part of a batch is refused."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from gankit.blocks import MinibatchStandardDeviation
from gankit.training import Accumulated, load_checkpoint

PATH = Path(__file__).with_name("coupled_worker.py")
RANKS = 2


def _load_worker() -> ModuleType:
    specification = importlib.util.spec_from_file_location("blocks_coupled_worker", PATH)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


WORKER = _load_worker()
every_coupled_block = pytest.mark.parametrize("name", WORKER.BLOCKS)


@pytest.fixture(scope="module")
def of_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ranks")
    outs = [folder / f"{rank}.pt" for rank in range(RANKS)]
    processes = [
        subprocess.Popen(
            [sys.executable, str(PATH), str(rank), str(RANKS), str(folder / "meet"), str(out)],
            stderr=subprocess.PIPE,
            env={"OMP_NUM_THREADS": "1"},
        )
        for rank, out in enumerate(outs)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    return [load_checkpoint(out) for out in outs]


@every_coupled_block
def test_ranks_together_compute_what_one_process_does(name: str, of_ranks: list[dict[str, Any]]) -> None:
    whole = WORKER.run(name, slice(None))
    result = torch.cat([rank[name]["result"] for rank in of_ranks])
    torch.testing.assert_close(result, whole.pop("result"), rtol=1e-10, atol=1e-12)
    for key, gradient in whole.items():
        mean = torch.stack([rank[name][key] for rank in of_ranks]).mean(dim=0)
        torch.testing.assert_close(mean, gradient, rtol=1e-9, atol=1e-12)


@every_coupled_block
def test_ranks_that_kept_to_themselves_would_be_seen(name: str) -> None:
    half = WORKER.SAMPLES // 2
    whole = WORKER.run(name, slice(None))
    parts = [WORKER.run(name, part) for part in (slice(half), slice(half, None))]
    assert (torch.cat([part["result"] for part in parts]) - whole["result"]).abs().max() > 1e-3
    mean = torch.stack([part["layer"] for part in parts]).mean(dim=0)
    assert (mean - whole["layer"]).abs().max() > 1e-3


@every_coupled_block
def test_a_part_of_the_batch_is_refused_by_name(name: str) -> None:
    block = WORKER.BLOCKS[name][0]().double()
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": block(weight * x).sin().mean()}

    with pytest.raises(ValueError, match=f"{name} needs the whole batch, got one part of it"):
        Accumulated(2)(terms, (WORKER.batch(name),), None)
    whole = Accumulated(1)(terms, (WORKER.batch(name),), None)
    torch.testing.assert_close(whole["loss"], terms(WORKER.batch(name))["loss"].detach())


@pytest.mark.parametrize(("parts", "allowed"), [(1, True), (2, True), (4, False)])
def test_groups_of_four_are_local(parts: int, allowed: bool) -> None:
    block = MinibatchStandardDeviation(group_size=4)
    x = WORKER.batch("MinibatchStandardDeviation")
    weight = torch.ones(1, dtype=torch.float64, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": block(weight * x)[:, -1].mean()}

    if not allowed:
        with pytest.raises(ValueError, match="MinibatchStandardDeviation needs the whole batch"):
            Accumulated(parts)(terms, (x,), None)
        return
    logged = Accumulated(parts)(terms, (x,), None)
    wanted = torch.stack([terms(part)["loss"] for part in x.chunk(parts)]).mean()
    torch.testing.assert_close(logged["loss"], wanted.detach())
