"""The norm of gradients and the clip equal torch's own, and numpy's, for every mixture of dtypes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn
from torch.optim import SGD

from gankit.training import FiniteStepper, NonFiniteError, Update
from gankit.training._clipping import is_not_finite, shrink_, total_norm
from gankit.training._finite import gradients_of

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@given(
    seed=st.integers(0, 2**31 - 1),
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=1, max_size=4),
    share=st.floats(0.1, 3),
)
def test_the_norm_and_the_clip_equal_numpy_arithmetic(seed: int, dtypes: list[torch.dtype], share: float) -> None:
    rng = torch.Generator().manual_seed(seed)
    gradients = [
        torch.randn(2, size, generator=rng).to(dtype) for size, dtype in zip((2, 3, 5, 7), dtypes, strict=False)
    ]
    before = [gradient.double().clone().numpy() for gradient in gradients]
    expected = np.sqrt(sum((values**2).sum() for values in before))
    norm = total_norm(gradients)
    np.testing.assert_allclose(norm.item(), expected, rtol=1e-6)
    assert norm.dtype == (torch.float64 if torch.float64 in dtypes else torch.float32)
    shrink_(gradients, norm, share * expected)
    for gradient, values, dtype in zip(gradients, before, dtypes, strict=False):
        wanted = values * min(1.0, share * expected / (expected + 1e-6))
        np.testing.assert_allclose(gradient.double().numpy(), wanted, rtol=max(1e-6, torch.finfo(dtype).eps))
        assert gradient.dtype == dtype


@given(seed=st.integers(0, 2**31 - 1), max_norm=st.floats(1e-3, 1e3))
def test_the_clip_equals_that_of_torch(seed: int, max_norm: float) -> None:
    rng = torch.Generator().manual_seed(seed)
    parameters = [nn.Parameter(torch.ones(size, dtype=torch.float64)) for size in (2, 3, 5)]
    for parameter in parameters[:2]:
        parameter.grad = 10 * torch.randn(parameter.shape, dtype=torch.float64, generator=rng)
    gradients = [gradient.clone() for gradient in gradients_of(parameters)]
    norm = total_norm(gradients)
    shrink_(gradients, norm, max_norm)
    assert nn.utils.clip_grad_norm_(parameters, max_norm).item() == pytest.approx(norm.item(), rel=1e-14)
    torch.testing.assert_close(gradients, gradients_of(parameters), rtol=1e-14, atol=0.0)
    assert len(gradients) == 2


def test_complex_gradients_count_with_both_parts() -> None:
    gradients = [torch.tensor([3 + 4j]), torch.tensor([12.0])]
    assert total_norm(gradients).item() == pytest.approx(13.0)
    shrink_(gradients, total_norm(gradients), 6.5)
    torch.testing.assert_close(gradients[0], torch.tensor([1.5 + 2j]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_changes_no_gradient_and_is_marked(value: float) -> None:
    gradients = [torch.ones(2), torch.tensor([value, 1.0])]
    norm = total_norm(gradients)
    shrink_(gradients, norm, 1.0)
    assert torch.equal(gradients[0], torch.ones(2))
    assert gradients[1][1] == 1.0
    assert is_not_finite(norm).item() == 1.0
    assert is_not_finite(torch.tensor(1.0)).item() == 0.0


def _critic(gradient: float) -> tuple[nn.Parameter, SGD]:
    parameter = nn.Parameter(torch.ones(3))
    parameter.grad = torch.full((3,), gradient)
    return parameter, SGD([parameter], lr=0.1)


def test_finite_gradients_whose_norm_overflows_are_refused_on_the_cpu() -> None:
    parameter, optimizer = _critic(1e30)
    with pytest.raises(
        NonFiniteError, match="the norm of the gradients is inf though each of them is finite; no weight"
    ):
        FiniteStepper(max_norm=1.0)(optimizer, {"loss": torch.ones(())}, {})
    assert torch.equal(parameter, torch.ones(3))


@pytest.mark.parametrize("gradient", [1e30, math.nan])
def test_elsewhere_a_norm_that_is_not_finite_skips_the_step(gradient: float) -> None:
    parameter, optimizer = _critic(gradient)
    stepper = FiniteStepper(read_every=2, max_norm=1.0)
    stepper._step_on_device(optimizer, {"loss": torch.ones(())}, gradients_of([parameter]))
    assert torch.equal(parameter, torch.ones(3))
    parameter.grad = torch.full((3,), 2.0)
    at_fault = "; the norm of finite gradients: 1 times" if gradient == 1e30 else "were not finite: none; see "
    with pytest.raises(NonFiniteError, match=rf"1 of the last 2 .+{at_fault}"):
        stepper._step_on_device(optimizer, {"loss": torch.ones(())}, gradients_of([parameter]))
    stepper._step_on_device(optimizer, {"loss": torch.ones(())}, gradients_of([parameter]))
    torch.testing.assert_close(parameter, torch.full((3,), 1 - 0.1 / math.sqrt(3)), check_dtype=False)


def test_sparse_gradients_are_refused() -> None:
    table = nn.Embedding(5, 2, sparse=True)
    update = Update(
        SGD(table.parameters(), lr=0.1), lambda i: {"loss": table(i).sum()}, stepper=FiniteStepper(max_norm=1.0)
    )
    with pytest.raises(ValueError, match=r"gradients must be dense to be clipped, got one of layout torch.sparse_coo"):
        update(torch.tensor([1, 3]))


@pytest.mark.parametrize("max_norm", [0.0, -1.0, math.nan, math.inf, True, "1"])
def test_the_largest_norm_is_a_finite_number_above_0(max_norm: Any) -> None:
    with pytest.raises(ValueError, match="max_norm must be"):
        FiniteStepper(max_norm=max_norm)


def test_without_gradients_nothing_is_clipped() -> None:
    stepper = FiniteStepper(max_norm=1.0)
    stepper(SGD([nn.Parameter(torch.ones(2))]), {"loss": torch.ones(())}, {})
