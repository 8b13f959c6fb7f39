"""What a call of `train` says and measures at its start, and that it keeps watch over its folder."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from examples.anime_faces.errors import RunReplacedError
from examples.anime_faces.run import ALONE, Moment, RunFolder, TrainRequest, _train as module, train
from examples.anime_faces.run._settings import Settings

RequestMaker = Callable[..., TrainRequest]
pytestmark = pytest.mark.usefixtures("without_curves")


def test_a_profile_is_that_of_the_run_that_begins_or_continues(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[object] = []

    def show(settings: Settings, folder: RunFolder, build: Callable[[], Any], together: object) -> None:
        training, feed = build()
        shown.append((settings.steps, folder, training.system.batch_size == feed.batch_size, together))

    monkeypatch.setattr(module, "show_profile", show)
    request = request_for(steps=1)
    train(replace(request, profile=True))
    heads = [line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith((" ", "note:"))]
    assert heads == ["hardware", "data", "recipe", "plan", "networks", "losses"]
    train(replace(request, steps=2, profile=True))
    train(replace(request, steps=3))
    assert shown == [(steps, RunFolder(request.out), True, ALONE) for steps in (1, 2)]


def test_a_run_whose_folder_was_removed_stops(request_for: RequestMaker) -> None:
    request = request_for(steps=3)

    def remove(moment: Moment) -> None:
        if moment.done == 1:
            shutil.rmtree(request.out)

    with pytest.raises(RunReplacedError, match="removed while this process trained in it"):
        train(request, remove)
    assert not request.out.exists()
