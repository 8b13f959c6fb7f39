# ruff: noqa: PLC3002, PLW0108  lambdas around lambdas are what is tested
"""A critic is the same while its code and its modules are: it is audited once, however it is passed."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from gankit.constraints import gradient_norm
from gankit.constraints._audit._reach import reachable_modules


def test_a_lambda_made_anew_is_the_same_critic(registrations: list[str]) -> None:
    critic = nn.Linear(2, 1)
    for scale in range(3):
        gradient_norm(lambda x, scale=scale: critic(x) * (scale + 1), torch.zeros(3, 2))
    assert registrations == ["Linear"]


GLOBAL_CRITIC = nn.Linear(2, 1)


def _through_a_global(x: torch.Tensor) -> torch.Tensor:
    return GLOBAL_CRITIC(x)


class Trainer:
    """Holds the critic, as a training script's object does."""

    def __init__(self, critic: nn.Module) -> None:
        self.critic, self.unused = critic, nn.BatchNorm1d(2)

    def score(self, x: torch.Tensor) -> torch.Tensor:
        return self.critic(x)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.critic(x)


def _labeled(critic: nn.Module, x: torch.Tensor, *, scale: float = 1.0) -> torch.Tensor:
    return critic(x) * scale


def _in_a_closure(critic: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    def inner(x: torch.Tensor) -> torch.Tensor:
        return critic(x)

    return lambda x: inner(x) + 1


FORMS: dict[str, Callable[[nn.Module], Callable[[torch.Tensor], torch.Tensor]]] = {
    "module": lambda critic: critic,
    "closure of a closure": _in_a_closure,
    "partial": lambda critic: partial(_labeled, critic, scale=2.0),
    "partial keyword": lambda critic: partial(lambda x, critic: critic(x), critic=critic),
    "bound method": lambda critic: Trainer(critic).score,
    "callable object": Trainer,
    "attribute": lambda critic: (lambda trainer: lambda x: trainer.critic(x))(Trainer(critic)),
    "dict": lambda critic: (lambda nets: lambda x: nets["critic"](x))({"critic": critic}),
    "list": lambda critic: (lambda nets: lambda x: nets[0](x))([critic]),
    "inner lambda": lambda critic: lambda x: (lambda: critic(x))(),
    "list of scores": lambda critic: lambda x: sum([net(x) for net in [critic]]),  # type: ignore[misc]
}


@pytest.mark.parametrize("form", FORMS)
def test_the_module_is_found_in_every_form_and_audited_once(form: str, registrations: list[str]) -> None:
    critic = nn.Linear(2, 1)
    for _ in range(2):
        gradient_norm(FORMS[form](critic), torch.zeros(3, 2))
    assert registrations == ["Linear"]
    gradient_norm(FORMS[form](nn.Linear(2, 1)), torch.zeros(3, 2))
    assert registrations == ["Linear", "Linear"], "a critic swapped under the same code is another critic"
    critic.eval()
    gradient_norm(FORMS[form](critic), torch.zeros(3, 2))
    assert registrations == ["Linear", "Linear", "Linear"], "another mode is another critic"


def test_a_swapped_global_is_another_critic(registrations: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        gradient_norm(_through_a_global, torch.zeros(3, 2))
        gradient_norm(lambda x: _through_a_global(x), torch.zeros(3, 2))
    assert registrations == ["Linear", "Linear"]  # two pieces of code
    monkeypatch.setitem(globals(), "GLOBAL_CRITIC", nn.Sequential(nn.Linear(2, 1)))
    gradient_norm(_through_a_global, torch.zeros(3, 2))
    assert registrations[2:] == ["Sequential", "Linear"]


def test_a_global_that_only_inner_code_names_is_found(registrations: list[str]) -> None:
    gradient_norm(lambda x: (lambda: GLOBAL_CRITIC(x))(), torch.zeros(3, 2))
    assert registrations == ["Linear"]


def test_a_long_list_and_an_unset_variable_are_passed_over(registrations: list[str]) -> None:
    critics = [nn.Linear(2, 1) for _ in range(33)]
    gradient_norm(lambda x: critics[0](x), torch.zeros(3, 2))
    assert registrations == []

    def early(x: torch.Tensor) -> torch.Tensor:
        return x.sum(1) if len(x) else later(x)

    gradient_norm(early, torch.zeros(3, 2))
    later = nn.Linear(2, 1)
    gradient_norm(early, torch.zeros(3, 2))
    assert registrations == ["Linear"]


def test_a_module_that_is_reached_on_two_ways_is_audited_once(registrations: list[str]) -> None:
    first = nn.Linear(2, 3)
    critic = nn.Sequential(first, nn.Linear(3, 1))
    gradient_norm(lambda x: critic[1](first(x)), torch.zeros(3, 2))
    assert sorted(registrations) == ["Linear", "Linear", "Sequential"]


class Judge:
    """Scores by a method, and cannot be called itself."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def score(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)


def test_a_method_s_own_names_lead_to_the_module(registrations: list[str]) -> None:
    critic = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 1))
    with pytest.warns(UserWarning, match="couples the samples"):
        gradient_norm(Judge(critic).score, torch.randn(3, 2))
    assert registrations


def test_what_is_reached_on_many_ways_or_holds_itself_is_looked_through_once() -> None:
    critic = nn.Linear(2, 1)
    twice = reachable_modules([critic, {"again": critic, "not at all": None}, (critic, 3)])
    assert twice.modules == [critic]
    holder: list[object] = [critic]
    holder.append(holder)
    assert reachable_modules(holder).modules == [critic]
