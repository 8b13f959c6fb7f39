import pytest
import torch
from torch import nn

from gankit.constraints import gradient_penalty
from gankit.training._reach import check_reach


def test_own_parameters_and_points_of_a_penalty_pass() -> None:
    critic = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    real, fake = torch.randn(5, 2), torch.randn(5, 2)
    terms = {"penalty": gradient_penalty(critic, real, fake), "loss": critic(real).mean()}
    check_reach(terms, list(critic.parameters()))


def test_a_parameter_of_another_network_is_named() -> None:
    critic, generator = nn.Linear(2, 1), nn.Linear(7, 2)
    terms = {"loss": critic(generator(torch.randn(5, 7))).mean()}
    with pytest.raises(
        ValueError, match=r"got gradients for 2 others \(shapes .*\(2, 7\).*name their network in `frozen`"
    ):
        check_reach(terms, list(critic.parameters()))


def test_many_foreign_parameters_are_cut_short() -> None:
    others = nn.Sequential(*[nn.Linear(2, 2) for _ in range(2)])
    with pytest.raises(ValueError, match=r"4 others \(shapes (\(2,( 2)?\), ){3}\.\.\.\)"):
        check_reach({"loss": others(torch.ones(1, 2)).sum()}, [])


def test_terms_without_a_parameter_are_refused() -> None:
    leaf = torch.ones(2, requires_grad=True)
    for term in (leaf.sum(), torch.tensor(1.0)):
        with pytest.raises(ValueError, match=r"must depend on a parameter of the optimizer, got \['loss'\]"):
            check_reach({"loss": term}, list(nn.Linear(2, 1).parameters()))


def test_parametrized_weights_are_the_optimizers_own() -> None:
    critic = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(2, 1))
    check_reach({"loss": critic(torch.ones(1, 2)).sum()}, list(critic.parameters()))


def test_a_graph_that_joins_again_and_again_is_walked_once() -> None:
    critic = nn.Linear(2, 1)
    scores = critic(torch.ones(3, 2))
    for _ in range(200):  # as many ways down as two to this power
        scores = scores + scores.tanh()
    check_reach({"loss": scores.sum()}, list(critic.parameters()))
