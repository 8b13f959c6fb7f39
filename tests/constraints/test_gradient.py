"""The gradient norm and the gradient under it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Quadratic, smooth_network
from support.oracles import row_norms
from support.strategies import normal, sample_shapes, seeds
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from gankit.constraints import gradient_norm, score_gradient


@given(seed=seeds, shape=sample_shapes)
def test_norm_of_a_quadratic_critic(seed: int, shape: tuple[int, ...]) -> None:
    points = normal(seed, *shape)
    critic = Quadratic(seed, points[0].numel())
    expected = row_norms(points.flatten(1).numpy() @ critic.matrix.numpy())
    np.testing.assert_allclose(gradient_norm(critic, points).detach().numpy(), expected, rtol=1e-9)


def test_the_norm_is_differentiable_again() -> None:
    matrix = normal(3, 3, 3).requires_grad_()
    points = normal(5, 2, 3)

    def norms(a: torch.Tensor) -> torch.Tensor:
        return gradient_norm(lambda x: ((x @ (a + a.T)) * x).sum(1), points)

    assert torch.autograd.gradcheck(norms, (matrix,))
    assert torch.autograd.gradgradcheck(norms, (matrix,))


def test_points_are_cut_from_their_graph() -> None:
    weight = torch.ones(3, requires_grad=True)
    gradient_norm(lambda x: x.square().sum(1), torch.ones(2, 3) * weight).sum().backward()
    assert weight.grad is None


def test_shared_forward_gives_the_gradient_of_each_sample() -> None:
    network = smooth_network(0)
    images = normal(1, 3, 2, 4, 4).requires_grad_()
    scores = network(images)
    together = score_gradient(scores, images)
    for index in range(3):
        alone = images[index : index + 1].detach().requires_grad_()
        torch.testing.assert_close(together[index : index + 1], score_gradient(network(alone), alone))


def test_the_gradient_of_half_precision_is_float32() -> None:
    images = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    assert score_gradient(images.square().sum(1), images).dtype == torch.float32


def test_mistakes_are_named() -> None:
    images = torch.ones(2, 3)
    with pytest.raises(ValueError, match=r"call inputs\.requires_grad_\(\) first"):
        score_gradient(images.sum(1), images)
    images.requires_grad_()
    with torch.no_grad():
        scores = images.sum(1)
    with pytest.raises(ValueError, match="scores must have a graph"):
        score_gradient(scores, images)
    other = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match="ignores its input"):
        score_gradient(other * 2, images)
    with pytest.raises(ValueError, match="points must have a batch axis"):
        gradient_norm(lambda x: x, torch.tensor(1.0))
    with pytest.raises(ValueError, match="points must be a floating-point tensor"):
        gradient_norm(lambda x: x, torch.zeros(2, 3, dtype=torch.int64))


def test_an_empty_batch_of_inputs_is_named() -> None:
    inputs = torch.zeros(0, 3, requires_grad=True)
    with pytest.raises(ValueError, match=r"inputs must not be empty, got shape \(0, 3\)"):
        score_gradient(inputs.sum(1), inputs)


def test_under_autocast_the_gradient_at_half_precision_points_keeps_its_digits() -> None:
    slope = torch.tensor([1.0 + 2**-12, 0.0])  # bfloat16 would round it to 1
    with torch.autocast("cpu", torch.bfloat16):
        norm = gradient_norm(lambda x: (x.float() * slope).sum(1), torch.zeros(2, 2, dtype=torch.bfloat16))
    assert norm.tolist() == [1.0 + 2**-12] * 2


def _norm_of_slopes(slopes: torch.Tensor) -> torch.Tensor:
    """Norms of a critic whose gradient at each sample is a row of `slopes`."""
    return gradient_norm(lambda x: (x * slopes).sum(1), torch.ones_like(slopes))


def _traced_norm_of_slopes(slopes: torch.Tensor) -> torch.Tensor:
    """The same while nothing can be read, as on other devices and in graphs."""
    return make_fx(_norm_of_slopes)(slopes)(slopes)


norms_of_slopes = pytest.mark.parametrize("norm", [_norm_of_slopes, _traced_norm_of_slopes], ids=["read", "traced"])


@norms_of_slopes
@pytest.mark.parametrize(
    ("dtype", "sizes"),
    [
        (torch.float32, (1e-37, 1e-30, 2e-23, 1e-20, 1e-10)),
        (torch.float32, (1e-25, 1.0)),
        (torch.float32, (1.0, 1e25)),
        (torch.float32, (1e10, 4e18, 1e19, 1e30, 5e37)),
        (torch.float32, (1e-30, 1.0, 1e30)),
        (torch.float64, (1e-300, 1e-200, 1e-155, 1.0, 1e154, 1e160, 1e300)),
    ],
)
def test_norms_are_right_over_the_whole_range_of_their_dtype(
    norm: Callable[[torch.Tensor], torch.Tensor], dtype: torch.dtype, sizes: tuple[float, ...]
) -> None:
    """Their squares would overflow or vanish; each row has a scale of its own."""
    slopes = torch.tensor(sizes, dtype=dtype)[:, None] * torch.tensor([3.0, 4.0, 0.0], dtype=dtype)
    slopes.requires_grad_()
    norms = norm(slopes)
    np.testing.assert_allclose(norms.detach().numpy(), 5 * np.array(sizes), rtol=1e-6)
    norms.sum().backward()
    expected = torch.tensor([0.6, 0.8, 0.0], dtype=dtype).expand_as(slopes)
    torch.testing.assert_close(slopes.grad, expected, rtol=1e-6, atol=1e-6)


@norms_of_slopes
@given(seed=seeds, exponent=st.sampled_from((-60, -31, 0, 31, 60)))
def test_the_scale_changes_no_bit_of_a_norm_in_range(
    norm: Callable[[torch.Tensor], torch.Tensor], seed: int, exponent: int
) -> None:
    slopes = (normal(seed, 3, 7) * 2.0**exponent).float()
    expected = torch.linalg.vector_norm(slopes, dim=1)
    assert torch.equal(norm(slopes), expected)


@norms_of_slopes
def test_what_is_not_finite_stays_so_and_zero_has_slope_zero(norm: Callable[[torch.Tensor], torch.Tensor]) -> None:
    slopes = torch.tensor([[torch.inf, 1.0], [torch.nan, 1.0], [0.0, 0.0], [3e38, 3e38]]).requires_grad_()
    norms = norm(slopes)
    torch.testing.assert_close(norms, torch.tensor([torch.inf, torch.nan, 0.0, torch.inf]), equal_nan=True)
    norms[2].backward()
    assert slopes.grad[2].tolist() == [0.0, 0.0]  # type: ignore[index]


@norms_of_slopes
def test_the_scale_is_a_constant_to_both_derivatives(norm: Callable[[torch.Tensor], torch.Tensor]) -> None:
    sizes = torch.tensor([[1e-15], [1.0], [1e15]], dtype=torch.float64)  # beyond 2**32 on both sides
    unit = normal(1, 3, 5).requires_grad_()

    def scaled(rows: torch.Tensor) -> torch.Tensor:
        return norm(rows * sizes) / sizes[:, 0]

    def plain(rows: torch.Tensor) -> torch.Tensor:
        return torch.linalg.vector_norm(rows, dim=1)

    direction = normal(2, 3, 5)
    for function in (scaled, plain):
        assert torch.autograd.gradcheck(function, (unit,))
    (first,) = torch.autograd.grad(plain(unit).sum(), unit, create_graph=True)
    (again,) = torch.autograd.grad(scaled(unit).sum(), unit, create_graph=True)
    torch.testing.assert_close(again, first)
    (second,) = torch.autograd.grad((first * direction).sum(), unit)
    torch.testing.assert_close(torch.autograd.grad((again * direction).sum(), unit)[0], second)


def _in_place(x: torch.Tensor) -> torch.Tensor:
    x += 1
    return x.square().sum(1)


@pytest.mark.parametrize(
    ("critic", "cause"),
    [
        (
            nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 1)),
            r"probably by the layer '0', ReLU\(inplace=True\): build it",
        ),
        (
            nn.Sequential(nn.Flatten(), nn.LeakyReLU(inplace=True), nn.Linear(3, 1)),
            "probably by the layer '1', LeakyReLU",
        ),
        (_in_place, "an operation in place: build activations with inplace=False, and write"),
    ],
)
def test_a_critic_that_changes_its_input_in_place_is_named(critic: Any, cause: str) -> None:
    with pytest.raises(ValueError, match=f"critic must not change its input in place under a penalty.*{cause}"):
        gradient_norm(critic, torch.ones(2, 3))


def test_other_errors_of_a_critic_come_through() -> None:
    def fails(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("its own")

    with pytest.raises(RuntimeError, match="its own"):
        gradient_norm(fails, torch.ones(2, 3))


@pytest.mark.filterwarnings("ignore:.torch.jit")
def test_scripted_critics_can_be_penalized() -> None:
    critic = nn.Linear(3, 1)
    scripted: Any = torch.jit.script(critic)
    points = torch.ones(2, 3)
    assert torch.equal(gradient_norm(scripted, points), gradient_norm(critic, points))
