"""An eager evaluation leaves no trace: whatever it writes to, draws from or fills is put back, also after an error."""

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from support.update_nets import CASES, Gan
from torch import nn

from gankit.training import Loss
from gankit.training._loss import Values
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


def _doubled(x: torch.Tensor, weight: nn.Parameter, buffer: torch.Tensor) -> dict[str, torch.Tensor]:
    buffer.mul_(2)
    return {"loss": (weight * x).sum()}


@pytest.mark.parametrize("tolerance", [None, 1e-4])
@pytest.mark.parametrize(("dtype", "usual"), [(torch.float64, 1e-6), (torch.float32, 1e-2), (torch.bfloat16, 0.2)])
@pytest.mark.parametrize("what", ["cost", "gradient", "buffer"])
def test_what_is_off_by_more_than_the_tolerance_of_the_lowest_precision_is_refused(
    what: str, dtype: torch.dtype, usual: float, tolerance: float | None
) -> None:
    weight, buffer = nn.Parameter(torch.ones(2, dtype=dtype)), torch.full((2,), 8.0, dtype=torch.float64)
    found = _of(lambda x: _doubled(x, weight, buffer), weight, inputs=(torch.full((2,), 3.0, dtype=dtype),))
    assert found.values.costs["loss"] == 6
    limit = tolerance or usual

    def compare(off: float) -> None:
        values, (gradient,) = copy.deepcopy(found.values), found.gradients
        assert gradient is not None
        gradient = gradient.double()
        buffer.fill_(16.0)
        if what == "cost":
            values.costs["loss"] = values.costs["loss"].double() * (1 + off)
        elif what == "gradient":
            gradient = gradient * (1 + off)
        else:
            buffer.mul_(1 + off)
        found.refuse_other(values, [gradient], tolerance)

    compare(0.0)
    compare(0.99 * limit)
    compare(-0.99 * limit)
    message = {
        "cost": r"cost 'loss', of length 6, that",
        "gradient": r"the gradient number 0 .*, of shape \(2,\), of length 4.24, that",
        "buffer": r"a buffer of shape \(2,\), of length 22.6, that",
    }[what]
    for off in (1.01 * limit, -1.01 * limit, float("nan")):
        with pytest.raises(ValueError, match=f"must compute what the terms compute eagerly, got {message}"):
            compare(off)


def test_short_gradients_may_be_off_by_a_share_of_all_together_and_small_costs_by_the_tolerance() -> None:
    long, short = nn.Parameter(torch.ones(1).double()), nn.Parameter(torch.ones(1).double())
    found = _of(lambda: {"loss": 3e-4 + 1e-7 * short.sum() + (long - long.detach()).sum()}, long, short)
    cost = found.values.costs["loss"]

    def compare(gradient: float, off: float) -> None:
        gradients = [torch.ones(1).double(), torch.full((1,), gradient).double()]
        found.refuse_other(Values({"loss": cost + off}, {}), gradients)

    compare(1e-7 + 0.99e-9, 0.99e-6)  # a thousandth of all together, times 1e-6
    with pytest.raises(ValueError, match="the gradient number 1 "):
        compare(1e-7 + 1.01e-9, 0.0)
    with pytest.raises(ValueError, match=r"cost 'loss', of length 0\.0003,"):
        compare(1e-7, 1.01e-6)


def test_numbers_that_are_not_finite_are_the_steppers() -> None:
    weight = nn.Parameter(torch.ones(1))
    found = _of(lambda: {"loss": (weight * torch.inf).sum(), "other": weight.sum()}, weight)
    values = Values({"loss": torch.tensor(1.0), "other": torch.tensor(7.0)}, {})
    found.refuse_other(values, [torch.zeros(1)])
    found = _of(lambda: {"loss": torch.tensor(torch.inf) + weight.sum(), "other": weight.sum()}, weight)
    with pytest.raises(ValueError, match="cost 'other'"):
        found.refuse_other(values, [torch.full((1,), 2.0)])


def test_a_gradient_may_be_missing_where_the_other_is_zero() -> None:
    weight, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    found = _of(lambda: {"loss": weight.sum()}, weight, unused)
    found.refuse_other(found.values, [torch.ones(2), torch.zeros(3)])
    found.refuse_other(found.values, [torch.ones(2), None])
    with pytest.raises(ValueError, match=r"the gradient number 0 .*, of shape \(2,\), of length 1\.41, that"):
        found.refuse_other(found.values, [None, None])
    with pytest.raises(ValueError, match=r"the gradient number 1 .*then inputs\), of length 0, that differs by 1\.73"):
        found.refuse_other(found.values, [torch.ones(2), torch.ones(3)])


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
