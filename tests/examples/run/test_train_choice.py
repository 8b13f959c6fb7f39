"""What `train` decides and builds before the first step: the hardware, the steps, who may change them, and the parts."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.tiny_session import tiny_settings

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.run import RunFolder, Together, TrainRequest, _train as module
from examples.anime_faces.run._pace import AsRecorded, ByTheClock, keep_the_plan
from examples.anime_faces.run._planning import plan_run
from examples.anime_faces.run._settings import PlanChange, Settings
from examples.anime_faces.run._stores import choose_store
from examples.anime_faces.run._train import _chosen, _pacer, _Parts
from examples.anime_faces.systems import Hardware, Share

RequestMaker = Callable[..., TrainRequest]
SLOW, FAST = Hardware(channels_last=False), Hardware(channels_last=True)


class _Machine:
    """A device that does what it is given only when somebody waits for it, by a clock that only this moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.work, self.played = 1000.0, 0.0, list[int]()
        self.together = SimpleNamespace(clock=lambda: self.now)
        monkeypatch.setattr(module, "play_named", self.play)
        monkeypatch.setattr(module, "wait_for", self.wait)

    def build(self, settings: Settings) -> tuple[Hardware, None]:
        return settings.hardware, None

    def play(self, training: Hardware, feed: None, step: int) -> None:
        self.work += 0.25 if training.channels_last else 0.5
        self.played.append(step)

    def wait(self, device: str) -> None:
        assert device == "cpu"
        self.now, self.work = self.now + self.work, 0.0


def _choose(machine: Any, request: TrainRequest, choices: Sequence[Hardware], steps: int) -> Settings:
    before = torch.get_num_threads()
    found = _chosen(tiny_settings(steps=steps, hardware=choices[0]), request, choices, machine)
    torch.set_num_threads(before)
    return found


def test_minutes_become_steps_on_the_fastest_hardware_without_what_was_measured(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = _Machine(monkeypatch)
    settings = _choose(machine, request_for(steps=None, minutes=2.0), [SLOW, FAST], 1000)
    left = 120 - (machine.now - 1000)
    assert 100 < left < 119
    assert settings.hardware == FAST
    assert list(settings.timings.values()) == [0.25, 0.5]
    assert settings.seconds == left
    assert settings.steps == int(0.94 * left / 0.25)  # the rest is for pictures and checkpoints
    assert min(machine.played) == 501  # from the middle of the plan
    assert re.fullmatch(
        r"hardware  timing one step in 2 ways, for about 6 seconds\n"
        rf"hardware  {re.escape(str(FAST))}\n"
        r"          seconds of a step: .*\n"
        rf"budget    2 minutes are {settings.steps} steps of 0\.25 s here; fewer or more if its speed changes\n",
        capsys.readouterr().out,
    )


def test_steps_that_were_requested_stay_on_the_fastest_hardware(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = _choose(_Machine(monkeypatch), request_for(steps=1000), [SLOW, FAST], 1000)
    assert (settings.steps, settings.seconds, settings.hardware) == (1000, None, FAST)
    assert list(settings.timings.values()) == [0.25, 0.5]
    assert "budget" not in capsys.readouterr().out


def test_a_short_run_takes_the_first_hardware_unmeasured(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = _Machine(monkeypatch)
    settings = _choose(machine, request_for(), [SLOW, FAST], 7)
    assert (settings.steps, settings.hardware, settings.timings) == (7, SLOW, {})
    assert machine.played == []


def test_minutes_that_are_over_before_the_first_step_leave_one_step(
    request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _choose(_Machine(monkeypatch), request_for(steps=None, minutes=0.01), [SLOW], 1000)
    assert (settings.steps, settings.seconds) == (1, 0.0)


def test_only_minutes_or_another_run_change_the_plan(request_for: RequestMaker, tmp_path: Path) -> None:
    steps, minutes = request_for(), request_for(steps=None, minutes=1.0)
    timed = tiny_settings(steps=50, seconds=55.5).changed(10, 40)
    assert _pacer(tiny_settings(), steps, 12.5) is keep_the_plan
    assert _pacer(timed, steps, 12.5) is keep_the_plan
    assert _pacer(tiny_settings(), minutes, 12.5) is keep_the_plan
    assert _pacer(timed, minutes, 12.5) == ByTheClock(seconds=55.5, first=50, elapsed=12.5)
    timed.save(tmp_path / "settings.json")
    followed = _pacer(timed, request_for(steps=None, plan=tmp_path), 12.5)
    assert followed == AsRecorded((PlanChange(step=10, before=50, after=40),))


@pytest.fixture
def parts(request_for: RequestMaker, faces: Dataset, tmp_path: Path) -> tuple[_Parts, Settings]:
    """The parts of the second of two ranks, and settings."""
    request = request_for()
    selection = request.recipe.conditioning(request.options).select(faces)
    settings = plan_run(request, faces, selection)[0]
    made = _Parts(
        request=request,
        dataset=faces,
        selection=selection,
        store=choose_store(faces.images, settings.hardware),
        folder=RunFolder(tmp_path / "run"),
        together=Together(Share(rank=1, ranks=2)),
    )
    return made, settings


def test_a_rank_trains_on_its_part_of_each_batch_and_draws_and_writes_nothing(
    parts: tuple[_Parts, Settings], tmp_path: Path
) -> None:
    made, settings = parts
    training, feed, preview = made.build_all(settings)
    assert training.share == Share(rank=1, ranks=2)
    assert len(next(feed)[0]) == training.system.batch_size // 2
    assert preview is None
    assert list(tmp_path.iterdir()) == []


def test_parts_are_built_from_the_seed(parts: tuple[_Parts, Settings]) -> None:
    made, settings = parts
    built = []
    before = torch.get_num_threads()
    for seed in (0, 0, 1):
        torch.manual_seed(77)
        torch.set_num_threads(settings.hardware.threads + 1)
        training, feed = made.build(replace(settings, seed=seed))
        built.append([training.networks["critic"].state_dict(), torch.rand(3), [next(feed)[1] for _ in range(3)]])
        assert torch.get_num_threads() == settings.hardware.threads
    torch.set_num_threads(before)
    torch.testing.assert_close(built[0], built[1], rtol=0, atol=0)
    for same, other in zip(built[0], built[2], strict=True):
        with pytest.raises(AssertionError):
            torch.testing.assert_close(same, other, rtol=0, atol=0)


def test_the_parts_that_compute_gradients_may_be_given(parts: tuple[_Parts, Settings]) -> None:
    made, settings = parts
    own: list[gk.training.Gradients] = []

    def make() -> gk.training.Gradients:
        own.append(gk.training.Eager())
        return own[-1]

    training, _ = made.build(settings, make)
    assert list(training.gradients) == own != []


def test_an_outline_that_cannot_be_written_after_a_change_of_the_plan_stays_that_of_before(
    parts: tuple[_Parts, Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Settings] = []

    def refuse(folder: RunFolder, recipe: object, options: object, settings: Settings, selection: object) -> None:
        written.append(settings)
        raise OSError(28, "No space left on device")

    made, settings = parts
    monkeypatch.setattr(module, "write_outline", refuse)
    training, _, preview = replace(made, together=Together()).build_all(settings)
    assert written == [settings]
    assert training.share == Share()
    assert preview is not None
