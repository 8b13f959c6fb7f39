"""Checkpoints of two ranks: who writes them, what each adds, and that all agree."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.ranks import as_ranks

import gankit as gk
from examples.anime_faces.run import RunFolder, Together, digest, kept_steps, saved_steps
from examples.anime_faces.run._session import Session
from examples.anime_faces.systems import Share

SessionMaker = Callable[..., Session]


def _newest(folder: RunFolder) -> Any:
    found = gk.training.Checkpoints(folder.checkpoints).load_latest()
    assert found is not None
    return found


def test_of_two_ranks_that_agree_the_first_writes(session_in: SessionMaker, tmp_path: Path) -> None:
    sessions = [
        session_in(tmp_path / str(rank), keep=(3,), together=Together(Share(rank=rank, ranks=2))) for rank in range(2)
    ]
    first, second = as_ranks(2, lambda rank: sessions[rank].save(3))
    assert first == second == digest(_newest(sessions[0].folder)[1])
    assert saved_steps(sessions[0].folder.checkpoints) == kept_steps(sessions[0].folder) == [3]
    assert saved_steps(sessions[1].folder.checkpoints) == kept_steps(sessions[1].folder) == []


class _Pool:
    """Earlier pictures, of which each rank has its own."""

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def state_dict(self) -> dict[str, Any]:
        return {"rank": self.rank, "ranks": 2}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert state == self.state_dict()


def test_what_each_rank_has_for_itself_is_in_the_checkpoint_of_all(session_in: SessionMaker, tmp_path: Path) -> None:
    sessions = [session_in(tmp_path / str(rank), together=Together(Share(rank=rank, ranks=2))) for rank in range(2)]
    for rank, session in enumerate(sessions):
        system = replace(session.training.system, parts={"pool": _Pool(rank)})
        session.training = replace(session.training, system=system)
    as_ranks(2, lambda rank: sessions[rank].save(3))
    pools = [{"rank": rank, "ranks": 2} for rank in range(2)]
    assert _newest(sessions[0].folder)[1]["parts"] == {"pool": {"of ranks": pools}}


def test_ranks_keep_a_step_that_is_named_late_together(session_in: SessionMaker, tmp_path: Path) -> None:
    """The first rank alone would wait for the others for ever."""
    sessions = [
        session_in(tmp_path / str(rank), steps=3, keep=(3,), together=Together(Share(rank=rank, ranks=2)))
        for rank in range(2)
    ]
    for _ in range(2):  # it is there the second time
        first, second = as_ranks(2, lambda rank: sessions[rank].train(3))
        assert first == second == (3, digest(sessions[0]._state(3)))
        assert kept_steps(sessions[0].folder) == [3]


def test_ranks_whose_networks_differ_save_nothing(session_in: SessionMaker, tmp_path: Path) -> None:
    sessions = [session_in(tmp_path / str(rank), together=Together(Share(rank=rank, ranks=2))) for rank in range(2)]
    with torch.no_grad():
        sessions[1].training.networks["critic"].get_parameter("bias").add_(1e-6)
    with pytest.raises(ValueError, match=r"^networks must be the same on all 2 ranks"):
        as_ranks(2, lambda rank: sessions[rank].save(3))
    assert not saved_steps(sessions[0].folder.checkpoints)
