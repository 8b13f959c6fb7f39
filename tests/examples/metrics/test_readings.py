"""Total variation and noise usage of what was not asked for."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from examples.anime_faces.metrics import noise_usage, total_variation
from examples.anime_faces.metrics._readings import FACTORS, POSITIONS

CLASSES = {"style": 5, "pose": 3, "expression": 2, "background": 7}


def readings(count: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {name: np.eye(classes)[rng.integers(classes, size=count)] for name, classes in CLASSES.items()}
    return found | {name: rng.uniform(-1, 1, size=count) for name in POSITIONS}


def groups(count: int, number: int = 3) -> np.ndarray:
    return np.arange(count) % number


def test_the_factors_are_those_of_the_judge():
    assert set(CLASSES) == set(FACTORS)


def test_equal_sets_do_not_vary():
    real = readings(90, 0)
    assert total_variation(real, real, groups(90)).mean == 0.0
    assert noise_usage(real, real, groups(90)).mean == pytest.approx(1.0)


def test_total_variation_equals_the_definition():
    real, samples, asked = readings(60, 0), readings(60, 1), groups(60)
    found = total_variation(real, samples, asked).by_factor["style"]
    expected = []
    for group in range(3):
        shares = [
            [np.mean(part["style"][asked == group].argmax(axis=1) == style) for style in range(5)]
            for part in (real, samples)
        ]
        expected.append(max(sum(shares[0][s] - shares[1][s] for s in subset) for subset in subsets(5)))
    assert found == pytest.approx(np.mean(expected))


def subsets(count: int) -> list[list[int]]:
    """All events: the total variation is the greatest difference that any has between the two."""
    return [[s for s in range(count) if mask >> s & 1] for mask in range(2**count)]


@given(seed=st.integers(0, 2**31))
def test_total_variation_is_a_distance_in_0_to_1(seed: int):
    first, second, third = (readings(36, seed + k) for k in range(3))
    asked = groups(36)
    direct = total_variation(first, second, asked)
    for name in FACTORS:
        back = total_variation(second, first, asked).by_factor[name]
        assert direct.by_factor[name] == pytest.approx(back)
        around = (
            total_variation(first, third, asked).by_factor[name] + total_variation(third, second, asked).by_factor[name]
        )
        assert 0.0 <= direct.by_factor[name] <= min(1.0, around + 1e-12)


def test_total_variation_sees_what_is_hidden_in_the_whole():
    # Each hair color has a style of its own, but together the styles are as they should be.
    count = 300
    real, samples, asked = readings(count, 0), readings(count, 0), groups(count, 5)
    samples["style"] = np.eye(5)[asked]
    together = total_variation(real, samples, np.zeros(count, dtype=int)).by_factor["style"]
    assert together < 0.15
    assert total_variation(real, samples, asked).by_factor["style"] > 0.7


def test_a_move_of_all_heads_is_seen():
    real, samples = readings(400, 0), readings(400, 1)
    samples["x"] = samples["x"] + 0.8
    found = total_variation(real, samples, groups(400))
    assert found.by_factor["x"] > 0.3
    assert found.by_factor["y"] < 0.15


def test_noise_usage_is_nothing_where_a_condition_always_looks_alike():
    real, samples, asked = readings(300, 0), readings(300, 1), groups(300, 10)
    for name, values in samples.items():
        samples[name] = values[asked]  # ten pictures, one a condition
    assert noise_usage(real, samples, asked).mean == pytest.approx(0.0, abs=1e-12)
    assert noise_usage(real, readings(300, 2), asked).mean == pytest.approx(1.0, abs=0.1)


def test_noise_usage_is_a_ratio_of_variances():
    real, samples, asked = readings(200, 0), readings(200, 0), groups(200, 4)
    samples["x"] = 3.0 * samples["x"]
    found = noise_usage(real, samples, asked)
    assert found.by_factor["x"] == pytest.approx(9.0)
    assert found.by_factor["y"] == pytest.approx(1.0)
    variances = [real["y"][asked == g].var(ddof=1) for g in range(4)]
    halved = readings(200, 0) | {"y": 0.5 * real["y"]}
    assert noise_usage(real, halved, asked).by_factor["y"] == pytest.approx(
        np.mean(0.25 * np.array(variances)) / np.mean(variances)
    )
