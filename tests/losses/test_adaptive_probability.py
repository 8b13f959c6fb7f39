"""The probability that follows the critic: steps, limits, state, mistakes."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, seeds

from gankit.losses import AdaptiveProbability
from gankit.training import Accumulated, Loss, load_checkpoint, save_checkpoint


def _follow(batches: list[np.ndarray], target: float, length: float, limit: float) -> float:
    probability = 0.0
    for scores in batches:
        sure = np.sum(np.where(scores > 0, 1.0, np.where(scores < 0, -1.0, 0.0))) / scores.size
        step = len(scores) / length * (1 if sure > target else -1 if sure < target else 0)
        probability = min(max(probability + step, 0.0), limit)
    return probability


@given(
    seed=seeds,
    target=st.sampled_from((-0.3, 0.0, 0.17, 0.61)),
    length=st.sampled_from((7, 50.0, 1000)),
    limit=st.sampled_from((0.05, 0.8, 1.0)),
)
def test_it_follows_the_oracle(seed: int, target: float, length: float, limit: float) -> None:
    adaptive = AdaptiveProbability(target=target, length=length, limit=limit)
    batches = [normal(seed + k, 1 + k % 5, 3) + 0.5 for k in range(20)]
    for scores in batches:
        adaptive.update(scores)
    expected = _follow([scores.numpy() for scores in batches], target, length, limit)
    assert adaptive.probability.item() == pytest.approx(expected, abs=1e-5)


def test_the_defaults_are_the_published_ones() -> None:
    adaptive = AdaptiveProbability()
    assert adaptive.probability.item() == 0.0
    adaptive.update(torch.ones(64))
    assert adaptive.probability.item() == pytest.approx(64 / 500_000)
    adaptive.update(torch.tensor([1.0, 1.0, 1.0, 1.0, -1.0]))  # 3 / 5: exactly the target
    assert adaptive.probability.item() == pytest.approx(64 / 500_000)
    adaptive.update(torch.tensor([1.0] * 79 + [-1.0] * 21))
    assert adaptive.probability.item() == 0.0  # 0.58, just below; 64 - 100 samples end at 0


def test_at_every_fourth_iteration_the_scores_of_all_four_make_the_published_step() -> None:
    batches = [normal(seed, 8) + 0.7 for seed in range(12)]
    adaptive, probability = AdaptiveProbability(length=1000), 0.0
    for start in range(0, 12, 4):
        last_four = torch.cat(batches[start : start + 4])
        adaptive.update(last_four)
        signs = np.sign(last_four.numpy()).mean()
        probability = max(probability + np.sign(signs - 0.6) * (8 * 4) / 1000, 0.0)
    assert 0 < probability < 1
    assert adaptive.probability.item() == pytest.approx(probability, rel=1e-6)


@pytest.mark.parametrize("limit", [1.0, 0.8, 0.3, 0.0])
def test_it_stays_between_zero_and_the_limit(limit: float) -> None:
    adaptive = AdaptiveProbability(length=7, limit=limit)
    for _ in range(5):
        adaptive.update(torch.ones(3))
    assert adaptive.probability == torch.tensor(limit)
    for _ in range(7):
        adaptive.update(-torch.ones(3))
    assert adaptive.probability == 0


@given(seed=seeds, poison=st.sampled_from((float("nan"), float("inf"), -float("inf"))), position=st.integers(0, 4))
def test_nan_counts_as_zero_and_infinity_as_its_sign(seed: int, poison: float, position: int) -> None:
    adaptive = AdaptiveProbability(target=0.0, length=50)
    adaptive.update(torch.ones(25))
    scores = normal(seed, 5)
    scores[position] = poison
    adaptive.update(scores)
    signs = np.nan_to_num(np.sign(scores.numpy()), nan=0.0)
    assert adaptive.probability.item() == pytest.approx(0.5 + 0.1 * np.sign(signs.mean()))


def test_samples_are_counted_and_not_their_patches_and_maps_count_equally() -> None:
    adaptive = AdaptiveProbability(target=0.5, length=10)
    adaptive.update(torch.ones(4, 1, 5, 5))
    assert adaptive.probability.item() == pytest.approx(0.4)
    # The maps' means are -1, 1 and 1: a third, below the target, though their sum is above it.
    adaptive.update([-torch.ones(3, 1), torch.ones(3, 20), torch.ones(3)])
    assert adaptive.probability.item() == pytest.approx(0.1)


def test_the_probability_is_one_tensor_that_is_filled_in_place_as_captured_graphs_need() -> None:
    adaptive = AdaptiveProbability(length=10)
    kept = adaptive.probability
    adaptive.update(torch.ones(2))
    assert adaptive.probability is kept
    assert kept.item() == pytest.approx(0.2)
    adaptive.move(torch.tensor(1.0), samples=3)
    assert kept.item() == pytest.approx(0.5)
    adaptive.load_state_dict(AdaptiveProbability().state_dict())
    assert adaptive.probability is kept
    assert kept.item() == 0


def test_no_graph_is_kept() -> None:
    adaptive = AdaptiveProbability(length=10)
    adaptive.update(torch.ones(2, requires_grad=True))
    adaptive.move(torch.ones((), requires_grad=True), samples=1)
    assert adaptive.probability.item() == pytest.approx(0.3)
    assert not adaptive.probability.requires_grad
    assert not adaptive.mean_sign(torch.ones(2, requires_grad=True)).requires_grad
    assert adaptive.probability.dtype == torch.float32


@given(seed=seeds)
def test_a_reading_of_the_terms_moves_it_as_the_scores_do(seed: int) -> None:
    by_scores, by_readings = (AdaptiveProbability(target=0.3, length=50) for _ in range(2))
    for step in range(7):
        scores = normal(seed + step, 1 + step, 3) + 0.3
        by_scores.update(scores)
        reading = by_readings.mean_sign(scores)
        assert reading.ndim == 0
        by_readings.move(reading, samples=len(scores))
        assert by_readings.probability == by_scores.probability


def test_a_reading_averages_maps_and_counts_no_score_that_is_not_a_number() -> None:
    maps = [-torch.ones(3, 1), torch.ones(3, 20), torch.ones(3)]
    assert AdaptiveProbability.mean_sign(maps).item() == pytest.approx(1 / 3)
    assert AdaptiveProbability.mean_sign(torch.tensor([torch.nan, 5.0, torch.inf, -torch.inf])).item() == 0.25


def test_a_reading_may_be_taken_in_parts_of_a_batch() -> None:
    adaptive = AdaptiveProbability(length=10)
    weight = torch.nn.Parameter(torch.ones(()))

    def terms(scores: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        return {"loss": (weight * scores).mean()}, {"sign": adaptive.mean_sign(scores)}

    scores = torch.tensor([1.0, 1.0, 1.0, -1.0])
    readings = Accumulated(2)(Loss(terms, (weight,)), (scores,)).readings
    assert readings["sign"] == adaptive.mean_sign(scores) == 0.5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_reading_is_in_float32_whatever_the_scores_are(dtype: torch.dtype) -> None:
    reading = AdaptiveProbability.mean_sign(torch.tensor([1.0] * 161 + [-1.0] * 40, dtype=dtype))
    torch.testing.assert_close(reading, torch.tensor(121 / 201))


def test_one_map_in_a_sequence_counts_as_the_map() -> None:
    adaptive = AdaptiveProbability(length=10)
    adaptive.update([torch.ones(3, 2)])
    assert adaptive.probability.item() == pytest.approx(0.3)


def test_scores_elsewhere_take_it_to_their_device() -> None:
    adaptive = AdaptiveProbability(device="cpu")
    adaptive.update(torch.ones(2, device="meta"))
    assert adaptive.probability.device.type == "meta"
    assert adaptive.probability.dtype == torch.float32


def test_a_device_that_torch_cannot_use_is_refused() -> None:
    with pytest.raises(ValueError, match="device must be a device that this torch can use, got 'tpu'"):
        AdaptiveProbability(device="tpu")


def test_it_starts_on_its_device() -> None:
    adaptive = AdaptiveProbability(device="meta")
    kept = adaptive.probability
    adaptive.update(torch.ones(2, device="meta"))
    adaptive.load_state_dict(adaptive.state_dict())
    assert adaptive.probability is kept
    assert kept.device.type == "meta"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_scores_of_any_floating_dtype_will_do(dtype: torch.dtype) -> None:
    adaptive = AdaptiveProbability(length=1000)
    adaptive.update(
        torch.tensor([1.0] * 161 + [-1.0] * 40, dtype=dtype)
    )  # 121 / 201 is above 0.6, which bfloat16 rounds away
    assert adaptive.probability.item() == pytest.approx(0.201)


def test_the_state_is_plain_and_takes_up_where_it_left(tmp_path: Path) -> None:
    adaptive = AdaptiveProbability(length=10, limit=0.8)
    for _ in range(5):
        adaptive.update(torch.ones(3))
    save_checkpoint(tmp_path / "state.pt", adaptive.state_dict())
    again = AdaptiveProbability(length=10, limit=0.8)
    again.load_state_dict(load_checkpoint(tmp_path / "state.pt"))
    assert again.probability == adaptive.probability == torch.tensor(0.8)
    for one in (adaptive, again):
        one.update(-torch.ones(3))
    assert again.probability == adaptive.probability


def test_a_state_brings_no_graph_with_it() -> None:
    adaptive = AdaptiveProbability()
    adaptive.load_state_dict({"version": 1, "probability": torch.tensor(0.5, requires_grad=True)})
    assert not adaptive.probability.requires_grad


def test_a_state_is_a_copy_on_both_ways() -> None:
    adaptive, again = AdaptiveProbability(length=10), AdaptiveProbability(length=10)
    state = adaptive.state_dict()
    again.load_state_dict(state)
    adaptive.update(torch.ones(3))
    again.update(torch.ones(1))
    assert state["probability"].item() == 0.0
    assert again.probability.item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("state", "match"),
    [
        ({"version": 2, "probability": torch.tensor(0.5)}, "adaptive probability must have version 1, got 2"),
        ({"probability": torch.tensor(0.5)}, "must have version 1, got None"),
        ({"version": 1}, r"must hold \['probability'\], got none"),
        ({"version": 1, "probability": 0.5}, r"must hold probability as a dense tensor, got 0\.5"),
        ({"version": 1, "probability": torch.tensor([0.5])}, "must hold a 0-d tensor"),
        ({"version": 1, "probability": torch.tensor(1)}, "must hold a 0-d tensor"),
        ({"version": 1, "probability": torch.tensor(0.81)}, r"must lie in 0\.\.0\.8, got 0\.81"),
        ({"version": 1, "probability": torch.tensor(-0.1)}, r"must lie in 0\.\.0\.8, got -0\.1"),
        ({"version": 1, "probability": torch.tensor(torch.nan)}, "got nan"),
    ],
)
def test_a_foreign_state_is_refused_and_changes_nothing(state: dict[str, Any], match: str) -> None:
    adaptive = AdaptiveProbability(length=10, limit=0.8)
    adaptive.update(torch.ones(3))
    with pytest.raises(ValueError, match=match):
        adaptive.load_state_dict(state)
    assert adaptive.probability.item() == pytest.approx(0.3)


def test_it_prints_copies_and_pickles_with_its_probability() -> None:
    adaptive = AdaptiveProbability(target=0.5, length=10, limit=0.8)
    assert repr(adaptive) == "AdaptiveProbability(target=0.5, length=10, limit=0.8)"
    adaptive.update(torch.ones(3))
    for again in (copy.deepcopy(adaptive), pickle.loads(pickle.dumps(adaptive))):
        again.update(torch.ones(1))
        assert again.probability.item() == pytest.approx(0.4)
    assert adaptive.probability.item() == pytest.approx(0.3)


def test_an_update_compiles_with_what_uses_the_probability() -> None:
    adaptive = AdaptiveProbability(length=10)

    def step(scores: torch.Tensor) -> torch.Tensor:
        adaptive.update(scores)
        return 2 * adaptive.probability

    torch.compiler.reset()
    compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
    assert [round(compiled(torch.ones(2)).item(), 6) for _ in range(3)] == [0.4, 0.8, 1.2]
    assert adaptive.probability.item() == pytest.approx(0.6)


def test_accumulation_is_refused_by_name() -> None:
    adaptive = AdaptiveProbability()
    weight = torch.nn.Parameter(torch.ones(()))

    def terms(scores: torch.Tensor) -> dict[str, torch.Tensor]:
        adaptive.update(scores)
        return {"loss": (weight * scores).mean()}

    with pytest.raises(ValueError, match="AdaptiveProbability needs the whole batch"):
        Accumulated(2)(Loss(terms, (weight,)), (torch.ones(6),))
    assert adaptive.probability == 0
    Accumulated(1)(Loss(terms, (weight,)), (torch.ones(6),))
    assert adaptive.probability > 0


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: AdaptiveProbability(target=1.1), r"target must lie in -1\.\.1, got 1\.1"),
        (lambda: AdaptiveProbability(target=-1.1), r"target must lie in -1\.\.1, got -1\.1"),
        (lambda: AdaptiveProbability(target=float("nan")), "target must be a finite number"),
        (lambda: AdaptiveProbability(length=0), "length must be above 0, got 0"),
        (lambda: AdaptiveProbability(limit=1.1), r"limit must lie in 0\.\.1, got 1\.1"),
        (
            lambda: AdaptiveProbability().move(torch.zeros(1), samples=1),
            r"mean_sign must be a 0-d floating-point tensor.*\(1,\)",
        ),
        (
            lambda: AdaptiveProbability().move(torch.tensor(1), samples=1),
            "mean_sign must be a 0-d floating-point tensor",
        ),
        (lambda: AdaptiveProbability().move(torch.tensor(1.0), samples=0), "samples must be at least 1, got 0"),
        (lambda: AdaptiveProbability().update(torch.zeros(0)), "real_scores must not be empty"),
        (lambda: AdaptiveProbability().update(torch.zeros(3).long()), "real_scores must be a floating-point tensor"),
        (
            lambda: AdaptiveProbability().update([torch.zeros(3), torch.zeros(2)]),
            r"real_scores must hold equally many samples in each map, got \[2, 3\]",
        ),
    ],
)
def test_mistakes_are_named(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()


@pytest.mark.parametrize("target", [-1, 1])
def test_the_ends_are_targets_too(target: float) -> None:
    adaptive = AdaptiveProbability(target=target, length=10)
    adaptive.update(target * torch.ones(3))
    assert adaptive.probability == 0


def test_a_mean_sign_moves_it_as_the_scores_do() -> None:
    whole, moved = AdaptiveProbability(length=100), AdaptiveProbability(length=100)
    for _ in range(5):
        scores = torch.randn(7) + 1.5
        whole.update(scores)
        moved.move(scores.sign().mean(), 7)
    assert float(whole.probability) > 0
    assert torch.equal(whole.probability, moved.probability)
    with pytest.raises(ValueError, match="mean_sign must be a 0-d floating-point tensor"):
        moved.move(torch.ones(2), 7)
    with pytest.raises(ValueError, match="mean_sign must be a 0-d floating-point tensor"):
        moved.move(torch.tensor(1), 7)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        moved.move(torch.tensor(1.0), 0)
