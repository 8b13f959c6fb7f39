"""How a run goes on: where it began, what is noted, and what this machine refuses."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from examples.anime_faces.data import Dataset
from examples.anime_faces.run import Settings, TrainRequest, digest, load_any_checkpoint
from examples.anime_faces.run._planning import plan_resumption, plan_run
from examples.anime_faces.systems import Selection, hardware_choices

RequestMaker = Callable[..., TrainRequest]


def selection_of(request: TrainRequest, faces: Dataset) -> Selection:
    return request.recipe.conditioning(request.options).select(faces)


@pytest.fixture
def planned(faces: Dataset) -> Callable[[TrainRequest], Settings]:
    """Plan a new run."""

    def plan(request: TrainRequest) -> Settings:
        return plan_run(request, faces, selection_of(request, faces))[0]

    return plan


@pytest.fixture
def resumed(faces: Dataset) -> Callable[[Settings, TrainRequest], Settings]:
    """Plan how a run goes on after its fourth step."""

    def plan(old: Settings, request: TrainRequest) -> Settings:
        return plan_resumption(old, request, faces, selection_of(request, faces), trained=4)

    return plan


def test_a_new_run_has_all_hardware_to_choose_from_that_was_not_asked_for(
    request_for: RequestMaker, faces: Dataset
) -> None:
    request = request_for(precision=None, threads=3, gradients="compiled", device="cpu")
    settings, choices = plan_run(request, faces, selection_of(request, faces))
    assert choices == hardware_choices(device="cpu", threads=3, gradients="compiled")
    assert settings.hardware == choices[0]
    assert {choice.precision for choice in choices} == {"float32", "bfloat16"}
    assert {(choice.threads, choice.gradients) for choice in choices} == {(3, "compiled")}


def test_where_a_run_begins_is_named_with_the_digest_of_the_state(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
    trained_folder: Path,
) -> None:
    key = digest(load_any_checkpoint(trained_folder))[:12]
    settings = planned(request_for(start=trained_folder))
    assert settings.start == f"{trained_folder} (state {key})"
    elsewhere = replace(settings, start=f"a/copy/of/it (state {key})")
    assert resumed(elsewhere, request_for(start=trained_folder)) == elsewhere
    another = replace(settings, start="another (state 0123456789ab)")
    with pytest.raises(
        ValueError, match=rf"  start: was another \(state 0123456789ab\), now {trained_folder} \(state {key}\)\n"
    ):
        resumed(another, request_for(start=trained_folder))


def test_options_that_are_younger_than_the_run_are_filled_in(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
) -> None:
    """By what runs did before the option existed."""
    request = request_for(options={"fakes": "train"})
    settings = planned(request)
    earlier = replace(settings, options={"width": 4, "batch_size": 8})
    assert resumed(earlier, request) == settings
    assert settings.options == asdict(request.options) != earlier.options


def test_data_that_was_moved_is_where_it_is_now(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
) -> None:
    settings = planned(request_for())
    assert resumed(replace(settings, data="where it was"), request_for()) == settings


def test_versions_that_have_changed_are_noted_in_order(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = planned(request_for())
    resumed(replace(now, versions=dict.fromkeys(now.versions, "0")), request_for())
    notes = [line.split(":")[1] for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert notes == [
        f" {name} was 0 and is {now.versions[name]} now" for name in ("gankit", "numpy", "python", "torch")
    ]


def test_a_new_number_of_steps_is_noted_and_the_old_one_is_not(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = planned(request_for())
    note = "note: the plan changes from 7 to 9 steps; what decays over the run follows the new one"
    for steps, notes in ((7, []), (9, [note])):
        assert resumed(old, request_for(steps=steps)).steps == steps
        assert [line for line in capsys.readouterr().out.splitlines() if "plan" in line] == notes


def test_other_hardware_is_noted(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = planned(request_for())
    new = resumed(old, request_for(threads=2)).hardware
    assert capsys.readouterr().out.splitlines() == [
        f"note: the run began on {old.hardware}, and continues on {new}: the run need not repeat bit for bit",
        f"hardware  {new} (as asked)",
    ]


def test_hardware_that_is_not_here_is_refused_whether_it_is_asked_for_or_of_the_start(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
) -> None:
    old = planned(request_for())
    with pytest.raises(ValueError, match=r"^--threads must be at most \d+, but it is 1000000$"):
        resumed(old, request_for(threads=1_000_000))
    with pytest.raises(ValueError, match=r"^--gradients graphed needs a CUDA device, but --device is cpu$"):
        resumed(old, request_for(gradients="graphed"))
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="cuda"):
            resumed(replace(old, hardware=replace(old.hardware, device="cuda")), request_for())


def test_steps_to_keep_may_be_beyond_a_plan_that_follows_the_clock_or_another_run(
    request_for: RequestMaker,
    planned: Callable[[TrainRequest], Settings],
    resumed: Callable[[Settings, TrainRequest], Settings],
    tmp_path: Path,
) -> None:
    by_time = request_for(steps=None, minutes=3.0, keep=(10**6,))
    assert resumed(planned(request_for(steps=None, minutes=3.0)), by_time).keep == (10**6,)
    planned(request_for()).save(tmp_path / "settings.json")
    recorded = request_for(steps=None, plan=tmp_path, keep=(12,))
    assert resumed(planned(request_for(steps=None, plan=tmp_path)), recorded).keep == (12,)
    with pytest.raises(ValueError, match="--keep must name steps of the plan, which has 7, but 12 is beyond it"):
        resumed(planned(request_for()), request_for(keep=(12,)))
