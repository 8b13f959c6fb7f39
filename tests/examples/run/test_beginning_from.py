"""A run that begins with the networks of another one."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.ranks import as_ranks

import gankit as gk
from examples.anime_faces.run import Together, TrainRequest, saved_steps
from examples.anime_faces.run._beginning import begin
from examples.anime_faces.run._session import Session
from examples.anime_faces.systems import Share

SessionMaker = Callable[..., Session]
RequestMaker = Callable[..., TrainRequest]


def _source(session_in: SessionMaker, folder: Path, *, unknown: int = 0) -> dict[str, torch.Tensor]:
    """Save a run whose critic has other weights, and as many unknown ones; return those that fit."""
    session = session_in(folder)
    with torch.no_grad():
        for parameter in session.training.networks["critic"].parameters():
            parameter.add_(1.0)
    state = session._state(3)
    critic = {name: tensor.clone() for name, tensor in state["networks"]["critic"].items()}
    state["networks"]["critic"] |= {f"unknown{number:02d}": torch.ones(1) for number in range(unknown)}
    gk.training.Checkpoints(session.folder.checkpoints).save(3, state)
    return critic


def test_a_fresh_run_saves_its_first_checkpoint_and_says_nothing(
    session_in: SessionMaker, request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = session_in(tmp_path / "run")
    weights = {name: one.clone() for name, one in session.training.networks["critic"].state_dict().items()}
    assert begin(session, request_for()) == 0
    assert saved_steps(session.folder.checkpoints) == [0]
    torch.testing.assert_close(dict(session.training.networks["critic"].state_dict()), weights, rtol=0, atol=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("unknown", [0, 1, 12, 13])
def test_what_does_not_fit_is_named_up_to_twelve_lines(
    session_in: SessionMaker,
    request_for: RequestMaker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    unknown: int,
) -> None:
    critic = _source(session_in, tmp_path / "source", unknown=unknown)
    session = session_in(tmp_path / "run")
    assert begin(session, request_for(start=tmp_path / "source")) == 0
    torch.testing.assert_close(dict(session.training.networks["critic"].state_dict()), critic, rtol=0, atol=0)
    found = gk.training.Checkpoints(session.folder.checkpoints).load_latest()
    assert found is not None
    assert found[0] == 0
    torch.testing.assert_close(found[1]["networks"]["critic"], critic, rtol=0, atol=0)
    named = [f"            critic.unknown{number:02d}: not in this network" for number in range(min(unknown, 12))]
    assert capsys.readouterr().out.splitlines() == [
        f"start     4 entries of the networks of {tmp_path / 'source'} are taken; {unknown} entries keep their fresh start",
        *named,
        *(["            and 1 more"] if unknown == 13 else []),
    ]


def test_the_other_ranks_get_the_networks_and_averages_that_the_first_one_took(
    session_in: SessionMaker, request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    critic = _source(session_in, tmp_path / "source")
    sessions = [session_in(tmp_path / str(rank), together=Together(Share(rank=rank, ranks=2))) for rank in range(2)]
    with torch.no_grad():
        for average in sessions[1].training.averages.values():
            for parameter in average.network.parameters():
                parameter.add_(1.0)
    request = request_for(start=tmp_path / "source")
    assert as_ranks(2, lambda rank: begin(sessions[rank], request)) == [0, 0]
    for session in sessions:
        torch.testing.assert_close(dict(session.training.networks["critic"].state_dict()), critic, rtol=0, atol=0)
    assert [saved_steps(session.folder.checkpoints) for session in sessions] == [[0], []]
    assert capsys.readouterr().out.count("start     ") == 1
