"""Figures, and the evaluation that gathers them."""

import json

import pytest

from examples.anime_faces.metrics import Evaluation, Figure


@pytest.mark.parametrize(
    ("value", "at_least", "at_most", "passed"),
    [
        (0.5, None, None, None),
        (0.5, 0.5, None, True),
        (0.4, 0.5, None, False),
        (0.5, None, 0.5, True),
        (0.6, None, 0.5, False),
        (1.0, 0.6, 1.4, True),
        (1.5, 0.6, 1.4, False),
        (0.5, 0.6, 1.4, False),
        (float("nan"), 0.6, None, False),
        (float("nan"), None, 1.0, False),
    ],
)
def test_passes_within_its_bounds(value: float, at_least: float | None, at_most: float | None, passed: bool | None):
    assert Figure(value=value, at_least=at_least, at_most=at_most, about="a number").passed is passed


def test_an_evaluation_counts_what_passed(capsys: pytest.CaptureFixture[str]):
    evaluation = Evaluation(samples=7, reference=5, seed=3)
    with evaluation.timed("thinking"):
        evaluation.add({"good": Figure(value=1.0, floor=0.9, at_least=0.5, about="up")}, {"table": {"a": 1.0}})
    evaluation.add({"bad": Figure(value=0.1234567, at_least=0.5, about="down"), "free": Figure(value=2.0, about="any")})
    record = json.loads(json.dumps(evaluation.record()))
    assert (record["passed"], record["bounded"]) == (1, 2)
    assert (record["samples"], record["reference"], record["seed"]) == (7, 5, 3)
    assert record["figures"]["bad"] == {
        "value": 0.123457,
        "floor": None,
        "at_least": 0.5,
        "at_most": None,
        "passed": False,
        "about": "down",
    }
    assert record["details"] == {"table": {"a": 1.0}}
    assert record["seconds"]["thinking"] >= 0.0
    assert "thinking took" in capsys.readouterr().out
