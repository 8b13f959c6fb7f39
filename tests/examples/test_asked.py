import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from examples.anime_faces.asked import check_at_least_1, check_runs_to_compare, check_there, check_training

FINE: dict[str, Any] = {"steps": 3, "minutes": None, "plan": None, "seed": 0, "grid_every": None, "keep": (1, 3)}


def asked(changes: dict[str, Any]) -> Any:
    return SimpleNamespace(**{**FINE, **changes})


@pytest.mark.parametrize(
    "changes", [{}, {"steps": None, "minutes": 0.5}, {"steps": None, "plan": Path("r")}, {"seed": 2**64 - 1}]
)
def test_what_can_be_trained_is_accepted(changes: dict[str, Any]) -> None:
    check_training(asked(changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": 1.0}, "--steps and --minutes must not both be given"),
        ({"plan": Path("r")}, "--plan must not be combined"),
        ({"steps": None, "minutes": 1.0, "plan": Path("r")}, "--plan must not be combined"),
        ({"steps": 10**9 + 1}, "--steps must be above 0, and at most 1,000,000,000, but it is 1000000001"),
        ({"keep": (3, -1)}, "--keep must be above 0, and at most 1,000,000,000, but it is -1"),
        ({"grid_every": 0}, "--grid-every must be above 0"),
        ({"seed": 2**64}, "--seed must be 0 or more and below 2**64"),
    ],
)
def test_what_cannot_be_trained_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        check_training(asked(changes))


def test_numbers_below_1_are_named_alone() -> None:
    check_at_least_1(n=1, scale=None)
    with pytest.raises(ValueError, match=r"^--least-side must be at least 1, but it is 0$"):
        check_at_least_1(n=1, scale=None, least_side=0)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    check_there(tmp_path, "--run")
    with pytest.raises(ValueError, match=r"^--run .*nowhere does not exist$"):
        check_there(tmp_path / "nowhere", "--run")


def test_two_to_eight_different_runs_can_be_compared(tmp_path: Path) -> None:
    runs = [tmp_path / str(number) for number in range(9)]
    for run in runs:
        run.mkdir()
    check_runs_to_compare(runs[:2])
    check_runs_to_compare(runs[:8])
    for wrong, message in (
        ([], "compare needs 2 to 8 runs, but 0 were given"),
        (runs[:1], "compare needs 2 to 8 runs, but 1 was given"),
        (runs, "compare needs 2 to 8 runs, but 9 were given"),
        ([runs[0], runs[1], tmp_path / "1" / ".." / "0"], "different runs, but .*0 is given twice"),
        ([runs[0], tmp_path / "x"], "x does not exist: name folders of runs"),
    ):
        with pytest.raises(ValueError, match=message):
            check_runs_to_compare(wrong)
