import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from PIL import Image
from support.recipe_forms import WIDE

import gankit as gk
from examples.anime_faces.data import Dataset, write_rendered
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.recipes import find_options, recipe_names
from examples.anime_faces.run import (
    Feed,
    RunFolder,
    TrainRequest,
    _session as session_module,
    load_any_checkpoint,
    load_generator,
    read_log,
    read_losses,
    train,
)
from examples.anime_faces.run._pace import keep_the_plan
from examples.anime_faces.systems import Networks, System, Training

RequestMaker = Callable[..., TrainRequest]
without_curves = pytest.mark.usefixtures("without_curves")


def stopping_at(step: int, number: int = signal.SIGTERM) -> Any:
    """Send this process a signal in the middle of a step."""
    original = Training.play

    def play(self: Training, now: int, batches: Any) -> dict[str, torch.Tensor]:
        if now == step:
            os.kill(os.getpid(), number)
        return original(self, now, batches)

    return mock.patch.object(Training, "play", play)


def broken_at(request: TrainRequest, step: int, break_networks: Callable[[Networks], None]) -> TrainRequest:
    """Return the request with a recipe whose networks are damaged before a step."""

    def system(networks: Networks, *arguments: Any) -> System:
        def plan(now: int) -> None:
            if now == step:
                break_networks(networks)

        return replace(request.recipe.system(networks, *arguments), plan=plan)

    return replace(request, recipe=replace(request.recipe, system=system))


def test_a_run_leaves_all_its_files(request_for: RequestMaker, tmp_path: Path) -> None:
    outcome = train(request_for())
    folder = RunFolder(tmp_path / "run")
    assert (outcome.step, outcome.steps, outcome.exit_code) == (7, 7, 0)
    assert [line["step"] for line in read_log(folder.log)] == [7]
    assert {"critic/real/hair", "generator/eyes", "critic gap"} <= read_log(folder.log)[0]["averages"].keys()
    assert folder.grid(0).exists()
    assert folder.grid(7).exists()
    with Image.open(folder.losses) as curves:
        assert curves.size[0] == 900
    settings = json.loads(folder.settings.read_text())
    assert settings["steps"] == 7
    assert settings["hardware"]["precision"] == "float32"


@without_curves
@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        *(pytest.param(name, {}, marks=pytest.mark.slow if name in WIDE else ()) for name in recipe_names()),
        ("default", {"augmentation": 0.6}),
        pytest.param("tags_wgan_gp", {"critic_steps": 2}, marks=pytest.mark.slow),
        pytest.param("tags_wgan_gp", {"critic_steps": 3, "literal": True}, marks=pytest.mark.slow),
        pytest.param("matching_wgan", {"critic_steps": 2, "boosted_steps": 3}, marks=pytest.mark.slow),
        ("gan_cls", {"literal": True, "cheat_adapts": True}),
        pytest.param(
            "gan_cls",
            {"apa": True, "fresh_texts": True, "mode_seeking": 1.0, "conditioning_augmentation": True},
            marks=pytest.mark.slow,
        ),
        pytest.param("acgan", {"sampling": "replacement", "critic_step": "mixed"}, marks=pytest.mark.slow),
        ("retrofit", {"penalty_every": 3, "augmentation_pictures": 30, "augmentation_target": 0.0}),
        pytest.param("dcgan", {"dropout": 0.5, "real_low": 0.8}, marks=pytest.mark.slow),
        pytest.param("gray_then_color", {"blocks": 1, "fine_tuned_share": 0.5}, marks=pytest.mark.slow),
        pytest.param("stargan", {"blocks": 1, "critic_steps": 2}, marks=pytest.mark.slow),
        pytest.param("srresnet_acgan", {"blocks": 1, "critic_steps": 2, "replay": 20}, marks=pytest.mark.slow),
        pytest.param("srresnet_acgan", {"blocks": 1, "objective": "dragan", "replay": 9}, marks=pytest.mark.slow),
        pytest.param("r3gan", {"blocks": 1, "group_channels": 4}, marks=pytest.mark.slow),
        pytest.param("reacgan", {"average_start": 3, "average_decay": 0.9}, marks=pytest.mark.slow),
        pytest.param("wgan_clip", {"literal": True, "clip_after": True}, marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_resumes_bit_for_bit(
    request_for: RequestMaker, tmp_path: Path, recipe: str, options: dict[str, Any]
) -> None:
    whole = train(request_for(recipe, options=options, out=tmp_path / "whole"))
    request = request_for(recipe, options=options)
    with stopping_at(random.Random(recipe).randrange(6)):  # not in the last step, after which nothing is left
        stopped = train(request)
    assert stopped.exit_code == 143
    assert stopped.step < 7
    assert stopped.digest != whole.digest
    torch.manual_seed(99)
    resumed = train(request)
    assert (resumed.step, resumed.exit_code) == (7, 0)
    assert resumed.digest == whole.digest
    losses = read_losses(tmp_path / "whole" / "losses.csv")
    assert losses is not None
    assert losses.steps.tolist() == [1, 2, 3, 4, 5, 6, 7]  # one a round, however many updates it has
    assert (tmp_path / "run" / "losses.csv").read_bytes() == (tmp_path / "whole" / "losses.csv").read_bytes()


@without_curves
def test_a_killed_run_leaves_no_losses_twice(
    request_for: RequestMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.run._train.LOG_EVERY", 2)
    train(request_for(out=tmp_path / "whole"))

    def kill(networks: Networks) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(broken_at(request_for(), 5, kill))
    left = read_losses(tmp_path / "run" / "losses.csv")
    assert left is not None
    assert left.steps.tolist() == [1, 2, 3, 4]  # later than the checkpoint, which is that of step 0
    train(request_for())
    assert (tmp_path / "run" / "losses.csv").read_bytes() == (tmp_path / "whole" / "losses.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", recipe_names())
def test_every_recipe_trains_20_rounds_from_its_defaults_and_resumes_bit_for_bit(
    request_for: RequestMaker, tmp_path: Path, recipe: str
) -> None:
    def from_defaults(name: str) -> TrainRequest:
        request = request_for(recipe, out=tmp_path / name, steps=20, grid_every=20, threads=None)
        return replace(request, options=find_options(recipe)())

    whole = train(from_defaults("whole"))
    assert (whole.step, whole.exit_code) == (20, 0)
    with stopping_at(random.Random(recipe).randrange(1, 19)):
        assert train(from_defaults("run")).exit_code == 143
    torch.manual_seed(99)
    resumed = train(from_defaults("run"))
    assert (resumed.step, resumed.digest) == (20, whole.digest)


@without_curves
@pytest.mark.parametrize("labels", [True, False])
def test_a_run_with_a_second_data_set_resumes_bit_for_bit_with_that_set_only(
    request_for: RequestMaker, tmp_path: Path, labels: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    alike = Knobs(second_domain_share=1.0)
    write_rendered(tmp_path / "alike", 9, 32, 3, alike, workers=0)
    options = {"blocks": 1, "critic_steps": 1, "replay": 9, "extra": str(tmp_path / "alike"), "extra_labels": labels}
    whole = train(request_for("srresnet_acgan", options=options, out=tmp_path / "whole"))
    assert "79 of 79 pictures" in capsys.readouterr().out
    request = request_for("srresnet_acgan", options=options)
    with stopping_at(3):
        train(request)
    assert train(request).digest == whole.digest
    assert load_generator(request.out).generate_texts(["blue hair", "red eyes"], seed=0).shape == (2, 3, 32, 32)
    write_rendered(tmp_path / "alike", 9, 32, 4, alike, workers=0, overwrite=True)
    with pytest.raises(ValueError, match=r"description\.second: was \w{64}, now \w{64}"):
        train(request)


@without_curves
def test_an_unlabeled_run_learns_from_a_second_data_set_and_notices_its_changed_byte(
    request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = write_rendered(tmp_path / "alike", 9, 32, 3, Knobs(second_domain_share=1.0), workers=0).path
    options = {"extra": str(extra)}
    whole = train(request_for("dcgan", options=options, out=tmp_path / "whole"))
    assert "79 of 79 pictures" in capsys.readouterr().out
    assert whole.digest != train(request_for("dcgan", out=tmp_path / "first")).digest
    request = request_for("dcgan", options=options)
    with stopping_at(3):
        train(request)
    assert train(request).digest == whole.digest
    change_a_byte(extra)
    for again in (request, request_for("dcgan", options=options, out=tmp_path / "new")):
        with pytest.raises(ValueError, match="alike is damaged, prepare it again with --overwrite: images has changed"):
            train(again)
    assert not (tmp_path / "new").exists()


def in_format_1(state: Mapping[str, Any], *, wrapped: bool) -> dict[str, Any]:
    """A state as it was saved before checkpoints had the states of updates."""

    def old_names(network: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {f"generator.{name}" if wrapped else name: tensor for name, tensor in network.items()}

    average = state["averages"]["generator"]
    optimizers: dict[str, Any] = {}
    for name, update in state["updates"].items():
        optimizers.setdefault(name.split("/")[0], update["optimizer"])
    kept = {name: state[name] for name in ("settings", "step", "draws", "random", "recent")}
    return {
        **kept,
        "format": 1,
        "networks": {**state["networks"], "generator": old_names(state["networks"]["generator"])},
        "average": {**average, "network": old_names(average["network"])},
        "optimizers": optimizers,
        **({"parts": state["parts"]} if state["parts"] else {}),
    }


@without_curves
@pytest.mark.parametrize(
    ("recipe", "options", "wrapped"),
    [
        pytest.param("acgan", {}, False, marks=pytest.mark.slow),
        ("default", {}, False),
        pytest.param("tags_wgan_gp", {"critic_steps": 2}, False, marks=pytest.mark.slow),
        pytest.param("matching_wgan", {"critic_steps": 2, "boosted_steps": 3}, True, marks=pytest.mark.slow),
        ("gan_cls", {"cheat_adapts": True}, True),
    ],
)
def test_a_run_of_the_first_format_goes_on_and_draws(
    request_for: RequestMaker, tmp_path: Path, recipe: str, options: dict[str, Any], wrapped: bool
) -> None:
    train(request_for(recipe, options=options, out=tmp_path / "whole"))
    request = request_for(recipe, options=options)
    with stopping_at(3):
        train(request)
    checkpoints = gk.training.Checkpoints(request.out / "checkpoints")
    current = load_any_checkpoint(request.out)
    before = load_generator(request.out).generate(torch.full((3, 2), -1), seed=1)
    checkpoints.save(4, in_format_1(current, wrapped=wrapped))
    assert load_any_checkpoint(request.out)["format"] == 1
    assert torch.equal(load_generator(request.out).generate(torch.full((3, 2), -1), seed=1), before)
    train(request_for(recipe, options=options, out=tmp_path / "tuned", start=request.out, steps=1))
    train(request)
    whole, resumed = load_any_checkpoint(tmp_path / "whole"), load_any_checkpoint(request.out)
    assert resumed["format"] == 2
    for part in ("networks", "averages", "draws", "random", "recent", "parts"):
        torch.testing.assert_close(resumed[part], whole[part], rtol=0, atol=0)


@without_curves
def test_what_adapts_is_saved(request_for: RequestMaker) -> None:
    request = request_for("gan_cls", options={"cheat_adapts": True})
    train(request)
    parts = load_any_checkpoint(request.out)["parts"]
    assert parts["cheat"]["probability"].ndim == 0
    mixing = request_for("gan_cls", options={"apa": True}, out=request.out.with_name("mixing"))
    train(mixing)
    parts = load_any_checkpoint(mixing.out)["parts"]
    assert parts["apa"]["signs"].shape == (4,)
    assert parts["apa"]["probability"]["probability"].ndim == 0
    train(request_for("gan_cls", out=request.out.with_name("fixed")))
    assert load_any_checkpoint(request.out.with_name("fixed"))["parts"] == {}


@without_curves
def test_ctrl_c_saves_the_step_that_it_interrupts(request_for: RequestMaker) -> None:
    with stopping_at(2, signal.SIGINT):
        outcome = train(request_for())
    assert (outcome.step, outcome.exit_code) == (3, 130)
    assert load_any_checkpoint(request_for().out)["step"] == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@without_curves
def test_previews_saves_and_logs_change_nothing(request_for: RequestMaker, tmp_path: Path) -> None:
    usual = train(request_for())
    with mock.patch.object(session_module, "SAVE_SECONDS", 0.0):
        busy = train(request_for(out=tmp_path / "busy", grid_every=1))
    assert busy.digest == usual.digest


@pytest.mark.parametrize(("batches", "numbers"), [("fresh", [0, 1, 2, 3, 4, 5]), ("shared", [0, 0, 0, 1, 1, 1])])
@without_curves
def test_the_updates_of_a_round_have_the_batches_that_the_recipe_says(
    batches: str, numbers: list[int], request_for: RequestMaker
) -> None:
    request = request_for("tags_wgan_gp", options={"critic_steps": 3, "round_batches": batches}, steps=2)
    given: list[torch.Tensor] = []
    original = Feed.__next__

    def watched(self: Feed) -> Any:
        given.append((drawn := original(self))[0])
        return drawn

    with mock.patch.object(Feed, "__next__", watched):
        train(request)
    different = [one for place, one in enumerate(given) if not any(one is other for other in given[:place])]
    assert [next(place for place, other in enumerate(different) if one is other) for one in given] == numbers


@without_curves
def test_the_seed_matters(request_for: RequestMaker, tmp_path: Path) -> None:
    assert train(request_for()).digest != train(request_for(out=tmp_path / "other", seed=1)).digest


@without_curves
def test_a_finished_run_is_left_alone(request_for: RequestMaker, tmp_path: Path) -> None:
    first = train(request_for())
    newest = tmp_path / "run/checkpoints/checkpoint-7.pt"
    written = newest.stat().st_mtime_ns
    assert train(request_for()) == first
    assert newest.stat().st_mtime_ns == written


@without_curves
def test_a_run_from_before_an_option_existed_goes_on_as_it_was(request_for: RequestMaker, tmp_path: Path) -> None:
    """Every new option of a recipe made all unfinished runs unusable: `was not there, now 0.5`."""
    then = {"color_weight": 0.0, "critic_rate_factor": 1.0, "detail_weight": 0.0, "augmentation": 0.0}
    first = train(request_for("default", options=then))
    settings = tmp_path / "run/settings.json"
    saved = json.loads(settings.read_text(encoding="utf-8"))
    for name in then:
        del saved["options"][name]
    settings.write_text(json.dumps(saved), encoding="utf-8")
    with pytest.raises(ValueError, match=r"detail_weight: was 0.0, now 0.5\n.* \(with --detail-weight 0.0\)"):
        train(request_for("default", options={**then, "detail_weight": 0.5}))
    assert train(request_for("default", options=then)) == first


@without_curves
def test_changed_settings_are_refused_with_the_difference(request_for: RequestMaker) -> None:
    train(request_for())
    with pytest.raises(
        ValueError, match=r"other settings:\n  options.width: was 4, now 8\n.*name another --out"
    ) as caught:
        train(request_for(options={"width": 8}))
    assert "batch_size" not in str(caught.value)
    assert "repeat its command to continue it (with --width 4), or name another --out" in str(caught.value)
    with pytest.raises(ValueError, match=r"recipe: was acgan, now default\nrepeat its command"):
        train(request_for("default"))
    with pytest.raises(ValueError, match=r"seed: was 0, now 3"):
        train(request_for(seed=3))


@without_curves
def test_changed_data_is_refused(request_for: RequestMaker, tmp_path: Path) -> None:
    from examples.anime_faces.data import write_rendered

    train(request_for())
    other = write_rendered(tmp_path / "other", 20, 32, 5, workers=0)
    with pytest.raises(
        ValueError, match=r"data set: was .* \(fingerprint .*\), now .*\n  pictures: was 70, now 20"
    ) as caught:
        train(request_for(data=other.path))
    assert isinstance(Dataset.open(other.path), Dataset)
    assert f"data set: was {request_for().data} (fingerprint " in str(caught.value)
    assert f"), now {other.path} (fingerprint " in str(caught.value)
    assert f"to continue it (with --data {request_for().data}), or name another --out" in str(caught.value)
    assert "options" not in str(caught.value)


@without_curves
def test_more_steps_go_on_and_say_so(request_for: RequestMaker, capsys: pytest.CaptureFixture[str]) -> None:
    train(request_for())
    outcome = train(request_for(steps=9))
    assert outcome.step == 9
    assert "the plan changes from 7 to 9 steps" in capsys.readouterr().out


@without_curves
def test_minutes_become_steps_once(
    request_for: RequestMaker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.run._train.seconds_per_step", lambda play, **_: 12.0)
    monkeypatch.setattr("examples.anime_faces.run._train.ByTheClock", lambda **_: keep_the_plan)
    request = request_for(minutes=1.0, steps=None)
    with stopping_at(1):
        first = train(request)
    second = train(request)
    assert first.steps == second.steps == second.step == 4
    assert "budget    1 minutes are 4 steps of 12 s here; fewer or more if its speed changes" in capsys.readouterr().out
    with pytest.raises(ValueError, match="to train it longer, say --steps"):
        train(request_for(minutes=5.0, steps=None))


def planning(monkeypatch: pytest.MonkeyPatch, plans: Mapping[int, int]) -> None:
    """Let the clock change the plan at these steps."""

    def pacer(step: int, steps: int, elapsed: float) -> int:
        return plans.get(step, steps)

    monkeypatch.setattr("examples.anime_faces.run._train.ByTheClock", lambda **_: pacer)
    # 9 steps in a minute
    monkeypatch.setattr("examples.anime_faces.run._train.seconds_per_step", lambda play, **_: 6.0)


@without_curves
@pytest.mark.parametrize(
    ("recipe", "options", "middle"),
    [
        ("default", {"constant_share": 0.2}, 7),
        pytest.param("default", {"constant_share": 0.2}, 12, marks=pytest.mark.slow),
        pytest.param("gan_cls", {"cheat": 0.9, "cheat_decays": True}, 7, marks=pytest.mark.slow),
        pytest.param("r3gan", {"blocks": 1, "group_channels": 4}, 7, marks=pytest.mark.slow),
    ],
)
def test_a_changed_plan_is_recorded_resumed_and_repeated_bit_for_bit(
    request_for: RequestMaker,
    tmp_path: Path,
    *,
    recipe: str,
    options: dict[str, Any],
    middle: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("examples.anime_faces.run._together.Together.clock", lambda _: 0.0)
    planning(monkeypatch, {2: middle, 4: 6})
    request = request_for(recipe, options=options, steps=None, minutes=1.0, out=tmp_path / "whole")
    whole = train(request)
    assert (whole.step, whole.steps) == (6, 6)
    why = "would take too long" if middle < 9 else "would leave time"
    assert f"9 steps {why}, now {middle}; 2 are done" in capsys.readouterr().out
    changes = [{"step": 2, "before": 9, "after": middle}, {"step": 4, "before": middle, "after": 6}]
    assert json.loads((request.out / "settings.json").read_text())["changes"] == changes
    assert load_any_checkpoint(request.out)["settings"]["changes"] == changes
    assert [line["plan"] for line in read_log(request.out / "log.jsonl") if "plan" in line] == changes
    assert RunFolder(request.out).grid(6).exists()
    if recipe == "default":  # what is written of the learning rate follows the last plan
        assert "at step 5" in RunFolder(request.out).system.read_text()
    for stop in (2, 3):  # in the step after the first change, and in the next
        cut = replace(request, out=tmp_path / f"cut{stop}")
        with stopping_at(stop):
            assert train(cut).digest != whole.digest
        assert train(cut).digest == whole.digest
    repeated = replace(request, minutes=None, plan=request.out, out=tmp_path / "again")
    planning(monkeypatch, {})
    assert train(repeated).digest == whole.digest
    assert train(replace(request, minutes=None, steps=6, out=tmp_path / "six")).digest != whole.digest


@without_curves
def test_a_change_of_the_plan_is_saved_at_once(request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a killed run would go on from a checkpoint that does not know of it."""
    planning(monkeypatch, {3: 8})
    request = request_for("default", steps=None, minutes=1.0)

    def stop(networks: Networks) -> None:
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(broken_at(request, 3, stop))
    assert load_any_checkpoint(request.out)["settings"]["changes"] == [{"step": 3, "before": 9, "after": 8}]


@without_curves
def test_who_asks_for_steps_gets_them(request_for: RequestMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    planning(monkeypatch, {1: 5, 6: 7})
    request = request_for("default", steps=None, minutes=1.0)
    assert train(request).step == 5
    assert train(replace(request, steps=8, minutes=None)).step == 8
    assert train(request).step == 8
    with pytest.raises(ValueError, match=r"--plan must name the folder of a run, but .*nowhere.settings.json does not"):
        train(request_for("default", steps=None, plan=request.out / "nowhere", out=request.out.with_name("other")))
    with pytest.raises(ValueError, match="--plan must not be combined with --steps or --minutes"):
        request_for("default", plan=request.out)


@without_curves
def test_the_hardware_is_chosen_by_rounds_of_this_run(
    request_for: RequestMaker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.anime_faces.run._measuring.SHORT_RUN", 5)
    rounds = mock.patch.object(Training, "play", autospec=True, side_effect=Training.play)
    with rounds as played:
        outcome = train(request_for(precision=None))
    assert played.call_count > 7
    settings = json.loads((request_for().out / "settings.json").read_text())
    assert "float32, channels last" in settings["timings"]
    assert "seconds of a step: " in capsys.readouterr().out
    chosen = settings["hardware"]
    same = request_for(out=request_for().out.with_name("same"), precision=chosen["precision"])
    if chosen["channels_last"]:
        assert train(same).digest == outcome.digest


@without_curves
def test_a_broken_weight_stops_the_run_and_keeps_the_checkpoint(request_for: RequestMaker) -> None:
    def poison(networks: Networks) -> None:
        with torch.no_grad():
            next(networks["critic"].parameters()).fill_(float("nan"))

    request = broken_at(request_for(), 4, poison)
    with pytest.raises(TrainingDivergedError, match=r"step 5: critic/real: .*'score' is nan") as caught:
        train(request)
    assert str(caught.value).startswith(
        "the training diverged: its numbers became too large to compute with (infinite or NaN); the last good checkpoint is of "
        "step 0, before the training\nwhat to do: begin again in another --out with a lower --"
    )
    assert load_any_checkpoint(request.out)["step"] == 0


@without_curves
def test_a_broken_average_is_not_hidden_by_finite_losses(request_for: RequestMaker) -> None:
    def poison(networks: Networks) -> None:
        for name, buffer in networks["generator"].named_buffers():
            if name.endswith("running_var"):
                buffer.fill_(float("inf"))

    request = broken_at(request_for(), 6, poison)
    with pytest.raises(TrainingDivergedError, match=r"step 7: generator\..*running_var is not finite"):
        train(request)
    assert load_any_checkpoint(request.out)["step"] == 0


@without_curves
def test_an_unwritable_folder_is_an_error_before_the_first_step(request_for: RequestMaker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with mock.patch.object(Training, "play") as play, pytest.raises(OSError, match="file"):
        train(request_for(out=tmp_path / "file" / "run"))
    play.assert_not_called()


@without_curves
def test_networks_of_another_run_are_taken(
    request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(request_for())
    fresh = train(request_for(out=tmp_path / "fresh", steps=1))
    request = request_for(out=tmp_path / "tuned", start=tmp_path / "run", steps=1)
    tuned = train(request)
    assert tuned.digest != fresh.digest
    source, target = load_any_checkpoint(tmp_path / "run"), load_any_checkpoint(tmp_path / "tuned")
    before, after = source["networks"]["critic"], target["networks"]["critic"]
    near = [(after[name] - tensor).abs().max() for name, tensor in before.items() if "weight" in name]
    assert float(torch.stack(near).max()) < 1e-3  # one step of Adam away
    assert f" entries of the networks of {tmp_path / 'run'} are taken; 0 entries keep" in capsys.readouterr().out
    assert train(request) == tuned


@without_curves
def test_what_does_not_fit_is_named(
    request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(request_for())
    train(request_for(out=tmp_path / "tuned", start=tmp_path / "run", steps=1, options={"embedding": 3}))
    printed = capsys.readouterr().out
    assert "generator.embedder.tables.0.weight: shape (12, 8) there, (12, 3) here" in printed
    assert "critic." not in printed.split("start ")[1]


@without_curves
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "--steps must be above 0"),
        ({"minutes": 1.0}, "must not both be given"),
        ({"steps": None, "minutes": -1.0}, "--minutes must be above 0"),
        (
            {"steps": None, "minutes": float("inf")},
            "--minutes must be above 0, and at most 1,000,000,000, but it is inf",
        ),
        (
            {"steps": None, "minutes": float("nan")},
            "--minutes must be above 0, and at most 1,000,000,000, but it is nan",
        ),
        ({"seed": -1}, "--seed must be 0 or more"),
        ({"grid_every": 0}, "--grid-every must be above 0"),
        ({"keep": (3, 0)}, "--keep must be above 0"),
        ({"seed": 2**64}, r"--seed must be 0 or more and below 2\*\*64, but it is 18446744073709551616"),
    ],
)
def test_nonsense_is_refused(request_for: RequestMaker, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        request_for(**changes)


@without_curves
@pytest.mark.parametrize("device", ["cuda:77", "toaster"])
def test_a_missing_device_is_named(request_for: RequestMaker, device: str) -> None:
    with pytest.raises(ValueError, match=f"--device {device} cannot be used here"):
        train(request_for(device=device))


@without_curves
def test_other_hardware_goes_on_and_says_so(request_for: RequestMaker, capsys: pytest.CaptureFixture[str]) -> None:
    with stopping_at(2):
        train(request_for())
    outcome = train(request_for(precision="bfloat16"))
    assert outcome.step == 7
    assert "the run began on cpu, float32" in capsys.readouterr().out
    assert load_any_checkpoint(request_for().out)["settings"]["hardware"]["precision"] == "bfloat16"


@without_curves
def test_a_run_from_a_machine_with_a_missing_device_says_which(request_for: RequestMaker) -> None:
    with stopping_at(2):
        train(request_for())
    state = load_any_checkpoint(request_for().out)
    state["settings"]["hardware"]["device"] = "cuda:77"
    gk.training.Checkpoints(request_for().out / "checkpoints").save(4, state)
    with pytest.raises(ValueError, match="--device cuda:77 cannot be used here"):
        train(request_for())
    assert train(request_for(device="cpu")).step == 7


@without_curves
def test_a_run_that_began_elsewhere_goes_on_without_its_source_and_not_from_another(
    request_for: RequestMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(request_for(steps=1))
    train(request_for(steps=1, seed=5, out=tmp_path / "other"))
    tuned = {"out": tmp_path / "tuned", "steps": 2}
    first = train(request_for(**tuned, start=tmp_path / "run"))
    for start in (tmp_path / "other", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"other settings:\n  start: was .*run \(state .*, now .*(other|nowhere)"):
            train(request_for(**tuned, start=start))
    monkeypatch.chdir(tmp_path)
    assert train(request_for(**tuned, start=Path("run"))) == first
    train(request_for(steps=3))
    assert train(request_for(**tuned, start=tmp_path / "run")) == first
    (tmp_path / "run").rename(tmp_path / "moved")
    assert train(request_for(**tuned, start=tmp_path / "run")) == first
    assert train(request_for(**tuned)) == first


@without_curves
@pytest.mark.parametrize(("keep", "message"), [(30, "has 20, but 30 is beyond it"), (1, "but 1 is over")])
def test_steps_that_cannot_be_kept_are_refused_before_a_change_of_the_plan_is_noted(
    request_for: RequestMaker, capsys: pytest.CaptureFixture[str], keep: int, message: str
) -> None:
    train(request_for(steps=2))
    capsys.readouterr()
    with pytest.raises(ValueError, match=message):
        train(request_for(steps=20, keep=(keep,)))
    assert "the plan changes" not in capsys.readouterr().out


@without_curves
def test_a_run_is_not_mixed_with_its_data(request_for: RequestMaker, faces_folder: Path) -> None:
    with pytest.raises(ValueError, match="--out must be a folder of its own"):
        request_for(out=faces_folder)


@without_curves
def test_a_plan_shorter_than_what_is_done_is_refused(request_for: RequestMaker) -> None:
    train(request_for())
    with pytest.raises(
        ValueError, match=r"--steps must be at least 7, the steps that the run in .* has done, but it is 5"
    ):
        train(request_for(steps=5))
    assert json.loads((request_for().out / "settings.json").read_text())["steps"] == 7


@without_curves
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threads": 0}, "--threads must be at least 1"),
        ({"threads": 100_000}, "--threads must be at most [0-9]+, but it is 100000"),
        ({"device": "tpu"}, "--device tpu cannot be used here: it must be cpu, cuda"),
        ({"device": "meta"}, "--device meta cannot be used here: it must be cpu, cuda"),
        (
            {"options": {"batch_size": 4_000_000}},
            "batch size must be at least 1 and at most 100,000, but it is",
        ),
        ({"start": Path("nowhere")}, "nowhere does not exist"),
        ({"options": {"width": 10**9}}, "building the networks: cpu ran out of memory; lower --width"),
        ({"options": {"width": 10**17}}, "building the networks: cpu ran out of memory; lower --width"),
    ],
)
def test_a_mistake_leaves_no_folder(request_for: RequestMaker, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(request_for(**changes))
    assert not request_for().out.exists()


def change_a_byte(folder: Path) -> None:
    """Change one pixel of a data set a little."""
    with (folder / "images.npy").open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        (byte,) = file.read(1)
        file.seek(-1000, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


@without_curves
def test_a_changed_byte_of_the_data_is_noticed(request_for: RequestMaker, tmp_path: Path) -> None:
    """Only the written fingerprint was compared, so a run went on with other pictures."""
    request = request_for()
    copy = tmp_path / "copy"
    shutil.copytree(request.data, copy)
    change_a_byte(copy)
    with pytest.raises(ValueError, match="damaged, prepare it again with --overwrite: images has changed"):
        train(replace(request, data=copy))
    assert not request.out.exists()


@without_curves
def test_a_size_that_no_network_has_leaves_no_folder(request_for: RequestMaker, tmp_path: Path) -> None:
    from examples.anime_faces.data import write_rendered

    odd = write_rendered(tmp_path / "odd", 20, 33, workers=0)
    with pytest.raises(ValueError, match="size must be a number from 4 to 7 doubled a few times, but it is 33"):
        train(request_for(data=odd.path))
    assert not request_for().out.exists()


@without_curves
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_said_with_the_step(request_for: RequestMaker, error: Exception) -> None:
    failing = mock.patch.object(Training, "play", mock.Mock(side_effect=error))
    with failing, pytest.raises(ValueError, match=r"step 1: .* ran out of memory; lower --batch-size \(4 pictures"):
        train(request_for())
    with (
        mock.patch.object(Training, "play", mock.Mock(side_effect=RuntimeError("a bug"))),
        pytest.raises(RuntimeError, match="a bug"),
    ):
        train(request_for())
