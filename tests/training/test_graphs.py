import pytest
import torch
from torch import nn

from gankit.constraints import gradient_penalty
from gankit.training._graphs import Cuts, check_reach, refuse_dropped, tensors_in


def test_tensors_are_found_inside_containers() -> None:
    one, two, three = (torch.ones(size) for size in (2, 3, 5))
    assert [len(t) for t in tensors_in((one, [two, {"a": three, "b": "text"}], 7, None))] == [2, 3, 5]


def test_cut_inputs_are_leaves_and_their_gradient_is_sent_back() -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    carried, other, plain = weight * 2, weight * 5, torch.tensor(1.0)
    cuts = Cuts.of((plain, [carried], {"other": other}))
    found, (leaf,), rest = cuts.inputs
    assert found is plain
    assert leaf.is_leaf
    assert leaf.requires_grad
    (leaf.square() + 0 * plain).backward()
    assert rest["other"].grad is None  # not reached: its graph is left alone
    assert weight.grad is None
    cuts.send_back()
    assert weight.grad is not None
    assert weight.grad.item() == 2 * 6 * 2


def test_the_walk_goes_on_behind_inputs_that_were_cut() -> None:
    generator, critic = nn.Linear(3, 2), nn.Linear(2, 1)
    fake = generator(torch.ones(5, 3))
    cuts = Cuts.of((fake,))
    costs = {"loss": critic.requires_grad_(False)(cuts.inputs[0]).mean()}
    check_reach(costs, list(generator.parameters()), cuts)
    with pytest.raises(ValueError, match="got gradients for 2 others"):
        check_reach(costs, list(critic.parameters()), cuts)
    critic.requires_grad_(True)
    check_reach({"loss": critic(cuts.inputs[0].detach()).mean()}, list(critic.parameters()), cuts)


def test_leaves_that_are_not_of_the_class_parameter_count_as_own() -> None:
    weight = torch.zeros(1, 4, requires_grad=True)
    check_reach({"loss": (weight * 3).sum()}, [weight])  # pyright: ignore[reportArgumentType]


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


def test_a_frozen_parameter_may_be_a_cost_and_another_networks_may_not() -> None:
    critic, other = nn.Linear(2, 1), nn.Parameter(torch.tensor(3.0))
    loss = critic(torch.ones(3, 2)).mean()
    with pytest.raises(ValueError, match="got gradients for 1 others"):
        check_reach({"loss": loss, "other": other}, list(critic.parameters()))
    check_reach({"loss": loss, "other": other.requires_grad_(False)}, list(critic.parameters()))


def test_a_graph_of_many_ways_is_walked_once() -> None:
    """Sixty sums of a tensor with itself: as many nodes, and 2 ** 60 ways through them."""
    weight = nn.Parameter(torch.tensor(1.0))
    total: torch.Tensor = weight
    for _ in range(60):
        total = total + total
    refuse_dropped(total)
    assert check_reach({"loss": total}, [weight]) == []
