"""The gradient norm and the gradient under it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from support.critics import Quadratic, smooth_network
from support.oracles import row_norms
from support.strategies import normal, sample_shapes, seeds

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
