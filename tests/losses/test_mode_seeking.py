"""The mode-seeking loss: oracle, scale, bounds, mistakes."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.strategies import normal, sample_shapes, seeds

from gankit.losses import mode_seeking_loss


def _case(seed: int, shape: tuple[int, ...] = (5, 2, 3)) -> list[torch.Tensor]:
    """Two samples and their two latents, 7 numbers long."""
    return [
        normal(seed, *shape),
        normal(seed + 1, *shape),
        normal(seed + 2, shape[0], 7),
        normal(seed + 3, shape[0], 7),
    ]


def _oracle(case: list[torch.Tensor], epsilon: float) -> float:
    first, second, first_latents, second_latents = (tensor.detach().numpy() for tensor in case)
    apart = np.sum(np.abs(first - second)) / first.size
    latents_apart = np.sum(np.abs(first_latents - second_latents)) / first_latents.size
    return float(1 / (apart / latents_apart + epsilon))


@given(seed=seeds, shape=sample_shapes, epsilon=st.sampled_from((1e-5, 0.1, 2.0)))
def test_it_equals_the_oracle(seed: int, shape: tuple[int, ...], epsilon: float) -> None:
    case = _case(seed, shape)
    loss = mode_seeking_loss(*case, epsilon=epsilon)
    assert loss.item() == pytest.approx(_oracle(case, epsilon), rel=1e-9)
    assert loss.shape == ()


@given(seed=seeds)
def test_epsilon_defaults_to_the_published_one(seed: int) -> None:
    case = _case(seed)
    assert mode_seeking_loss(*case).item() == pytest.approx(_oracle(case, 1e-5), rel=1e-12)


@given(seed=seeds, factor=st.sampled_from((1e-2, 3.0, 1e2)))
def test_the_ratio_follows_the_samples_and_undoes_the_latents(seed: int, factor: float) -> None:
    first, second, one, other = _case(seed)
    ratio = 1 / mode_seeking_loss(first, second, one, other) - 1e-5
    wider = 1 / mode_seeking_loss(factor * first, factor * second, one, other) - 1e-5
    torch.testing.assert_close(wider, factor * ratio, rtol=1e-6, atol=1e-9)
    both = mode_seeking_loss(factor * first, factor * second, factor * one, factor * other)
    torch.testing.assert_close(both, mode_seeking_loss(first, second, one, other), rtol=1e-9, atol=1e-9)


@given(seed=seeds)
def test_the_two_draws_are_alike(seed: int) -> None:
    first, second, one, other = _case(seed)
    torch.testing.assert_close(
        mode_seeking_loss(second, first, other, one), mode_seeking_loss(first, second, one, other), rtol=0, atol=0
    )


def test_a_generator_that_ignores_its_noise_pays_the_most_and_gets_no_gradient() -> None:
    first, _, one, other = _case(0)
    first.requires_grad_()
    loss = mode_seeking_loss(first, first.detach(), one, other)
    assert loss.item() == pytest.approx(1e5)
    (gradient,) = torch.autograd.grad(loss, first)
    assert torch.equal(gradient, torch.zeros_like(gradient))


def test_a_step_down_the_gradient_moves_the_samples_apart() -> None:
    first, second, one, other = (tensor.requires_grad_() for tensor in _case(1))
    step = torch.autograd.grad(mode_seeking_loss(first, second, one, other), [first, second])
    apart = (first - second).abs().mean()
    assert (first - step[0] - second + step[1]).abs().mean() > apart


def test_gradients_are_those_of_finite_differences() -> None:
    case = [tensor.requires_grad_() for tensor in _case(2)]
    assert torch.autograd.gradcheck(mode_seeking_loss, case)


@given(seed=seeds, which=st.integers(0, 3), value=st.sampled_from((torch.nan, torch.inf, -torch.inf)))
def test_what_is_not_finite_never_becomes_finite(seed: int, which: int, value: float) -> None:
    case = _case(seed)
    case[which][1, 1] = value
    assert not mode_seeking_loss(*case).isfinite()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_widened_before_subtraction(dtype: torch.dtype) -> None:
    case = [tensor.to(dtype) for tensor in _case(3)]
    loss = mode_seeking_loss(*case)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, mode_seeking_loss(*(tensor.float() for tensor in case)), rtol=0, atol=0)


def test_inputs_stay_as_they_are() -> None:
    case = _case(0)
    before = [tensor.clone() for tensor in case]
    mode_seeking_loss(*case)
    assert all(torch.equal(one, other) for one, other in zip(case, before, strict=True))
    assert all(tensor._version == 0 for tensor in case)


X, Z = torch.ones(2, 3), torch.eye(2)


@pytest.mark.parametrize(
    ("case", "options", "match"),
    [
        ((X, X[:, :2], Z, -Z), {}, r"second and first must have the same shape, got \(2, 2\) and \(2, 3\)"),
        ((X, X, Z, -Z[:1]), {}, "second_latents and first_latents must have the same shape"),
        ((X, X, torch.eye(3), -torch.eye(3)), {}, "first_latents must hold one row a sample, 2, got 3"),
        ((X, X, Z, Z.clone()), {}, "first_latents and second_latents must differ, got the same latents twice"),
        ((X[:0], X[:0], Z, -Z), {}, "first must not be empty"),
        ((X, X, Z[:0], Z[:0]), {}, "first_latents must not be empty"),
        ((X.long(), X, Z, -Z), {}, "first must be a floating-point tensor"),
        ((X, X, Z, None), {}, "second_latents must be a tensor, got NoneType"),
        ((X, X, Z, -Z), {"epsilon": 0}, "epsilon must be above 0, got 0"),
    ],
)
def test_mistakes_are_named(case: tuple[Any, ...], options: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        mode_seeking_loss(*case, **options)
