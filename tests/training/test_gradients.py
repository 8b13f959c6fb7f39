from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
import torch
from torch import nn

from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss
from gankit.training import Eager, Loss, Update


def _loss(weight: torch.Tensor, terms: Callable[..., Any]) -> Loss:
    return Loss(terms, (weight,))  # pyright: ignore[reportArgumentType]


def test_one_backward_pass_of_the_sum() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    with mock.patch.object(torch.Tensor, "backward", autospec=True, side_effect=torch.Tensor.backward) as backward:
        named = Eager()(_loss(weight, lambda x: {"a": weight * x, "b": weight**2}), (torch.tensor(5.0),))
    assert backward.call_count == 1
    assert weight.grad is not None
    assert weight.grad.item() == 5 + 2 * 3
    assert {name: term.item() for name, term in named.costs.items()} == {"a": 15.0, "b": 9.0}


def test_eager_compares_and_prints() -> None:
    assert Eager() == Eager()
    assert repr(Eager()) == "Eager()"


def _update_with_points(filled: list[torch.Tensor]) -> Update:
    """An update whose terms make a leaf, as a penalty does; its gradient is kept whenever one is computed."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))

    def terms(real: torch.Tensor, *_: object) -> dict[str, torch.Tensor]:
        points = real.detach().requires_grad_()
        points.register_hook(filled.append)
        return {"cost": critic(points).square().mean()}

    return Update(torch.optim.SGD(critic.parameters(), lr=0.1), terms)


def test_after_the_check_only_the_parameters_of_the_optimizer_get_gradients() -> None:
    filled: list[torch.Tensor] = []
    update = _update_with_points(filled)
    for _ in range(3):
        update(torch.ones(2048, 2))
        assert all(parameter.grad is not None for parameter in update.loss.parameters)
    assert len(filled) == 1


def test_points_of_few_numbers_are_not_left_out_since_that_takes_longer() -> None:
    filled: list[torch.Tensor] = []
    update = _update_with_points(filled)
    for _ in range(3):
        update(torch.ones(2047, 2))
    assert len(filled) == 3


@pytest.mark.parametrize("what", [[torch.ones(1)], "a label", torch.ones(1, requires_grad=True)])
def test_inputs_that_may_carry_graphs_leave_the_backward_pass_whole(what: Any) -> None:
    filled: list[torch.Tensor] = []
    update = _update_with_points(filled)
    for _ in range(3):
        update(torch.ones(2048, 2), what)
    assert len(filled) == 3


def test_an_input_that_requires_gradients_gets_one_at_each_call() -> None:
    layer = nn.Linear(2, 1)
    update = Update(torch.optim.SGD(layer.parameters(), lr=0.1), lambda x: {"cost": layer(x).square().mean()})
    for _ in range(3):
        x = torch.ones(5, 2, requires_grad=True)
        update(x)
        assert x.grad is not None


def test_both_backward_passes_give_the_same_gradients_and_leave_unreached_parameters_alone() -> None:
    found = []
    for extra in ((), ("whole",)):
        torch.manual_seed(1)
        critic, unused = nn.Sequential(nn.Linear(2, 3), nn.SiLU(), nn.Linear(3, 1)).double(), nn.Linear(1, 1).double()
        optimizer = torch.optim.SGD([*critic.parameters(), *unused.parameters()], lr=0.1)
        many = 2048
        real, fake, mix = torch.randn(many, 2).double(), torch.randn(many, 2).double(), torch.rand(many, 1).double()

        def terms(real: torch.Tensor, *_: object, critic=critic, fake=fake, mix=mix) -> dict[str, torch.Tensor]:
            return {
                "loss": critic_loss(Wasserstein(), critic(real), critic(fake)),
                "penalty": gradient_penalty(critic, real, fake, mix=mix),
            }

        update = Update(optimizer, terms)
        for _ in range(3):
            update(real, *extra)
        assert all(parameter.grad is None for parameter in unused.parameters())
        found.append([parameter.grad for parameter in critic.parameters()])
    for one, other in zip(*found, strict=True):
        assert one is not None
        torch.testing.assert_close(one, other, rtol=0.0, atol=0.0)
