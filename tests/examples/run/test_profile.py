"""`train --profile`: the parts of a round, that they are all there, and that the training is what it would be without it."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

import gankit as gk
from examples.anime_faces.run import TrainRequest, train
from examples.anime_faces.run._profile import Profile, TimedGradients
from examples.anime_faces.run._profile_picture import draw_profile
from examples.anime_faces.run._stopwatch import Stopwatch

RequestMaker = Callable[..., TrainRequest]
OWN_TIME = {"data", "drawn for all updates", "readings before the updates", "averages", "the rest of the round"}


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.run._profile.ROUNDS", 2)


@pytest.mark.usefixtures("few_rounds", "without_curves")
def test_a_profiled_run_is_the_same_run_and_has_all_parts(
    request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unprofiled = request_for("tags_wgan_gp", options={"critic_steps": 2}, out=tmp_path / "plain", steps=2)
    plain = train(unprofiled)
    request = request_for("tags_wgan_gp", options={"critic_steps": 2}, steps=2, profile=True)
    profiled = train(request)
    assert profiled.digest == plain.digest
    figures = json.loads((request.out / "profile.json").read_text())
    of_an_update = {"forward passes", "backward pass of score", "optimizer", "checks and constraint"}
    of_the_critic = of_an_update | {"gradients inside the terms", "backward pass of penalty"}
    expected = {f"critic: {part}" for part in of_the_critic} | {f"generator: {part}" for part in of_an_update}
    assert expected <= set(figures["parts"]) <= expected | OWN_TIME
    assert {"data", "averages", "the rest of the round"} <= set(figures["parts"])
    assert figures["rounds"] == 2
    assert figures["waiting"] == 0.0
    assert sum(figures["parts"].values()) < 5 * figures["whole"]
    printed = capsys.readouterr().out
    assert "critic: backward pass of penalty" in printed
    assert "waiting for the device" not in printed  # a CPU computes at once
    assert (request.out / "profile.png").exists()
    resumed = train(replace(request, steps=3))
    assert (
        resumed.digest
        == train(request_for("tags_wgan_gp", options={"critic_steps": 2}, out=tmp_path / "plain", steps=3)).digest
    )


@pytest.mark.usefixtures("few_rounds", "without_curves")
def test_slow_data_and_slow_averages_are_seen(request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    from examples.anime_faces.run import _feed

    take, update = _feed.as_network_input, gk.training.WeightAverage.update

    def slow_take(*inputs: object) -> torch.Tensor:
        time.sleep(0.2)
        return take(*inputs)  # pyright: ignore[reportArgumentType]

    def slow_update(average: gk.training.WeightAverage) -> None:
        time.sleep(0.3)
        update(average)

    monkeypatch.setattr(_feed, "as_network_input", slow_take)
    monkeypatch.setattr(gk.training.WeightAverage, "update", slow_update)
    request = request_for("acgan", steps=1, profile=True)
    train(request)
    parts = json.loads((request.out / "profile.json").read_text())["parts"]
    assert parts["data"] >= 0.2
    assert parts["averages"] >= 0.3
    assert max(one for name, one in parts.items() if name not in ("data", "averages")) < 0.2


def test_gradients_in_parts_are_the_gradients() -> None:
    torch.manual_seed(3)
    critic = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()
    real, fake = torch.randn(2, 7, 3, dtype=torch.float64)

    def terms(real: torch.Tensor, fake: torch.Tensor) -> dict[str, torch.Tensor]:
        penalty = gk.constraints.zero_centered_penalty(critic, real)
        real_scores, fake_scores = critic(real), critic(fake)
        return {
            "score": (fake_scores - real_scores).mean(),
            "penalty": 3 * penalty,
            "shift": real_scores.square().mean(),
        }

    loss = gk.training.Loss(terms, list(critic.parameters()))
    gk.training.Eager()(loss, (real, fake))
    expected = [parameter.grad for parameter in critic.parameters()]
    watch = Stopwatch("cpu")
    TimedGradients(watch)(loss, (real, fake))
    torch.testing.assert_close([parameter.grad for parameter in critic.parameters()], expected)
    assert [path[-1] for path in watch.seconds if path[-1].startswith("backward")] == [
        "backward pass of score, shift",
        "backward pass of penalty",
    ]


def test_a_gpu_that_waits_for_the_host_is_named() -> None:
    slow_host = Profile(rounds=2, whole=0.5, queued=0.49, parts={"data": 0.1, "critic: optimizer": 0.5})
    lines = list(slow_host.lines("cuda"))
    assert lines[1].split() == ["data", "100.0", "ms", "16.7%"]
    assert lines[-2].split()[-2:] == ["10.0", "ms"]
    assert "the device waits for the host" in lines[-1]
    busy = list(replace(slow_host, queued=0.1).lines("cuda"))
    assert busy[-1].split()[-2:] == ["400.0", "ms"]


def test_the_picture_names_every_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    drawn: list[str] = []
    plain = Axes.set_yticks

    def noted(axes: Axes, places: Iterator[int], labels: list[str], **options: object) -> object:
        drawn.extend(labels)
        return plain(axes, places, labels, **options)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Axes, "set_yticks", noted)
    profile = Profile(rounds=2, whole=0.5, queued=0.5, parts={"data": 0.1, "critic: optimizer": 0.5})
    draw_profile(profile, tmp_path / "profile.png", title="a title")
    assert drawn == ["data", "critic: optimizer"]
    with Image.open(tmp_path / "profile.png") as picture:
        assert picture.width > picture.height
