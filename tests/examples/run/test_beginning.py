"""What a session finds, plans and says before its first step: alone, and of two ranks."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support.ranks import as_ranks
from support.tiny_session import tiny_parts, tiny_settings

import gankit as gk
from examples.anime_faces.data import Attribute, Dataset
from examples.anime_faces.recipes import find_options
from examples.anime_faces.run import ALONE, RunFolder, Together, TrainRequest, _beginning as module, digest
from examples.anime_faces.run._beginning import announce, newest_checkpoint, plan_together, rehearse
from examples.anime_faces.run._planning import plan_run
from examples.anime_faces.run._session import Session
from examples.anime_faces.run._settings import Settings
from examples.anime_faces.systems import Description, Hardware, Share, TextDescription

SessionMaker = Callable[..., Session]
RequestMaker = Callable[..., TrainRequest]


def _ranks(work: Callable[[Together], Any]) -> list[Any]:
    return as_ranks(2, lambda rank: work(Together(Share(rank=rank, ranks=2))))


def test_a_new_folder_has_no_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    assert newest_checkpoint(folder, ALONE) is None
    folder.checkpoints.mkdir(parents=True)
    assert newest_checkpoint(folder, ALONE) is None
    assert _ranks(lambda one: newest_checkpoint(folder, one)) == [None, None]


@pytest.mark.parametrize("step", [0, 3])
def test_the_newest_checkpoint_is_read_by_the_first_rank_and_sent_to_the_others(
    session_in: SessionMaker, tmp_path: Path, step: int
) -> None:
    session = session_in(tmp_path / "0")
    session.save(step)
    expected = gk.training.Checkpoints(session.folder.checkpoints).load_latest()
    assert expected is not None
    found = _ranks(lambda one: newest_checkpoint(RunFolder(tmp_path / str(one.share.rank)), one))
    for one in (newest_checkpoint(session.folder, ALONE), *found):
        assert one is not None
        assert (one[0], digest(one[1]), one[1]["settings"]) == (step, digest(expected[1]), session.settings.to_dict())


def test_what_another_program_saved_there_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    gk.training.Checkpoints(folder.checkpoints).save(3, {"weights": torch.ones(2)})
    with pytest.raises(ValueError, match="checkpoints holds no checkpoint of a run: "):
        newest_checkpoint(folder, ALONE)


def test_alone_the_plan_is_that_of_the_request(request_for: RequestMaker, faces: Dataset) -> None:
    request = request_for(keep=(3,))
    selection = request.recipe.conditioning(request.options).select(faces)
    assert plan_together(request, faces, selection, None, ALONE) == plan_run(request, faces, selection)


def test_graphs_are_replayed_alone(request_for: RequestMaker, faces: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_for()
    selection = request.recipe.conditioning(request.options).select(faces)
    settings, _ = plan_run(request, faces, selection)
    graphed = replace(settings.hardware, gradients="graphed")
    choices = (settings.hardware, replace(settings.hardware, threads=3))
    planned = (replace(settings, hardware=graphed), (*choices, graphed))
    monkeypatch.setattr(module, "plan_run", lambda *_: planned)
    assert plan_together(request, faces, selection, None, ALONE) == planned
    with pytest.raises(
        ValueError, match=r"^--gradients must be eager or compiled where several ranks train, but it is gr"
    ):
        _ranks(lambda one: plan_together(request, faces, selection, None, one))
    monkeypatch.setattr(module, "plan_run", lambda *_: (settings, planned[1]))
    plans = _ranks(lambda one: plan_together(request, faces, selection, None, one))
    assert plans == [(replace(settings, ranks=2), choices)] * 2


def test_ranks_with_other_data_do_not_train_together(request_for: RequestMaker, faces: Dataset) -> None:
    request = request_for()
    selection = request.recipe.conditioning(request.options).select(faces)

    def plan(together: Together) -> object:
        data: Any = SimpleNamespace(fingerprint=f"{faces.fingerprint}{together.share.rank}")
        return plan_together(request, data, selection, None, together)

    with pytest.raises(ValueError, match=r"^the data set must be the same on all 2 ranks"):
        _ranks(plan)


@pytest.mark.parametrize(("changes", "is_refused"), [({"steps": 7}, True), ({"steps": None, "minutes": 1.0}, False)])
def test_steps_to_keep_must_be_in_a_plan_of_steps(
    request_for: RequestMaker, faces: Dataset, changes: dict[str, Any], *, is_refused: bool
) -> None:
    """Minutes may become any number of steps."""
    request = request_for(keep=(3, 10**6), **changes)
    selection = request.recipe.conditioning(request.options).select(faces)
    if is_refused:
        with pytest.raises(
            ValueError, match=r"^--keep must name steps of the plan, which has 7, but 1000000 is beyond"
        ):
            plan_together(request, faces, selection, None, ALONE)
    else:
        assert plan_together(request, faces, selection, None, ALONE)[0].keep == (3, 10**6)


def test_steps_of_another_runs_plan_may_be_kept_though_it_ends_before(
    request_for: RequestMaker, faces: Dataset, tmp_path: Path
) -> None:
    """The other run may have changed its plan on the way."""
    tiny_settings(steps=4).save(tmp_path / "settings.json")
    request = request_for(keep=(9,), steps=None, plan=tmp_path)
    selection = request.recipe.conditioning(request.options).select(faces)
    settings, _ = plan_together(request, faces, selection, None, ALONE)
    assert (settings.steps, settings.keep) == (4, (9,))


def test_a_run_that_two_ranks_continue_notes_that_one_began_it(
    request_for: RequestMaker, faces: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_for()
    selection = request.recipe.conditioning(request.options).select(faces)
    began = plan_run(request, faces, selection)[0]
    found = (3, {"settings": json.loads(json.dumps(began.to_dict()))})
    settings, choices = plan_together(request, faces, selection, found, ALONE)
    assert (settings, choices) == (Settings.from_dict(began.to_dict()), ())
    capsys.readouterr()
    plans = _ranks(lambda one: plan_together(request, faces, selection, found if one.is_first else None, one))
    assert plans == [(replace(settings, ranks=2), ())] * 2
    note = "note: 1 rank trained this run until now, and 2 from here on: the run need not repeat bit for bit\n"
    assert capsys.readouterr().out.endswith(note)
    with pytest.raises(ValueError, match="--steps must be at least 5, the steps that the run in"):
        plan_together(replace(request, steps=4), faces, selection, (5, found[1]), ALONE)


def _state(session: Session, **settings: Any) -> tuple[int, Any]:
    return 2, {**session._state(2), "settings": tiny_settings(**settings).to_dict()}


def test_a_rehearsal_refuses_what_does_not_fit(
    session_in: SessionMaker, request_for: RequestMaker, tmp_path: Path
) -> None:
    found = _state(session_in(tmp_path))
    rehearse(request_for(strict=True), found, *tiny_parts(5), ALONE)
    del found[1]["networks"]["critic"]
    with pytest.raises(ValueError, match="the checkpoint holds no critic among its networks"):
        rehearse(request_for(), found, *tiny_parts(5), ALONE)


def test_lost_random_numbers_are_refused_where_the_run_must_repeat(
    session_in: SessionMaker, request_for: RequestMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _state(session_in(tmp_path), hardware=Hardware(device="cuda"))
    rehearse(request_for(), found, *tiny_parts(5), ALONE)
    assert capsys.readouterr().out == ""  # it is said when the run continues
    with pytest.raises(ValueError, match="random numbers are lost: those of cuda cannot continue on cpu"):
        rehearse(request_for(strict=True), found, *tiny_parts(5), ALONE)


def test_networks_to_start_from_are_tried_by_the_first_rank(
    session_in: SessionMaker, request_for: RequestMaker, tmp_path: Path
) -> None:
    session = session_in(tmp_path / "source")
    session.save(3)
    request = request_for(start=tmp_path / "source")
    rehearse(request, None, *tiny_parts(5), ALONE)
    rehearse(request_for(), None, *tiny_parts(5), ALONE)
    state = {**session._state(4), "networks": {"other": {}}}
    gk.training.Checkpoints(session.folder.checkpoints).save(4, state)
    with pytest.raises(ValueError, match="no weight of the checkpoint given by --from"):
        rehearse(request, None, *tiny_parts(5), ALONE)
    rehearse(request, None, *tiny_parts(5), Together(Share(rank=1, ranks=2)))


WARNING = (
    "warning   a batch has 3 pictures, and only 2 are in use, so it holds some twice or more: give --batch-size 2, or add "
    "pictures"
)
ATTRIBUTES = (Attribute("hair", ("red", "blue")), Attribute("eyes", ("green", "gray", "black")))


@pytest.mark.parametrize(
    ("changes", "pictures", "note", "lines"),
    [
        (
            {},
            7,
            "",
            [
                "data      7 of 9 pictures, 2x2, attributes: none",
                "recipe    acgan: width 4",
                "plan      5 steps, seed 5",
            ],
        ),
        (
            {
                "description": Description(
                    size=2,
                    kind="table",
                    attributes=ATTRIBUTES,
                    incomplete=(False, False),
                    text=TextDescription(encoder="words", features=8, pictures=7, examples=()),
                    reads_labels=False,
                ),
                "options": {"width": 4, "extra": "", "rate": 0.5},
                "ranks": 2,
                "keep": (3, 9),
            },
            2,
            "one critic is enough",
            [
                "data      2 of 9 pictures, 2x2, attributes: hair (2), eyes (3) (labels are not read)",
                "texts     words, 8 numbers each",
                "recipe    acgan: width 4, rate 0.5",
                "plan      5 steps, seed 5",
                "ranks     2, which share every batch; this first one writes all files",
                "keep      the checkpoints of the steps 3, 9; beyond the plan, and kept only if it becomes longer: 9",
                "note      one critic is enough",
                WARNING,
            ],
        ),
    ],
)
def test_a_run_is_announced_by_what_it_trains(
    changes: dict[str, Any], pictures: int, note: str, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    system = replace(tiny_parts(5)[0].system, note=note)
    options = find_options("acgan")(width=4, batch_size=3)
    announce(tiny_settings(pictures=pictures, **changes), 9, system, options)
    assert capsys.readouterr().out.splitlines() == lines
