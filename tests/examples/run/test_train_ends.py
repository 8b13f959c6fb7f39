"""How a call of `train` ends, and what it refuses before it writes."""

import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.run import Moment, RunFolder, StopSignals, TrainRequest, train
from examples.anime_faces.run._planning import plan_run
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


@pytest.mark.parametrize("name", ["log.jsonl", "losses.csv"])
def test_damaged_records_are_refused_before_anything_is_written(request_for: RequestMaker, name: str) -> None:
    request = request_for()
    request.out.mkdir()
    (request.out / name).write_text("nonsense\n" * 3, encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged"):
        train(request)
    assert [path.name for path in request.out.iterdir() if path != RunFolder(request.out).lock] == [name]


def test_a_checkpoint_that_does_not_fit_is_refused_before_anything_is_written(
    request_for: RequestMaker, faces: Dataset
) -> None:
    request = request_for()
    selection = request.recipe.conditioning(request.options).select(faces)
    settings = plan_run(request, faces, selection)[0]
    empty = {name: {} for name in ("networks", "averages", "updates", "parts", "recent")}
    numbers = {"format": 2, "step": 3, "draws": 3, "random": {"cpu": torch.get_rng_state()}}
    folder = RunFolder(request.out)
    gk.training.Checkpoints(folder.checkpoints).save(3, {**empty, **numbers, "settings": settings.to_dict()})
    with pytest.raises(ValueError, match="holds no critic among its networks"):
        train(request)
    assert not folder.settings.exists()
