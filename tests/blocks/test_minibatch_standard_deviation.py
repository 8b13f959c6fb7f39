"""Minibatch standard deviation: its definition, what it ignores, and samples that are all alike."""

import numpy as np
import pytest
import torch
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_layouts
from hypothesis import given, strategies as st
from support.strategies import normal, seeds
from torch.testing import assert_close

from gankit.blocks import MinibatchStandardDeviation


@st.composite
def cases(draw: st.DrawFn) -> tuple[MinibatchStandardDeviation, torch.Tensor]:
    """A layer and a batch that it takes: one group, several, or fewer samples than a group."""
    group, groups = draw(st.sampled_from((1, 2, 3, 5))), draw(st.integers(1, 3))
    features, part = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    epsilon = draw(st.sampled_from((1e-8, 1e-4)))
    layer = MinibatchStandardDeviation(draw(st.sampled_from((group, None, 7))), features, epsilon=epsilon)
    samples = group * groups if layer.group_size == group else min(group * groups, 6)
    return layer, normal(draw(seeds), samples, features * part, 2, 3)


def define(x: np.ndarray, group_size: int | None, features: int, epsilon: float) -> np.ndarray:
    """The paper's words, one group after the other."""
    samples, channels, height, width = x.shape
    groups = samples // min(group_size or samples, samples)
    result = np.empty((samples, channels + features, height, width))
    result[:, :channels] = x
    for first in range(groups):
        members = range(first, samples, groups)
        for feature in range(features):
            part = slice(feature * channels // features, (feature + 1) * channels // features)
            values = np.stack([x[i, part] for i in members])
            deviations = np.sqrt(values.var(axis=0) + epsilon)
            for i in members:
                result[i, channels + feature] = deviations.mean()
    return result


@given(case=cases())
def test_equals_its_definition(case: tuple[MinibatchStandardDeviation, torch.Tensor]) -> None:
    layer, x = case
    expected = define(x.numpy(), layer.group_size, layer.features, layer.epsilon)
    assert_close(layer(x), torch.from_numpy(expected), rtol=1e-10, atol=0)


@given(case=cases(), seed=seeds)
def test_what_all_samples_share_does_not_count(
    case: tuple[MinibatchStandardDeviation, torch.Tensor], seed: int
) -> None:
    layer, x = case
    shifted = layer(x + normal(seed, *x.shape[1:]))
    assert_close(shifted[:, -layer.features :], layer(x)[:, -layer.features :], rtol=1e-9, atol=1e-11)


@given(seed=seeds)
def test_the_order_within_a_group_is_carried_along(seed: int) -> None:
    layer, x = MinibatchStandardDeviation(3), normal(seed, 6, 2, 2, 3)
    order = torch.tensor([4, 1, 0, 3, 2, 5])  # groups 0, 2, 4 and 1, 3, 5
    assert_close(layer(x[order]), layer(x)[order], rtol=1e-12, atol=0)
    across = torch.tensor([1, 0, 2, 3, 4, 5])
    assert not torch.allclose(layer(x[across]), layer(x)[across])


@pytest.mark.parametrize(("group_size", "features"), [(4, 1), (2, 2), (None, 2)])
def test_first_and_second_derivatives(group_size: int | None, features: int) -> None:
    check_derivatives(MinibatchStandardDeviation(group_size, features), normal(1, 4, 2, 2, 3))


def test_keeps_inputs_and_layouts() -> None:
    layer, x = MinibatchStandardDeviation(2, 3), normal(1, 4, 6, 4, 2)
    check_inputs_stay(layer, x)
    check_layouts(layer, x)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_samples_that_are_alike_have_a_slope(dtype: torch.dtype) -> None:
    x = normal(1, 1, 2, 2, 3).to(dtype).repeat(4, 1, 1, 1).requires_grad_()
    result = MinibatchStandardDeviation()(x)
    assert result.dtype == dtype
    assert_close(result[:, 2].double(), torch.full((4, 2, 3), 1e-4, dtype=torch.float64), rtol=0.02, atol=0)
    (slope,) = torch.autograd.grad(result.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), x)
    assert slope.isfinite().all()
    assert second.isfinite().all()


def test_copies_and_keys() -> None:
    layer = MinibatchStandardDeviation(2, 3)
    check_copies(layer, normal(1, 4, 6, 4, 2), keys=[])
    assert repr(layer) == "MinibatchStandardDeviation(group_size=2, features=3)"


def test_mistakes_are_named() -> None:
    layer = MinibatchStandardDeviation(4, 2)
    cases = {
        "group_size must be at least 1, got 0": lambda: MinibatchStandardDeviation(0),
        "features must be at least 1, got 0": lambda: MinibatchStandardDeviation(4, 0),
        "epsilon must be above 0, got 0": lambda: MinibatchStandardDeviation(4, epsilon=0),
        "x must have a multiple of 2 channels, one part per feature, got 3": lambda: layer(torch.zeros(4, 3, 2, 2)),
        "x must hold a multiple of group_size=4 samples, got 6": lambda: layer(torch.zeros(6, 2, 2, 2)),
        r"x must have shape \(n, channels, height, width\), got \(4, 2\)": lambda: layer(torch.zeros(4, 2)),
        "x must not be empty": lambda: layer(torch.zeros(0, 2, 4, 4)),
        "x must be a floating-point tensor": lambda: layer(torch.zeros(4, 2, 4, 4).long()),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
