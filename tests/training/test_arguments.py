import math
from typing import Any

import pytest
import torch
from torch import nn

from gankit.training import Accumulated, FiniteStepper, Loss, NonFiniteError, Update, Values
from gankit.training._arguments import check_result


def _values(network: nn.Module) -> list[torch.Tensor]:
    return [tensor.detach().clone() for tensor in network.state_dict().values()]


def _same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_frozen_must_not_hold_what_is_trained() -> None:
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="frozen must not name what the optimizer updates, got 2 parameters"):
        Update(optimizer, dict, frozen=[critic])
    with pytest.raises(ValueError, match="frozen must be a sequence of networks, got one Linear"):
        Update(optimizer, dict, frozen=nn.Sequential(critic)[0])  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"terms": None}, "terms must be callable, and an instance rather than a class, got None"),
        ({"constraint": 0.01}, "constraint must be callable, and an instance rather than a class, got 0.01"),
        ({"gradients": "eager"}, "gradients must be callable, and an instance rather than a class, got 'eager'"),
        ({"stepper": FiniteStepper}, "stepper must be callable, and an instance rather than a class, got <class"),
        ({"stepper": 3}, "stepper must be callable, and an instance rather than a class, got 3"),
        ({"gradients": Accumulated}, "gradients must be callable, and an instance rather than a class, got <class"),
        ({"frozen": [nn.Parameter(torch.ones(1))]}, "frozen must hold networks, got Parameter"),
    ],
)
def test_arguments_of_another_kind_are_refused(arguments: dict[str, Any], message: str) -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 1).parameters(), lr=0.1)
    given: dict[str, Any] = {"terms": dict} | arguments
    with pytest.raises(ValueError, match=message):
        Update(optimizer, **given)


class _Transposed:
    """A gradient part of a user's own, whose gradients are stored in another order than the weights."""

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        values, gradients = loss.differentiated(loss.scale(), *inputs)
        for parameter, gradient in zip(loss.parameters, gradients, strict=True):
            assert gradient is not None
            parameter.grad = gradient.T.contiguous().T if gradient.ndim == 2 else gradient
        return values


def test_gradients_stored_in_another_order_are_refused_for_fused_optimizers_alone() -> None:
    critic = nn.Linear(3, 2)
    before = _values(critic)
    for fused in (True, False):
        update = Update(
            torch.optim.Adam(critic.parameters(), lr=0.1, fused=fused),
            lambda x: {"loss": critic(x).mean()},
            gradients=_Transposed(),
        )
        if fused:
            for _ in range(2):
                with pytest.raises(ValueError, match=r"got strides \(1, 2\) for parameter 0 with strides \(3, 1\)"):
                    update(torch.randn(5, 3))
            assert _same(before, _values(critic))
            assert update.updates == 0
        else:
            update(torch.randn(5, 3))
    # Axes of length one have any strides.
    images = nn.Conv2d(3, 1, 1).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    update = Update(torch.optim.Adam(images.parameters(), fused=True), lambda x: {"loss": images(x).mean()})
    update(torch.randn(2, 3, 4, 4))


class _Nothing:
    """A gradient part of a user's own that forgets to leave gradients."""

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        return loss.evaluate(*inputs).detached()


def test_a_gradient_part_that_leaves_nothing_or_returns_something_else_is_refused() -> None:
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), lr=1.0)
    update = Update(optimizer, lambda x: {"loss": critic(x).mean()}, gradients=_Nothing())
    for _ in range(2):
        with pytest.raises(ValueError, match=r"gradients must leave the gradient in the \.grad .*, got none in any"):
            update(torch.ones(3, 2))
    other = Update(optimizer, dict, gradients=lambda *_: None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="gradients must return the Values of the loss, got NoneType"):
        other()


def test_parameters_are_called_by_the_names_that_the_optimizer_has() -> None:
    critic = nn.Linear(2, 1)
    update = Update(torch.optim.SGD(critic.named_parameters(), lr=0.1), lambda x: {"loss": critic(x).sqrt().sum() * 0})
    with pytest.raises(NonFiniteError, match="'loss' is nan"):
        update(-100 * torch.ones(1, 2))
    critic.weight.grad = torch.full_like(critic.weight, math.nan)
    with pytest.raises(NonFiniteError, match=r"are: 'weight' of shape \(1, 2\), 'bias' of shape \(1,\);"):
        update.stepper(update.optimizer, {"loss": torch.tensor(1.0)}, update._names)


def test_optimizers_networks_and_steppers_of_another_kind_are_refused() -> None:
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(critic.parameters(), lr=0.1)
    refused: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
        ((critic, dict), {}, "optimizer must be an optimizer of torch, got Linear"),
        ((torch.optim.LBFGS(critic.parameters()), dict), {}, "without a closure, got LBFGS"),
        ((optimizer, dict), {"network": 3}, "network must be a module, got int"),
        ((optimizer, dict), {"stepper": print}, r"stepper must have \['scale', 'state_dict', 'load_state_dict'\]"),
    ]
    for positional, named, message in refused:
        with pytest.raises(ValueError, match=message):
            Update(*positional, **named)


def _fused(*pairs: tuple[torch.Tensor, torch.Tensor | None]) -> torch.optim.Optimizer:
    """A fused optimizer of parameters with these gradients."""
    parameters = []
    for value, gradient in pairs:
        parameters.append(nn.Parameter(value))
        parameters[-1].grad = gradient
    return torch.optim.Adam(parameters, fused=True)


def test_gradients_that_are_missing_sparse_or_of_axes_of_length_one_have_no_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values, square = Values({}, {}), torch.ones(2, 2)
    one_wide = torch.ones(2, 1)
    sparse = square.to_sparse()
    check_result(values, _fused((square, square), (square.clone(), None)))
    check_result(values, _fused((square, square), (square.clone(), sparse)))
    check_result(values, _fused((one_wide, torch.ones(2).as_strided((2, 1), (1, 7)))))
    transposed = torch.ones(2, 2).T.contiguous().T
    assert transposed.stride() == (1, 2)
    with pytest.raises(ValueError, match=r"got strides \(1, 2\) for parameter 1 with strides \(2, 1\)"):
        check_result(values, _fused((square, square), (square.clone(), transposed)))
    monkeypatch.setattr("gankit.training._arguments.is_sharded", lambda _: True)
    check_result(values, _fused((square, transposed)))
