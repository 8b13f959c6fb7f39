"""R1 and R2."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Quadratic, linear, smooth_network
from support.strategies import normal, sample_shapes, seeds

from gankit.constraints import score_gradient, zero_centered_penalty


@given(seed=seeds, shape=sample_shapes, scale=st.sampled_from((0.0, 1e-3, 1.0, 1e3)))
def test_a_linear_critic_pays_its_squared_slope(seed: int, shape: tuple[int, ...], scale: float) -> None:
    critic, slope = linear(seed, shape[1:], scale)
    torch.testing.assert_close(zero_centered_penalty(critic, normal(seed, *shape)), slope.square().sum())


@given(seed=seeds, shape=sample_shapes)
def test_a_quadratic_critic_pays_where_the_samples_are(seed: int, shape: tuple[int, ...]) -> None:
    samples = normal(seed, *shape)
    critic = Quadratic(seed, samples[0].numel())
    expected = np.mean(np.sum((samples.flatten(1).numpy() @ critic.matrix.numpy()) ** 2, axis=1))
    assert zero_centered_penalty(critic, samples).item() == pytest.approx(expected, rel=1e-9)


@given(seed=seeds)
def test_the_shared_forward_form_is_the_same(seed: int) -> None:
    network, images = smooth_network(seed), normal(seed, 3, 2, 4, 4)
    shared = images.clone().requires_grad_()
    gradient = score_gradient(network(shared), shared)
    torch.testing.assert_close(zero_centered_penalty(network, images), gradient.flatten(1).square().sum(1).mean())


def test_parameters_get_the_second_order_gradient() -> None:
    network, images = smooth_network(2), normal(0, 3, 2, 4, 4)
    names, values = zip(*((n, p.detach().requires_grad_()) for n, p in network.named_parameters()), strict=True)

    def penalty(*parameters: torch.Tensor) -> torch.Tensor:
        state = dict(zip(names, parameters, strict=True))
        return zero_centered_penalty(lambda x: torch.func.functional_call(network, state, (x,)), images)

    assert torch.autograd.gradcheck(penalty, values)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"samples must not be empty, got shape \(0, 2\)"):
        zero_centered_penalty(lambda x: x.sum(1), torch.zeros(0, 2))


def test_the_gradient_of_the_penalty_is_differentiable_again_in_every_part() -> None:
    image, text = normal(0, 3, 2, 2), normal(1, 3, 1)
    first, last = normal(2, 5, 3).requires_grad_(), normal(3, 3).requires_grad_()

    def penalty(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
        def critic(x: dict[str, torch.Tensor]) -> torch.Tensor:
            return torch.tanh(torch.cat([x["image"].flatten(1), x["text"]], dim=1) @ one) @ two

        return zero_centered_penalty(critic, {"image": image, "text": text})

    assert torch.autograd.gradcheck(penalty, (first, last))
    assert torch.autograd.gradgradcheck(penalty, (first, last))


@given(seed=seeds)
def test_a_penalty_on_real_samples_sees_no_fake_ones(seed: int) -> None:
    network, real, fake = smooth_network(seed), normal(seed, 3, 2, 4, 4), normal(seed + 1, 5, 2, 4, 4)
    alone = zero_centered_penalty(network, real)
    together = zero_centered_penalty(network, torch.cat([real, fake]))
    torch.testing.assert_close((together * 8 - 5 * zero_centered_penalty(network, fake)) / 3, alone)
