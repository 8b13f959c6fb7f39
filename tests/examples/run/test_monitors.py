"""States of a run that are noted in the log."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from examples.anime_faces.run import read_log
from examples.anime_faces.run._monitors import (
    ALIKE,
    BLIND,
    CONVERGED,
    DIVERGED,
    NO_GRADIENT,
    RULES,
    Span,
    are_watched,
    spans_of,
    states_of,
)
from examples.anime_faces.run._record import Record


def states(grids: tuple[Mapping[str, float], ...] = (), longest: float = 10.0, **averages: float) -> list[str]:
    named = {name.replace("_", "/", 1): value for name, value in averages.items()}
    return states_of(named, {"gradients/generator": longest}, grids)


@pytest.mark.parametrize(
    ("real", "fake", "expected"),
    [
        (0.99, 0.99, [CONVERGED]),
        (0.989, 1.0, []),
        (1.0, 0.989, []),
        (0.45, 0.55, [BLIND]),
        (0.449, 0.5, []),
        (0.5, 0.551, []),
        (0.0, 0.0, []),
    ],
)
def test_the_critic_has_converged_or_cannot_tell(real: float, fake: float, expected: list[str]) -> None:
    assert states(accuracy_real=real, accuracy_fake=fake) == expected


def test_all_critics_must_have_converged_and_both_kinds_be_known() -> None:
    both = {"accuracy/real": 1.0, "accuracy/fake": 1.0, "accuracy/real in color": 1.0, "accuracy/fake in color": 0.9}
    assert states_of(both, {}, []) == []
    both["accuracy/fake in color"] = 0.995
    assert states_of(both, {}, []) == [CONVERGED]
    assert states_of({"accuracy/real": 1.0}, {}, []) == []
    assert states_of({"accuracy/real": 1.0, "accuracy/fake": 1.0, "accuracy/mismatched": 0.5}, {}, []) == [CONVERGED]


def test_a_gradient_vanishes_beside_the_longest_one() -> None:
    assert states(gradients_generator=0.0999) == [NO_GRADIENT]
    assert states(gradients_generator=0.1001) == []
    assert states(gradients_critic=0.0) == []
    assert states() == []
    assert states(longest=100.0, gradients_generator=1.0) == []
    longest = {"gradients/generator/gray": 10.0, "gradients/generator/color": 10.0}
    assert states_of({"gradients/generator/gray": 4.0, "gradients/generator/color": 0.05}, longest, []) == [NO_GRADIENT]


def test_three_grids_without_variety_are_a_collapse() -> None:
    alike, varied = (
        {"variety, average": 0.3, "variety, raw": 0.19},
        {"variety, average": 0.21, "use of noise, raw": 0.0},
    )
    assert states((alike, alike, alike)) == [ALIKE]
    assert states((alike, alike)) == []
    assert states((alike, varied, alike)) == []
    assert states(({}, {}, {})) == []
    limit = {"variety, raw": 0.2}
    assert states((alike, alike, limit)) == []


def test_states_are_in_the_order_of_the_rules() -> None:
    recognized = {"accuracy/real": 1.0, "accuracy/fake": 1.0, "gradients/generator": 0.0}
    grids = [{"variety, raw": 0.1}] * 3
    found = states_of(recognized, {"gradients/generator": 1.0}, grids, diverged=True)
    assert found == [DIVERGED, CONVERGED, NO_GRADIENT, ALIKE]
    assert found == [state for state in RULES if state in found]


def values(**numbers: float) -> dict[str, torch.Tensor]:
    return {name.replace("_", "/", 1): torch.tensor(number) for name, number in numbers.items()}


def filled(record: Record, first: int, last: int, **numbers: float) -> None:
    for step in range(first, last + 1):
        record.add(step, values(**numbers))
    record.read()


def test_states_are_in_the_log_after_a_hundred_steps_and_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    record = Record(path, every=20)
    record.open(0)
    filled(record, 1, 99, accuracy_real=1.0, accuracy_fake=1.0, gradients_generator=500.0)
    record.write(99, images=1, images_per_second=1.0, grid={"variety, raw": 0.1})
    filled(record, 100, 100, accuracy_real=1.0, accuracy_fake=1.0, gradients_generator=500.0)
    record.write(100, images=1, images_per_second=1.0, grid={"variety, raw": 0.1})
    state = record.state_dict()
    record.close()
    assert [line["states"] for line in read_log(path)] == [[], [CONVERGED]]
    assert [line["grid"] for line in read_log(path)] == [{"variety, raw": 0.1}] * 2
    again = Record(path, every=20)
    again.load_state_dict(state)
    again.open(100)
    filled(again, 101, 200, accuracy_real=0.7, accuracy_fake=1.0, gradients_generator=4.9)
    again.write(200, images=1, images_per_second=1.0)
    again.write(201, images=1, images_per_second=1.0, grid={"variety, raw": 0.1})
    again.close()
    first, _, third, fourth = read_log(path)
    assert third["states"] == [NO_GRADIENT]  # 4.9 beside 500, the longest before the restart
    assert fourth["states"] == [NO_GRADIENT, ALIKE]  # two of the three grids were drawn before it
    assert "grid" not in third
    assert first["averages"]["accuracy/real"] == 1.0


def test_gaps_of_several_critics_are_logged(tmp_path: Path) -> None:
    record = Record(tmp_path / "log.jsonl", every=20)
    scores = {"scores/real": 3.0, "scores/fake": 1.0, "scores/real in color": 7.0, "scores/fake in color": 2.5}
    record.add(1, {name: torch.tensor(value) for name, value in scores.items()})
    averages = record.read()
    assert (averages["critic gap"], averages["critic gap in color"]) == (2.0, 4.5)
    record = Record(tmp_path / "other.jsonl", every=20)
    record.add(1, {"scores/real": torch.tensor(3.0)})
    assert "critic gap" not in record.read()


def line(step: int, *there: str) -> dict[str, Any]:
    return {"step": step, "states": list(there)}


def test_spans_join_lines_that_follow_each_other() -> None:
    log = [line(20, BLIND), line(40, BLIND, ALIKE), line(60), {"step": 70}, line(80, BLIND), line(100, ALIKE)]
    assert spans_of(json.loads(json.dumps(log))) == [
        Span(BLIND, RULES[BLIND], 20, 40),
        Span(BLIND, RULES[BLIND], 80, 80),
        Span(ALIKE, RULES[ALIKE], 40, 40),
        Span(ALIKE, RULES[ALIKE], 100, 100),
    ]


def test_logs_of_versions_without_states_are_known() -> None:
    assert are_watched([{"step": 20}, line(40)])
    assert not are_watched([{"step": 20}, {"step": 40}])
    assert not are_watched([])
