"""What a request may say, and what is refused or noted."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from examples.anime_faces.run import TrainRequest
from examples.anime_faces.run._request import note_change

RequestMaker = Callable[..., TrainRequest]


@dataclass
class _Options:
    """One option of any kind."""

    depth: Any


def test_a_request_of_a_recipe_data_and_a_folder_leaves_everything_else_open(request_for: RequestMaker) -> None:
    full = request_for()
    request = TrainRequest(recipe=full.recipe, options=full.options, data=full.data, out=full.out)
    assert request.seed == 0
    assert not request.profile
    assert not request.strict
    assert request.keep == ()
    for name in ("steps", "minutes", "plan", "start", "threads", "device", "precision", "gradients", "grid_every"):
        assert getattr(request, name) is None


@pytest.mark.parametrize("value", ["deep", 3, 0.5, True, None])
def test_options_are_plain_values(request_for: RequestMaker, value: object) -> None:
    options = _Options(value)
    assert replace(request_for(), options=options).options is options


@pytest.mark.parametrize("value", [(3, 4), Path("here")])
def test_options_that_json_does_not_have_are_refused(request_for: RequestMaker, value: object) -> None:
    with pytest.raises(ValueError, match="options of a recipe must be") as caught:
        replace(request_for(), options=_Options(value))
    assert str(caught.value) == (
        "options of a recipe must be strings, numbers, True, False or None, since they are written as JSON, but depth of "
        f"acgan is {value!r}"
    )


def test_a_request_that_makes_no_sense_is_refused(request_for: RequestMaker, faces_folder: Path) -> None:
    with pytest.raises(ValueError, match="--steps must be above 0"):
        request_for(steps=0)
    with pytest.raises(ValueError, match="--out must be a folder of its own"):
        request_for(out=faces_folder)


def test_a_change_is_noted_or_refused_as_requested(
    request_for: RequestMaker, capsys: pytest.CaptureFixture[str]
) -> None:
    note_change(request_for(), "torch was 1 and is 2 now")
    assert capsys.readouterr().out == "note: torch was 1 and is 2 now: the run need not repeat bit for bit\n"
    with pytest.raises(ValueError, match="--strict") as caught:
        note_change(request_for(strict=True), "torch was 1 and is 2 now")
    assert str(caught.value) == (
        "--strict refuses to continue, since the run need not repeat bit for bit: torch was 1 and is 2 now"
    )
    assert capsys.readouterr().out == ""
