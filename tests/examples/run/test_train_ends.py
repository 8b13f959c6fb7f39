"""How a call of `train` ends, and what it refuses before it writes."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import gankit as gk
from examples.anime_faces.run import Moment, RunFolder, StopSignals, TrainRequest, load_any_checkpoint, train
from examples.anime_faces.systems import Networks, System

RequestMaker = Callable[..., TrainRequest]
pytestmark = pytest.mark.usefixtures("without_curves")


def test_a_signal_after_the_last_step_does_not_count(request_for: RequestMaker) -> None:
    signals = StopSignals()

    def interrupt(moment: Moment) -> None:
        if moment.done == moment.total:
            signals.caught = signal.SIGINT

    outcome = train(request_for(steps=1), interrupt, signals=signals)
    assert (outcome.step, outcome.steps, outcome.exit_code, outcome.diverged) == (1, 1, 0, "")


def test_signals_that_the_caller_hears_stop_the_training(request_for: RequestMaker) -> None:
    signals = StopSignals()

    def interrupt(moment: Moment) -> None:
        if moment.done == 1:
            signals.caught = signal.SIGINT

    outcome = train(request_for(steps=3), interrupt, signals=signals)
    assert (outcome.step, outcome.steps, outcome.exit_code) == (1, 3, 130)


def _with_weights(request: TrainRequest, value: float) -> TrainRequest:
    """The request with a recipe whose generator has this weight everywhere from the second step on."""

    def system(networks: Networks, *arguments: Any) -> System:
        @torch.no_grad()
        def plan(step: int) -> None:
            for parameter in networks["generator"].parameters() if step == 1 else ():
                parameter.fill_(value)

        return replace(request.recipe.system(networks, *arguments), plan=plan)

    return replace(request, recipe=replace(request.recipe, system=system))


def test_a_training_whose_weights_ran_away_ends_with_that_in_words(request_for: RequestMaker) -> None:
    outcome = train(_with_weights(request_for(steps=2), 7.0))
    assert outcome.step == 2
    assert outcome.diverged == "the weights of the generator are 7 on average"


@pytest.mark.parametrize("what", ["log.jsonl", "losses.csv", "checkpoint"])
def test_what_an_earlier_session_cannot_have_left_is_refused_before_anything_is_written(
    request_for: RequestMaker, trained_folder: Path, tmp_path: Path, what: str
) -> None:
    folder = RunFolder(tmp_path / "run")
    shutil.copytree(trained_folder, folder.path)
    if what == "checkpoint":
        state = dict(load_any_checkpoint(folder.path))
        state["networks"] = {name: one for name, one in state["networks"].items() if name != "critic"}
        gk.training.Checkpoints(folder.checkpoints).save(7, state)
    else:
        (folder.path / what).write_text("nonsense\n" * 3, encoding="utf-8")
    before = folder.settings.read_bytes()
    with pytest.raises(ValueError, match=r"is damaged|holds no critic among its networks"):
        train(request_for(options={"batch_size": 6}, steps=9))
    assert folder.settings.read_bytes() == before
    assert json.loads(before)["steps"] == 7
