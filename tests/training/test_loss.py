from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss, generator_loss
from gankit.training import Loss, Values
from gankit.training._loss import Cuts, check_reach, tensors_in


def _loss(terms: Callable[..., Any]) -> Loss:
    return Loss(terms, ())


def test_costs_and_readings_come_back_as_dicts_in_their_order() -> None:
    costs = {"b": torch.tensor(1.0), "a": torch.tensor(2.0)}
    assert [list(values) for values in _loss(lambda: costs).evaluate()] == [["b", "a"], []]
    readings = {"d": torch.tensor(1.0), "c": torch.tensor(2.0)}
    assert [list(values) for values in _loss(lambda: (costs, readings)).evaluate()] == [["b", "a"], ["d", "c"]]


def test_inputs_are_passed_on() -> None:
    costs, _ = _loss(lambda x, y: {"cost": x - y}).evaluate(torch.tensor(5.0), torch.tensor(3.0))
    assert costs["cost"].item() == 2.0


def test_total_is_the_sum_of_the_costs_times_the_scale() -> None:
    costs = {str(number): torch.tensor(float(number), dtype=torch.float64) for number in (2, 3, 5)}
    assert _loss(dict).total(costs, None).item() == 10.0
    assert _loss(dict).total(costs, torch.tensor(7.0)).item() == 70.0


def test_detached_values_keep_no_graph() -> None:
    weight = torch.tensor(2.0, requires_grad=True)
    values = Values({"loss": weight * 3}, {"reading": weight * 5}).detached()
    assert [list(named) for named in values] == [["loss"], ["reading"]]
    together = values.together()
    assert {name: value.item() for name, value in together.items()} == {"loss": 6.0, "reading": 10.0}
    assert all(value.grad_fn is None and not value.requires_grad for value in together.values())


ONE = {"cost": torch.tensor(1.0)}


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (torch.tensor(1.0), "terms must be a mapping of names to 0-d tensors, got Tensor"),
        ({}, "terms must return at least one named cost, got an empty mapping"),
        (({}, ONE), "terms must return at least one named cost"),
        ((ONE, ONE, ONE), "terms must be a mapping of names to 0-d tensors, got tuple"),
        ((ONE, torch.tensor(0.0)), "readings must be a mapping of names to 0-d tensors, got Tensor"),
        ((ONE, {"reading": torch.ones(2)}), r"readings\['reading'\] must be a 0-d tensor, got shape \(2,\)"),
        ((ONE, ONE), r"costs and readings must have different names, got \['cost'\] in both"),
        ({1: torch.tensor(1.0)}, "terms must be named by strings, got 1"),
        ({"loss": 1.0}, r"terms\['loss'\] must be a 0-d tensor, got float"),
        ({"loss": torch.ones(1)}, r"terms\['loss'\] must be a 0-d tensor, got shape \(1,\)"),
        ({"loss": torch.tensor(1)}, r"terms\['loss'\] must be a floating-point tensor, got dtype torch.int64"),
    ],
)
def test_other_things_are_refused(terms: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _loss(lambda: terms).evaluate()


def test_the_pure_form_equals_backward_and_writes_nothing() -> None:
    critic = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    unused, fixed = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2), requires_grad=False)
    parameters = [*critic.parameters(), unused, fixed]
    loss = Loss(lambda x, given: ({"a": critic(x).mean(), "b": given["y"].square().sum()}, {"r": x.mean()}), parameters)
    x, y = torch.randn(5, 2, dtype=torch.float64), torch.randn(3, dtype=torch.float64, requires_grad=True)
    values, gradients = loss.differentiated(torch.tensor(7.0), x, {"y": y, "n": 3})
    assert [list(named) for named in values] == [["a", "b"], ["r"]]
    assert all(parameter.grad is None for parameter in (*parameters, y))
    assert gradients[4:6] == [None, None]
    (7 * (critic(x).mean() + y.square().sum())).backward()
    expected = [parameter.grad for parameter in (*critic.parameters(), y)]
    torch.testing.assert_close([*gradients[:4], gradients[6]], expected)


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


def _wgan_gp() -> tuple[nn.Module, nn.Module, Loss, Loss]:
    """A critic and a generator that draw inside their terms, with batch statistics and a penalty."""
    torch.manual_seed(3)
    critic = nn.Sequential(nn.Conv2d(3, 5, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(20, 1), nn.Flatten(0))
    generator = nn.Sequential(nn.Linear(7, 48), nn.BatchNorm1d(48), nn.Unflatten(1, (3, 4, 4)), nn.Tanh())
    critic, generator = critic.double(), generator.double()
    objective = Wasserstein()

    def draw(real: torch.Tensor) -> torch.Tensor:
        return generator(torch.randn(len(real), 7, dtype=real.dtype, device=real.device))

    def critic_terms(real: torch.Tensor) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        with torch.no_grad():
            fake = draw(real)
        scores = critic(real)
        penalty = 10 * gradient_penalty(critic, real, fake)
        return {"loss": critic_loss(objective, scores, critic(fake)), "penalty": penalty}, {"real": scores.mean()}

    def generator_terms(real: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": generator_loss(objective, critic(draw(real)))}

    losses = Loss(critic_terms, list(critic.parameters())), Loss(generator_terms, list(generator.parameters()))
    return critic, generator, *losses


def _traced(loss: Loss, example: torch.Tensor) -> Callable[..., Any]:
    return make_fx(loss.differentiated)(None, example)


def _compiled(loss: Loss, example: torch.Tensor) -> Callable[..., Any]:
    del example
    return torch.compile(loss.differentiated, backend="aot_eager", fullgraph=True)


@torch._dynamo.config.patch(trace_autograd_ops=True)
@pytest.mark.parametrize("form", [_traced, _compiled])
def test_the_pure_form_can_be_traced_and_compiled_with_its_draws(
    form: Callable[..., Callable[..., Any]],
) -> None:
    example, *batches = torch.randn(3, 5, 3, 4, 4, dtype=torch.float64)
    for loss in _wgan_gp()[2:]:
        whole = form(loss, example)
        for batch in batches:
            torch.manual_seed(11)
            expected = loss.differentiated(None, batch)
            torch.manual_seed(11)
            torch.testing.assert_close(whole(None, batch), expected, rtol=1e-12, atol=1e-13)


@torch._dynamo.config.patch(trace_autograd_ops=True)
def test_a_scale_and_an_input_that_requires_gradients_are_inputs_of_the_compiled_form() -> None:
    critic, generator = _wgan_gp()[:2]
    loss = Loss(lambda fake: {"loss": critic(fake).mean()}, list(generator.parameters()))
    whole = torch.compile(loss.differentiated, backend="aot_eager", fullgraph=True)
    fake = generator(torch.randn(5, 7, dtype=torch.float64))
    for scale in (2.0, 1024.0):
        leaf = fake.detach().requires_grad_()
        values, gradients = whole(torch.tensor(scale, dtype=torch.float64), leaf)
        assert gradients[:-1] == [None] * len(list(generator.parameters()))
        expected = torch.autograd.grad(scale * critic(leaf).mean(), leaf)[0]
        torch.testing.assert_close(gradients[-1], expected, rtol=1e-12, atol=1e-15)
        torch.testing.assert_close(values.costs["loss"], critic(fake).mean().detach(), rtol=1e-12, atol=1e-15)
