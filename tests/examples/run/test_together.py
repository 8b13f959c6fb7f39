"""What ranks agree on, between two processes of which one is this test's; and what a process that trains alone gets."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from support.ranks import as_ranks

from examples.anime_faces.data import Dataset
from examples.anime_faces.run import ALONE, Together, TrainRequest, _beginning
from examples.anime_faces.run._beginning import plan_together
from examples.anime_faces.run._planning import plan_run
from examples.anime_faces.run._together import _take_compiler_cache, joined
from examples.anime_faces.systems import Share


def _two(work: object) -> list[object]:
    return as_ranks(2, lambda rank: work(Together(Share(rank=rank, ranks=2))))  # pyright: ignore[reportCallIssue]


def test_alone_everything_is_what_was_given(tmp_path: object) -> None:
    with joined("cpu", tmp_path) as together:  # pyright: ignore[reportArgumentType]
        assert together is ALONE
    assert ALONE.is_alone
    assert ALONE.is_first
    assert (ALONE.largest(3), ALONE.of_first(4), ALONE.of_all("x")) == (3, 4, ["x"])
    assert ALONE.text_of_first(lambda: "ä") == "ä"
    assert abs(ALONE.clock() - time.perf_counter()) < 1
    ALONE.check_same({"name": "text"})


@pytest.mark.parametrize("usual", ["", "/somewhere"])
def test_each_rank_compiles_in_a_folder_of_its_own(usual: str) -> None:
    found: list[Path] = []
    for rank in range(2):
        with mock.patch.dict(os.environ, LOCAL_RANK=str(rank)):
            os.environ.pop("TORCHINDUCTOR_CACHE_DIR", None)
            if usual:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = usual
            _take_compiler_cache()
            found.append(Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]))
    assert [one.name for one in found] == ["rank-0", "rank-1"]
    assert found[0].parent == found[1].parent
    assert not usual or found[0].parent == Path(usual)


def test_all_get_what_the_first_rank_has() -> None:
    assert _two(lambda one: one.largest(5 * one.share.rank)) == [5, 5]
    assert _two(lambda one: one.of_first(7 + one.share.rank)) == [7, 7]
    assert _two(lambda one: one.text_of_first(lambda: f"rank {one.share.rank} ä")) == ["rank 0 ä", "rank 0 ä"]
    assert _two(lambda one: one.bytes_of_first(lambda: b"")) == [b"", b""]
    assert _two(lambda one: one.of_all(f"rank {one.share.rank}")) == [["rank 0", "rank 1"]] * 2
    first, second = _two(lambda one: one.clock())
    assert first == second


def test_what_differs_between_ranks_is_named() -> None:
    def check(together: Together) -> None:
        together.check_same({"the data set": "abc", "the versions": f"torch {together.share.rank}"})

    with pytest.raises(ValueError, match=r"^the versions must be the same on all 2 ranks: they need the same program"):
        _two(check)
    _two(lambda one: one.check_same({"the data set": "abc", "the versions": "torch"}))


def test_ranks_update_eagerly_or_compiled(request_for: Callable[..., TrainRequest], faces: Dataset) -> None:
    request = request_for(gradients="compiled")
    selection = request.recipe.conditioning(request.options).select(faces)
    for gradients, expected in (("compiled", {"compiled"}), (None, {"eager"})):
        request = replace(request, gradients=gradients)
        for settings, choices in _two(lambda one, request=request: plan_together(request, faces, selection, None, one)):  # pyright: ignore[reportGeneralTypeIssues]
            assert settings.ranks == 2
            assert choices
            assert {choice.gradients for choice in choices} == expected


def test_ranks_replay_no_graphs(
    request_for: Callable[..., TrainRequest], faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_for()
    selection = request.recipe.conditioning(request.options).select(faces)
    settings, choices = plan_run(request, faces, selection)
    graphed = replace(settings.hardware, gradients="graphed")
    monkeypatch.setattr(_beginning, "plan_run", lambda *_: (settings, (*choices, graphed)))
    for _, left in _two(lambda one: plan_together(request, faces, selection, None, one)):  # pyright: ignore[reportGeneralTypeIssues]
        assert left == choices
    monkeypatch.setattr(_beginning, "plan_run", lambda *_: (replace(settings, hardware=graphed), (graphed,)))
    with pytest.raises(
        ValueError, match="--gradients must be eager or compiled where several ranks train, but it is gr"
    ):
        _two(lambda one: plan_together(request, faces, selection, None, one))
