"""What a run is planned to be, what may change when it goes on, and what may not."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.data import Dataset
from examples.anime_faces.run import Settings, TrainRequest
from examples.anime_faces.run._planning import plan_resumption, plan_run, read_plan, versions_here
from examples.anime_faces.systems import Selection

RequestMaker = Callable[..., TrainRequest]


def selection_of(request: TrainRequest, faces: Dataset) -> Selection:
    return request.recipe.conditioning(request.options).select(faces)


@pytest.fixture
def planned(faces: Dataset) -> Callable[..., Settings]:
    """Plan a new run."""

    def plan(request: TrainRequest) -> Settings:
        return plan_run(request, faces, selection_of(request, faces))[0]

    return plan


@pytest.fixture
def resumed(faces: Dataset) -> Callable[..., Settings]:
    """Plan how a run goes on."""

    def plan(old: Settings, request: TrainRequest, trained: int = 4) -> Settings:
        return plan_resumption(old, request, faces, selection_of(request, faces), trained=trained)

    return plan


def test_a_new_run_has_what_was_asked_for(
    request_for: RequestMaker, planned: Callable[..., Settings], faces: Dataset
) -> None:
    request = request_for(keep=(16, 3, 16), seed=5, grid_every=2)
    settings = planned(request)
    assert settings == Settings(
        recipe="acgan",
        options=asdict(request.options),
        seed=5,
        steps=7,
        minutes=None,
        data=str(faces.path),
        fingerprint=faces.fingerprint,
        description=selection_of(request, faces).description,
        pictures=70,
        start=None,
        grid_every=2,
        keep=(3, 16),
        hardware=settings.hardware,
        versions=versions_here(),
    )
    assert (settings.hardware.precision, settings.hardware.threads) == ("float32", 1)
    assert planned(request_for(steps=None)).steps == request.recipe.steps
    assert versions_here().keys() == {"python", "torch", "numpy", "gankit"}


def test_the_plan_of_another_run_is_the_first_that_it_had(
    request_for: RequestMaker,
    planned: Callable[..., Settings],
    resumed: Callable[..., Settings],
    tmp_path: Path,
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ValueError, match=r"--plan must name the folder of a run, but .*other/settings.json does not"):
        read_plan(other)
    replace(planned(request_for()), steps=30).changed(10, 50).save(other / "settings.json")
    request = request_for(steps=None, plan=other)
    old = planned(request)
    assert old.steps == 30
    assert resumed(old, request) == old
    with pytest.raises(ValueError, match=r"planned as 20 steps, as this one was, but .*other was planned as 30$"):
        resumed(replace(old, steps=20), request)


def test_a_run_goes_on_as_it_was_planned_unless_something_else_is_asked_for(
    request_for: RequestMaker, planned: Callable[..., Settings], resumed: Callable[..., Settings]
) -> None:
    old = replace(planned(request_for(keep=(5,))), seconds=60.0, timings={"float32": 0.5})
    assert resumed(old, request_for()) == old
    assert resumed(old, request_for(steps=None, grid_every=None, threads=None, precision=None)) == old
    changed = resumed(old, request_for(steps=19, keep=(16,), grid_every=3))
    assert changed == replace(old.changed(4, 19), seconds=None, keep=(5, 16), grid_every=3)


def test_steps_that_were_done_cannot_be_taken_back(
    request_for: RequestMaker, planned: Callable[..., Settings], resumed: Callable[..., Settings]
) -> None:
    old = planned(request_for())
    assert resumed(old, request_for(steps=4), trained=4).steps == 4
    with pytest.raises(ValueError, match=r"--steps must be at least 5, .* has done, but it is 4$"):
        resumed(old, request_for(steps=4), trained=5)
    with pytest.raises(ValueError, match=r"--keep must name steps to come, but 3 is over: .* has done 4 steps"):
        resumed(old, request_for(keep=(3,)))
    assert resumed(replace(old, keep=(3,)), request_for(keep=(3,))).keep == (3,)  # it was named in time


@pytest.mark.parametrize(
    "case",
    [(None, 7, True), (None, None, True), (60.0, None, False), (60.0, 7, True), (60.0, 20, False)],
)
def test_steps_to_keep_are_within_a_plan_that_the_clock_does_not_change(
    request_for: RequestMaker,
    planned: Callable[..., Settings],
    resumed: Callable[..., Settings],
    case: tuple[float | None, int | None, bool],
) -> None:
    seconds, asked, refused = case
    old = replace(planned(request_for()), seconds=seconds)
    request = request_for(steps=asked, keep=(12,))
    if refused:
        with pytest.raises(ValueError, match="--keep must name steps of the plan, which has 7, but 12 is beyond it"):
            resumed(old, request)
    else:
        assert resumed(old, request).keep == (12,)


def test_minutes_are_those_of_the_start(
    request_for: RequestMaker, planned: Callable[..., Settings], resumed: Callable[..., Settings]
) -> None:
    request = request_for(steps=None, minutes=3.0)
    old = replace(planned(request), steps=50, seconds=100.0)
    assert resumed(old, request) == resumed(old, request_for(steps=None)) == old
    with pytest.raises(
        ValueError, match="the run was planned as 50 steps; to train it longer, say --steps with a larger"
    ):
        resumed(old, request_for(steps=None, minutes=4.0))


def test_what_makes_another_run_is_listed(
    request_for: RequestMaker, planned: Callable[..., Settings], resumed: Callable[..., Settings], tmp_path: Path
) -> None:
    old = planned(request_for())
    with pytest.raises(ValueError, match="holds a run with other settings:\n  seed: was 0, now 3\nrepeat its command"):
        resumed(old, request_for(seed=3))
    with pytest.raises(ValueError, match=r"options.width: was 4, now 5\nrepeat .* continue it \(with --width 4\), or"):
        resumed(old, request_for(options={"width": 5}))
    with pytest.raises(ValueError, match=r"  recipe: was acgan, now dcgan\nrepeat its command to continue it, or"):
        resumed(old, request_for("dcgan"))
    with pytest.raises(ValueError, match="holds a run already; --from starts a new one: name another --out"):
        resumed(old, request_for(start=tmp_path / "other"))


def test_a_run_that_began_from_another_goes_on_without_it(
    request_for: RequestMaker, planned: Callable[..., Settings], resumed: Callable[..., Settings], tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    old = replace(planned(request_for()), start=f"{gone} (state 0123456789ab)")
    assert resumed(old, request_for()) == resumed(old, request_for(start=gone)) == old
    with pytest.raises(ValueError, match=r"start: was .*gone \(state 0123456789ab\), now .*elsewhere"):
        resumed(old, request_for(start=tmp_path / "elsewhere"))


def test_other_versions_and_hardware_are_noted_and_refused_by_strict(
    request_for: RequestMaker,
    planned: Callable[..., Settings],
    resumed: Callable[..., Settings],
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = planned(request_for())
    old = replace(now, versions={**now.versions, "numpy": "0.1", "gone": "1"})
    assert resumed(old, request_for()) == now
    note = f"numpy was 0.1 and is {now.versions['numpy']} now"
    assert capsys.readouterr().out.splitlines() == [
        f"hardware  {now.hardware} (as this run began)",
        f"note: {note}: the run need not repeat bit for bit",
    ]
    with pytest.raises(
        ValueError, match=f"--strict refuses to continue, since the run need not repeat bit for bit: {note}"
    ):
        resumed(old, request_for(strict=True))
    assert resumed(now, request_for(strict=True)) == now
    wider = resumed(now, request_for(threads=2))
    assert wider == replace(now, hardware=replace(now.hardware, threads=2))
    assert capsys.readouterr().out.splitlines()[-1] == f"hardware  {wider.hardware} (as asked)"
    with pytest.raises(ValueError, match="precision must be"):
        resumed(now, request_for(precision="float8"))


def test_options_of_a_recipe_are_plain(request_for: RequestMaker) -> None:
    request = request_for()
    options: Any = replace(request.options, width=[4])
    with pytest.raises(ValueError, match=r"options of a recipe must be strings, .* but width of acgan is \[4\]$"):
        replace(request, options=options)
