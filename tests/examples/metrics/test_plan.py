"""How many samples are measured, and on what."""

from contextlib import suppress

import pytest
import torch

from examples.anime_faces.metrics import Costs, _plan, choose_machine
from examples.anime_faces.metrics._plan import Plan, measure_costs, plan_samples, same_threads_afterwards
from examples.anime_faces.systems import Hardware

COSTS = Costs(draw=0.004, render=0.003, read=0.002, score=10.0)  # 16 ms a sample


def test_without_a_limit_the_default_or_what_was_asked():
    assert plan_samples(None, None, COSTS, rendered=True) == Plan(samples=2640, score=True)
    assert plan_samples(12_000, None, COSTS, rendered=True) == Plan(samples=12_000, score=True)
    assert plan_samples(12_000, 5.0, COSTS, rendered=True) == Plan(samples=12_000, score=True)
    assert plan_samples(None, None, COSTS, rendered=False, most=70) == Plan(samples=70, score=False)


def test_few_samples_are_too_few_for_the_score():
    plan = plan_samples(1319, None, COSTS, rendered=True)
    assert not plan.score
    assert "needs 1,320 samples" in plan.notes[0]
    assert plan_samples(1320, None, COSTS, rendered=True).score


@pytest.mark.parametrize("seconds", [5.0, 10.0, 20.0, 31.0, 40.0, 60.0, 100.0])
def test_what_is_planned_fits_into_the_time(seconds: float):
    plan = plan_samples(None, seconds, COSTS, rendered=True)
    assert 264 <= plan.samples <= 2640
    assert plan.samples % 132 == 0
    took = COSTS.of(plan.samples) + (COSTS.score if plan.score else 0.0)
    assert took <= 0.85 * seconds or plan.samples == 264
    assert bool(plan.notes) == (plan.samples < 2640 or not plan.score)


def test_without_labels_there_is_no_score_and_no_word_about_its_time():
    assert plan_samples(None, None, COSTS, rendered=True, reads_labels=False) == Plan(samples=2640, score=False)
    assert plan_samples(None, 60.0, COSTS, rendered=True, reads_labels=False) == Plan(samples=2640, score=False)


def test_the_score_is_given_up_before_samples_become_too_few():
    plan = plan_samples(None, 33.0, COSTS, rendered=True)
    assert (plan.samples, plan.score) == (1716, False)
    assert "The classification score is left out: it takes about 10 s" in plan.notes[1]
    assert plan_samples(None, 40.0, COSTS, rendered=True).score


def test_a_small_data_set_stays_small():
    assert plan_samples(None, 100.0, COSTS, rendered=False, most=5).samples == 5
    assert plan_samples(None, 0.1, COSTS, rendered=False, most=500).samples == 60
    assert plan_samples(None, 100.0, COSTS, rendered=False, most=0).samples == 0


def test_says_what_it_expects():
    assert Plan(samples=1000, score=True).expected(COSTS) == (
        "about 26 s in all, 10 s of them for the classification score"
    )
    assert Plan(samples=1000, score=False).expected(COSTS) == "about 16 s in all"


def test_the_machine_is_chosen_by_the_real_step(monkeypatch: pytest.MonkeyPatch):
    """On a processor without bfloat16, evaluation computed in it nevertheless."""
    seen: list[tuple[object, float]] = []

    def fastest(step_on: object, choices: tuple[Hardware, ...], *, seconds: float) -> tuple[Hardware, None]:
        seen.append((step_on, seconds))
        assert {one.precision for one in choices} == precisions
        return choices[0], None

    monkeypatch.setattr(_plan, "fastest_hardware", fastest)
    precisions = {"float32", "bfloat16"}
    hardware, words = choose_machine("cpu", student=True, seconds=None)
    assert (hardware.device, words) == ("cpu", "nothing to choose")
    precisions = {"float32"}
    choose_machine("cpu", student=False, seconds=20.0)
    assert [one[0] for one in seen] == [_plan.one_step, _plan._one_reading]
    assert [one[1] for one in seen] == [8.0, 2.0]


def test_costs_are_measured():
    drawn: list[int] = []
    costs = measure_costs(drawn.append, size=32, rendered=False, hardware=Hardware(threads=1))
    assert costs.read > 0.0
    assert (costs.render, costs.score) == (0.0, 0.0)
    assert sum(drawn) > 0


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with suppress(RuntimeError), same_threads_afterwards():
        torch.set_num_threads(before + 1)
        raise RuntimeError
    assert torch.get_num_threads() == before
