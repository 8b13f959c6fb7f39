"""Two ranks, each with half of the batch and a compiled update of bare networks, train as one process with all of it."""

import os
import re
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


def _alone(name: str) -> dict[str, torch.Tensor]:
    gan = Gan(name, whole=False)
    play(gan, updates(gan, optimizer=SGD), SIZES)
    return gan.state()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((name, "compiled") for name in SEPARATE),
        *(("group norm", form) for form in ("eager", "parts", "averaged parts")),
    ],
)
def test_two_ranks_equal_one_process_with_the_whole_batch(tmp_path: Path, name: str, form: str) -> None:
    expected = _alone(name)
    for state, warned in _run(tmp_path, name, form):
        torch.testing.assert_close(state, expected, rtol=1e-10, atol=1e-12)
        assert not any("run eagerly" in message for message in warned)


@pytest.mark.slow
def test_where_one_rank_cannot_compile_all_run_eagerly(tmp_path: Path) -> None:
    expected = _alone("no norm")
    for (state, warned), reason in zip(
        _run(tmp_path, "no norm", "one cannot"), ["another rank cannot compile them", "no compiler"], strict=True
    ):
        torch.testing.assert_close(state, expected, rtol=1e-10, atol=1e-12)
        fallbacks = [message for message in warned if "the terms run eagerly, since they cannot be compiled" in message]
        assert len(fallbacks) == 2  # of the critic and of the generator
        assert all(reason in message for message in fallbacks)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            "bare",
            "network must be given where 2 ranks train together: .* or let AveragedOverRanks average the gradients",
        ),
        (
            "unequal",
            r"weights must be equal on all ranks, got 6 of 6 parameters that differ: call gankit\.training\.broad",
        ),
    ],
)
def test_what_would_train_other_networks_on_each_rank_is_refused(tmp_path: Path, form: str, message: str) -> None:
    for error in _run(tmp_path, "no norm", form):
        assert re.search(message, error)


@pytest.mark.slow
def test_an_error_of_one_rank_ends_the_first_call_of_both(tmp_path: Path) -> None:
    first, second = _run(tmp_path, "no norm", "failing")
    assert first == "the first call failed on another rank: see the message of that rank"
    assert second == "this rank has no such layer"
