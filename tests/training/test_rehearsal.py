"""An eager evaluation leaves no trace: whatever it writes to, draws from or fills is put back, also after an error."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.update_nets import CASES, Gan
from torch import nn

from gankit.training import Loss
from gankit.training._rehearsal import Rehearsal, rehearse


def _snapshot(*tensors: torch.Tensor) -> tuple[Any, ...]:
    numbers = random.getstate(), str(np.random.get_state())  # noqa: NPY002
    return torch.get_rng_state().tolist(), numbers, [tensor.detach().tolist() for tensor in tensors]


def _of(
    terms: Callable[..., Any], *parameters: nn.Parameter, inputs: tuple[Any, ...] = (), **options: Any
) -> Rehearsal:
    return rehearse(Loss(terms, parameters, **options), None, inputs)


@pytest.mark.parametrize("name", CASES)
def test_it_finds_what_an_evaluation_finds_and_leaves_no_trace(name: str) -> None:
    gan = Gan(name)
    batch = gan.batch(5, 1)
    loss = Loss(gan.critic_terms, list(gan.critic.parameters()))
    for parameter in loss.parameters:
        parameter.grad = torch.full_like(parameter, 7.0)
    buffers = [*gan.critic.buffers(), *gan.generator.buffers()]
    before = _snapshot(*loss.parameters, *buffers)
    found = rehearse(loss, torch.tensor(2.0), batch)
    assert _snapshot(*loss.parameters, *buffers) == before
    assert all(p.grad is not None and bool((p.grad == 7.0).all()) for p in loss.parameters)
    values, gradients = loss.differentiated(torch.tensor(2.0), *batch)
    assert _snapshot(*loss.parameters, *buffers) != before  # so that the comparison above means something
    torch.testing.assert_close(found.values, values, rtol=0, atol=0)
    torch.testing.assert_close(found.gradients, gradients, rtol=1e-13, atol=1e-15)
    assert gan.critic in found.observer.modules
    assert gan.generator in found.observer.modules
    assert nn.BatchNorm2d in {type(module) for module in found.observer.modules}
    found.observer.restore()
    assert _snapshot(*loss.parameters, *buffers) == before


def test_everything_that_terms_write_to_and_draw_from_is_put_back_also_after_an_error() -> None:
    weight, state, rng = nn.Parameter(torch.ones(3)), torch.arange(6.0), torch.Generator().manual_seed(5)
    kept = torch.zeros(2)
    batch = torch.full((3,), 2.0)
    fails = False

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        noise = torch.rand(3, generator=rng) + random.random() + np.random.rand()  # noqa: NPY002
        state[1:4].mul_(3)  # two views that overlap
        state[:3].add_(1)
        torch.add(kept, 1.0, out=kept)
        x.clamp_(max=1.0)
        fresh = torch.zeros(3)
        fresh.add_(1.0)
        if fails:
            raise KeyError("stop")
        return {"loss": (weight * (noise + fresh) * x).sum()}

    before = _snapshot(state, kept, batch), rng.get_state().tolist()
    _of(terms, weight, inputs=(batch,))
    assert (_snapshot(state, kept, batch), rng.get_state().tolist()) == before
    fails = True
    weight.grad = torch.full((3,), 7.0)
    with pytest.raises(KeyError):
        _of(terms, weight, inputs=(batch,))
    assert (_snapshot(state, kept, batch), rng.get_state().tolist()) == before
    assert weight.grad.tolist() == [7.0] * 3
    terms_that_pass, fails = terms, False
    terms_that_pass(batch)
    assert (_snapshot(state, kept, batch), rng.get_state().tolist()) != before


def test_an_input_is_left_as_it_is_and_its_gradient_is_returned() -> None:
    weight, point = nn.Parameter(torch.tensor(3.0)), torch.tensor(2.0)
    source = torch.tensor(5.0, requires_grad=True)
    carrier = source * 2

    def terms(x: torch.Tensor, point: torch.Tensor) -> dict[str, torch.Tensor]:
        (slope,) = torch.autograd.grad(weight * point.requires_grad_() ** 2, point, create_graph=True)
        return {"loss": weight * x + slope}

    found = _of(terms, weight, inputs=(carrier, point))
    assert [None if each is None else each.item() for each in found.gradients] == [10.0 + 2 * 2, 3.0]
    assert not point.requires_grad
    assert point.grad is source.grad is weight.grad is None
    carrier.backward()  # its graph is whole
    assert source.grad == 2


def test_the_check_sees_where_the_inputs_come_from() -> None:
    weight, source = (nn.Parameter(torch.tensor(3.0)) for _ in range(2))
    seen: list[tuple[list[str], bool]] = []
    fake = source * 2

    def check(costs: dict[str, torch.Tensor], cuts: Any) -> None:
        seen.append((list(costs), cuts.pairs[0][1] is fake))

    _of(lambda x: {"loss": weight * x}, weight, inputs=(fake,), check=check)
    assert seen == [(["loss"], True)]


@pytest.mark.parametrize("checked", [True, False])
def test_a_tensor_that_somebody_else_holds_is_refused_or_left_as_it_was(checked: bool) -> None:
    weight, learned = nn.Parameter(torch.tensor(3.0)), torch.tensor(2.0, requires_grad=True)
    options: dict[str, Any] = {"check": lambda *_: None} if checked else {}
    for filled in (None, torch.tensor(7.0)):
        learned.grad = filled
        if checked:
            with pytest.raises(ValueError, match="got gradients for 1 tensors that require gradients"):
                _of(lambda: {"loss": weight * learned}, weight, **options)
        else:
            _of(lambda: {"loss": weight * learned}, weight, **options)
        assert learned.grad is filled
        assert filled is None or filled == 7.0
        assert weight.grad is None


def test_terms_are_refused_as_by_an_eager_update() -> None:
    weight = nn.Parameter(torch.ones(2))
    with pytest.raises(ValueError, match="terms must depend on a parameter of the optimizer"):
        _of(lambda: {"loss": weight.detach().sum()}, weight)
    with pytest.raises(ValueError, match=r"costs\['loss'\] must be a 0-d tensor"):
        _of(lambda: {"loss": weight}, weight)


@pytest.mark.parametrize(
    ("dtype", "inner", "lowest"),
    [
        (torch.float64, None, torch.float64),
        (torch.float32, None, torch.float32),
        (torch.float32, torch.bfloat16, torch.bfloat16),
        (torch.float64, torch.float16, torch.float16),
    ],
)
def test_the_lowest_precision_of_the_terms_is_found(
    dtype: torch.dtype, inner: torch.dtype | None, lowest: torch.dtype
) -> None:
    weight = nn.Parameter(torch.ones(2, dtype=dtype))
    found = _of(lambda: {"loss": (weight.to(inner or dtype) * 2).sum().to(dtype)}, weight)
    assert found.observer.lowest is lowest


def test_modules_are_looked_at_once_each_and_before_they_run() -> None:
    layer, seen = nn.Linear(2, 1), list[nn.Module]()
    loss = Loss(lambda x: {"loss": (layer(x) + layer(x)).mean()}, list(layer.parameters()))
    found = rehearse(loss, None, (torch.ones(3, 2),), seen.append)
    assert seen == list(found.observer.modules) == [layer]

    def refuse(module: nn.Module) -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        rehearse(loss, None, (torch.ones(3, 2),), refuse)
    layer(torch.ones(3, 2))  # nothing stays registered
