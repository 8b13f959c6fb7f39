"""A run that diverged is distinguished from one that learns, for losses of any kind."""

from pathlib import Path

import pytest
import torch
from torch import nn

from examples.anime_faces.run import DIVERGED, read_log
from examples.anime_faces.run._divergence import heavy_networks, signs_of
from examples.anime_faces.run._record import Record


def gaps(*sizes: float) -> dict[str, list[float]]:
    return {"scores/real": [size / 2 for size in sizes], "scores/fake": [-size / 2 for size in sizes]}


@pytest.mark.parametrize("size", [0.0, 0.3, 4.0, 250.0, 2_000.0])
def test_gaps_and_losses_of_good_runs_are_no_signs(size: float) -> None:
    """The largest means in short runs of all recipes at their defaults were a gap of 16 and a loss of 182."""
    assert signs_of({**gaps(*[size] * 100), "losses/critic": [-size] * 100, "losses/generator": [size] * 100}) == []


@pytest.mark.parametrize("size", [2_001.0, 3e16, -3e16])
def test_a_gap_or_loss_beyond_all_bounds_is_one(size: float) -> None:
    (of_gap,) = signs_of(gaps(*[size] * 100))
    assert of_gap.startswith("the critic's gap was ")
    (of_loss,) = signs_of({"losses/generator": [size] * 40})
    assert of_loss == f"the loss of the generator was {abs(size):.2g} or more in half of the last 40 steps"


def test_jumps_in_fewer_than_half_of_the_steps_are_none() -> None:
    assert signs_of({"losses/critic": [1e20] * 49 + [1.0] * 51}) == []
    assert signs_of({"losses/critic": [1e20] * 50 + [1.0] * 50}) == []
    assert signs_of({"losses/critic": [1e20] * 51 + [1.0] * 49}) == [
        "the loss of the critic was 1e+20 or more in half of the last 100 steps"
    ]


def test_the_first_steps_say_nothing() -> None:
    assert signs_of({"losses/critic": [1e20] * 19, "losses/generator": [1e20] * 20}) == [
        "the loss of the generator was 1e+20 or more in half of the last 20 steps"
    ]


def test_each_critic_has_a_gap_and_scores_may_lie_anywhere() -> None:
    far = {"scores/real": [1e9] * 50, "scores/fake": [1e9 - 3.0] * 50}  # Wasserstein's scores drift together
    assert signs_of(far) == []
    colored = {"scores/real in color": [1e9] * 50, "scores/fake in color": [-1e9] * 50, "scores/real": [1e9] * 50}
    assert [sign.partition(" was")[0] for sign in signs_of(colored)] == ["the critic's gap in color"]


def test_weights_show_what_a_clipped_critic_hides() -> None:
    light, heavy = nn.Linear(3, 5), nn.Linear(3, 5)
    with torch.no_grad():
        for one in heavy.parameters():
            one.fill_(-40.0)
    assert heavy_networks({"generator": light}) == []
    assert heavy_networks({"critic": light, "generator": heavy}) == ["the weights of the generator are 40 on average"]
    assert heavy_networks({"none": nn.Identity()}) == []


def filled(network: nn.Module, value: float) -> nn.Module:
    with torch.no_grad():
        for one in network.parameters():
            one.fill_(value)
    return network


def test_weights_above_five_are_heavy_whatever_their_number_and_format() -> None:
    networks = {
        "one": filled(nn.Linear(1, 1, bias=False), 5.5),
        "several": filled(nn.Linear(3, 2), -5.5),
        "at the limit": filled(nn.Linear(2, 2, bias=False), 5.0),
        "half": filled(nn.Linear(3, 3).half(), 60_000.0),  # the square root of the sum of squares is beyond float16
    }
    assert heavy_networks(networks) == [
        "the weights of the one are 5.5 on average",
        "the weights of the several are 5.5 on average",
        "the weights of the half are 6e+04 on average",
    ]


def test_the_state_is_logged_and_said_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    record = Record(path, every=20)
    record.open(0)
    for step in range(1, 61):
        size = 1e9 if step > 30 else 1.0
        record.add(step, {"scores/real": torch.tensor(size), "scores/fake": torch.tensor(0.0)})
    assert record.alarm(0) == ""
    record.read()
    record.write(60, images=1, images_per_second=1.0)
    assert record.alarm(60) == ""
    record.add(61, {"scores/real": torch.tensor(1e9), "scores/fake": torch.tensor(0.0)})
    record.read()
    record.write(61, images=1, images_per_second=1.0)
    assert record.alarm(61).startswith("step 61: the training has diverged: the critic's gap was 1e+09")
    assert record.alarm(62) == ""
    record.close()
    assert [line["states"] for line in read_log(path)] == [[], [DIVERGED]]
