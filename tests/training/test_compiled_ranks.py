"""Two ranks, each with half of the batch and a compiled update of bare networks, train as one process with all of it."""

import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from support.ranks import run_ranks
from support.update_nets import SEPARATE, SGD, Gan, play, updates

from gankit.training import load_checkpoint

WORKER = Path(__file__).with_name("compiled_worker.py")
SIZES = (8, 8, 4)


def _run(folder: Path, name: str, form: str) -> list[Any]:
    outs = [folder / f"rank-{rank}.pt" for rank in range(2)]
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    with mock.patch.dict(os.environ, PYTHONPATH=paths):
        run_ranks(
            [[str(WORKER), name, form, str(rank), "2", str(folder / "meet"), str(outs[rank])] for rank in range(2)]
        )
    return [load_checkpoint(out) for out in outs]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "form"), [*((name, "compiled") for name in SEPARATE), ("group norm", "parts")])
def test_two_ranks_equal_one_process_with_the_whole_batch(tmp_path: Path, name: str, form: str) -> None:
    gan = Gan(name, whole=False)
    play(gan, updates(gan, optimizer=SGD), SIZES)
    for state in _run(tmp_path, name, form):
        torch.testing.assert_close(state, gan.state(), rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_bare_networks_without_a_part_that_averages_are_refused(tmp_path: Path) -> None:
    for error in _run(tmp_path, "no norm", "eager"):
        assert "network must be given where 2 ranks train together" in error


@pytest.mark.slow
def test_an_error_of_one_rank_ends_the_first_call_of_both(tmp_path: Path) -> None:
    first, second = _run(tmp_path, "no norm", "failing")
    assert first == "the first call failed on another rank: see the message of that rank"
    assert second == "this rank has no such layer"
