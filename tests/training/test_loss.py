from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss, generator_loss
from gankit.training import Loss, Values


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


def test_detached_values_change_with_nothing_that_is_filled_in_place() -> None:
    cost, reading = torch.tensor(1.0), torch.tensor(2.0)
    values = Values({"loss": cost}, {"reading": reading}).detached()
    cost.fill_(7.0)
    reading.fill_(7.0)
    assert {name: value.item() for name, value in values.together().items()} == {"loss": 1.0, "reading": 2.0}


ONE = {"cost": torch.tensor(1.0)}


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (
            torch.tensor(1.0),
            r"must return costs, or \(costs, readings\), as mappings of names to 0-d tensors, got Tensor",
        ),
        ({}, "terms must return at least one named cost, got an empty mapping"),
        (({}, ONE), "terms must return at least one named cost"),
        ((ONE, ONE, ONE), r"costs, or \(costs, readings\), .* got a tuple of 3"),
        ((ONE,), "got a tuple of 1"),
        (None, "got NoneType"),
        (([1.0], ONE), "costs must be a mapping of names to 0-d tensors, got list"),
        ((ONE, torch.tensor(0.0)), "readings must be a mapping of names to 0-d tensors, got Tensor"),
        ((ONE, {"reading": torch.ones(2)}), r"readings\['reading'\] must be a 0-d tensor, got shape \(2,\)"),
        ((ONE, ONE), r"costs and readings must have different names, got \['cost'\] in both"),
        ({1: torch.tensor(1.0)}, "costs must be named by strings, got 1"),
        ({"loss": 1.0}, r"costs\['loss'\] must be a 0-d tensor, got float"),
        ({"loss": torch.ones(1)}, r"costs\['loss'\] must be a 0-d tensor, got shape \(1,\)"),
        ({"loss": torch.tensor(1)}, r"costs\['loss'\] must be a floating-point tensor, got dtype torch.int64"),
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


def test_inputs_that_carry_a_graph_are_cut_and_their_graph_stays() -> None:
    generator, critic = nn.Linear(3, 2).double(), nn.Linear(2, 1).double()
    fake = generator(torch.randn(5, 3, dtype=torch.float64))
    loss = Loss(lambda given: {"loss": critic(given["fake"]).square().mean()}, list(generator.parameters()))
    loss.differentiated(None, {"fake": fake})
    _, gradients = loss.differentiated(None, {"fake": fake})  # once more: the graph of the fake is not freed
    assert gradients[:2] == [None, None]
    expected = torch.autograd.grad(critic(fake).square().mean(), fake, retain_graph=True)[0]
    torch.testing.assert_close(gradients[2], expected)
    loss.assign(gradients, ({"fake": fake},))
    got = [parameter.grad for parameter in generator.parameters()]
    torch.testing.assert_close(got[1], expected.sum(0))


def test_assigned_gradients_have_the_strides_of_their_parameters() -> None:
    weight, other = nn.Parameter(torch.randn(3, 5)), nn.Parameter(torch.randn(2))
    other.grad = torch.ones(2)
    gradient = torch.randn(5, 3).T
    Loss(dict, (weight, other)).assign([gradient, None], ())
    assert weight.grad is not None
    assert weight.grad.stride() == (5, 1)
    assert torch.equal(weight.grad, gradient)
    assert not weight.grad.requires_grad
    assert other.grad is None


def test_assigned_gradients_share_no_memory() -> None:
    parameters = [nn.Parameter(torch.ones(3)) for _ in range(3)]
    gradient = torch.tensor([2.0, 3.0, 5.0])
    Loss(dict, parameters).assign([gradient, gradient, gradient.view(3)], ())
    for parameter in parameters:
        assert torch.equal(parameter.grad, torch.tensor([2.0, 3.0, 5.0]))  # pyright: ignore[reportArgumentType]
        parameter.grad.zero_()  # pyright: ignore[reportOptionalMemberAccess]
    assert parameters[0].grad is gradient


def test_gradients_that_fit_are_sparse_or_sharded_are_assigned_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = nn.Parameter(torch.randn(3, 5))
    for gradient in (torch.randn(3, 5), torch.randn(3, 5).to_sparse()):
        Loss(dict, (weight,)).assign([gradient], ())
        assert weight.grad is gradient
    monkeypatch.setattr("gankit.training._loss.is_sharded", lambda _: True)
    transposed = torch.randn(5, 3).T
    Loss(dict, (weight,)).assign([transposed], ())
    assert weight.grad is transposed


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
        (leaf,) = loss.cut((fake,))
        values, gradients = whole(torch.tensor(scale, dtype=torch.float64), leaf)
        assert leaf.grad is None
        assert gradients[:-1] == [None] * len(list(generator.parameters()))
        expected = torch.autograd.grad(scale * critic(leaf).mean(), leaf)[0]
        torch.testing.assert_close(gradients[-1], expected, rtol=1e-12, atol=1e-15)
        torch.testing.assert_close(values.costs["loss"], critic(fake).mean().detach(), rtol=1e-12, atol=1e-15)
