"""What gankit adds to small networks, counted in calls; `python -m benchmarks.overhead` measures the time."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
import torch
from torch import nn

import gankit as gk

PACKAGE = str(Path(gk.__file__).parent)


def _calls(run: Callable[[], object]) -> int:
    """Return how many calls of functions are made in the code of gankit, its own functions and those written in C."""
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call") and frame.f_code.co_filename.startswith(PACKAGE)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def _critic() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.LeakyReLU(0.2), nn.Linear(3, 1))


def test_calls_of_a_penalty() -> None:
    critic, real, fake = _critic(), torch.randn(5, 2), torch.randn(5, 2)
    for _ in range(2):  # the first call is audited
        gk.constraints.gradient_penalty(critic, real, fake)
    assert _calls(lambda: gk.constraints.gradient_penalty(critic, real, fake)) <= 105


@pytest.mark.parametrize("frozen", [False, True])
def test_calls_of_an_update(frozen: bool) -> None:
    critic, other, x = _critic(), _critic(), torch.randn(5, 2)
    optimizer = torch.optim.Adam(critic.parameters(), fused=True)
    update = gk.training.Update(optimizer, lambda x: {"loss": critic(x).mean()}, frozen=[other] if frozen else [])
    for _ in range(2):  # the first call is checked closely
        update(x)
    assert _calls(lambda: update(x)) <= 62 + 2 * 4 * frozen


def test_calls_of_a_round() -> None:
    cost = {"loss": torch.ones(())}
    batches = iter([torch.ones(5, 2) for _ in range(9)])

    def play() -> None:
        gk.training.play_round(gk.schedules.Round(2), batches, critic=lambda _: cost, generator=lambda _: cost)

    play()
    assert _calls(play) <= 44
