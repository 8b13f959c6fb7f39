"""`train --profile`: the parts of a round, that they are all there, and that the training is what it would be without it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from examples.anime_faces.run import TrainRequest, train
from examples.anime_faces.run._profile import REST, Profile, _in_order, _in_words

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


def test_the_table_has_a_line_a_part_with_its_time_and_share() -> None:
    profile = Profile(rounds=3, whole=0.5, queued=0.5, parts={"data": 0.15, "critic: optimizer": 0.4375})
    assert list(profile.lines("cpu")) == [
        "0.5 s in a round, mean of 3; 0.588 s where each part is waited for:",
        "  data                                             150.0 ms  25.5%",
        "  critic: optimizer                                437.5 ms  74.5%",
    ]


def test_a_gpu_that_waits_for_the_host_is_named() -> None:
    profile = Profile(rounds=2, whole=5.0, queued=4.5, parts={"data": 6.0})
    waiting = "  waiting for the device, in a round as it runs    500.0 ms"
    assert list(profile.lines("cuda"))[2:] == [waiting]  # a tenth of the round
    busy = list(replace(profile, queued=4.625).lines("cuda:0"))
    assert busy[2:] == [
        waiting.replace("500.0", "375.0"),
        "  the device waits for the host: larger batches or fewer operations would make better use of it",
    ]


def test_figures_of_a_profile_are_plain_numbers() -> None:
    profile = Profile(rounds=2, whole=0.5, queued=0.625, parts={"data": 0.25})  # by rounding, the host took longer
    expected = {"rounds": 2, "whole": 0.5, "queued": 0.625, "parts": {"data": 0.25}, "waiting": 0.0}
    assert profile.to_dict() == expected
    assert replace(profile, queued=0.125).to_dict() == {**expected, "queued": 0.125, "waiting": 0.375}


@pytest.mark.parametrize(
    "paths",
    [
        [
            (REST,),
            (REST, "data"),
            (REST, "critic/a"),
            (REST, "critic/a", "optimizer"),
            (REST, "generator"),
            (REST, "critic/b"),
        ],
        [
            (REST, "data"),
            (REST, "critic/a", "optimizer"),
            (REST, "critic/a"),
            (REST, "generator"),
            (REST, "critic/b"),
            (REST,),
        ],
    ],
)
def test_updates_of_a_player_are_together_and_what_is_left_comes_last(paths: list[tuple[str, ...]]) -> None:
    assert [_in_words(path) for path in _in_order(paths)] == [
        "data",
        "critic/a: optimizer",
        "critic/a: checks and constraint",
        "critic/b: checks and constraint",
        "generator: checks and constraint",
        "the rest of the round",
    ]
