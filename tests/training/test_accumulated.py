import copy
import functools
import operator
import pickle
from collections import UserDict
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit._core import ranks_of_whole_batch
from gankit.constraints import gradient_penalty
from gankit.losses import Wasserstein, critic_loss
from gankit.training import Accumulated, AveragedOverRanks, Compiled, Eager, Gradients, Loss, Update, Values
from gankit.training._graphs import Cuts, clear_gradients


def _cutting(loss: Loss, inputs: tuple[Any, ...]) -> Values:
    """A gradient part that cuts its inputs and calls the check, as those that record or compile do."""
    cuts = Cuts.of(inputs)
    clear_gradients(loss.parameters)
    values = loss.evaluate(*cuts.inputs)
    if loss.check is not None:
        loss.check(values.costs, cuts)
    loss.total(values.costs, loss.scale()).backward()
    cuts.send_back()
    return values.detached()


class _Fixed:
    """A gradient part that writes into memory of its own, and empties it in place before."""

    def __init__(self) -> None:
        self.memory: dict[nn.Parameter, torch.Tensor] = {}
        self.losses: dict[Loss, list[float]] = {}

    def __call__(self, loss: Loss, inputs: tuple[Any, ...]) -> Values:
        for parameter in loss.parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()
        scale = loss.scale()
        self.losses.setdefault(loss, []).append(1.0 if scale is None else scale.item())
        values, gradients = loss.differentiated(scale, *loss.cut(inputs))
        loss.assign(gradients, inputs)
        for parameter in loss.parameters:
            if parameter.grad is not None:
                fixed = self.memory.setdefault(parameter, torch.zeros_like(parameter))
                parameter.grad = fixed.copy_(parameter.grad)
        return values


INNER: dict[str, Callable[[], Gradients]] = {"eager": Eager, "cutting": lambda: _cutting, "fixed": _Fixed}
"""Gradient parts for the parts of a batch."""


def _loss(weight: torch.Tensor, terms: Callable[..., Any]) -> Loss:
    return Loss(terms, (weight,))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    "gradients",
    [Eager(), Accumulated(1), Accumulated(3), *(Accumulated(3, gradients=make()) for make in INNER.values())],
)
def test_the_gradient_is_that_of_this_call_alone(gradients: Gradients) -> None:
    weight, unused = (torch.tensor(3.0, requires_grad=True) for _ in range(2))
    weight.grad = unused.grad = torch.tensor(100.0)
    gradients(Loss(lambda x: {"a": weight * x.mean()}, (weight, unused)), (torch.full((3,), 7.0),))  # pyright: ignore[reportArgumentType]
    assert weight.grad.item() == pytest.approx(7.0)
    assert unused.grad is None


@pytest.mark.parametrize("gradients", [Eager(), Accumulated(2), Accumulated(2, gradients=_cutting)])
def test_the_check_sees_the_costs_before_the_backward_pass(gradients: Gradients) -> None:
    weight = torch.tensor(3.0, requires_grad=True)

    def refuse(costs: Mapping[str, torch.Tensor], _: object) -> None:
        raise ValueError(f"refused {list(costs)}")

    loss = Loss(lambda x: ({"a": weight * x.mean()}, {"r": x.mean()}), (weight,), check=refuse)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"refused \['a'\]"):
        gradients(loss, (torch.ones(3),))
    assert weight.grad is None


@pytest.mark.parametrize("gradients", [Eager(), *(Accumulated(2, gradients=make()) for make in INNER.values())])
def test_the_scale_multiplies_the_gradient_and_not_what_is_logged(gradients: Gradients) -> None:
    weight = torch.tensor(3.0, requires_grad=True)
    loss = Loss(lambda x: ({"a": weight * x.mean()}, {"r": x.mean()}), (weight,), scale=lambda: torch.tensor(8.0))  # pyright: ignore[reportArgumentType]
    named = gradients(loss, (torch.tensor([1.0, 3.0]),))
    assert weight.grad is not None
    assert weight.grad.item() == 16.0
    assert [{name: value.item() for name, value in each.items()} for each in named] == [{"a": 6.0}, {"r": 2.0}]


def test_batches_inside_containers_are_split_too() -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    seen: list[tuple[list[float], list[float], float, str]] = []

    def terms(images: torch.Tensor, given: dict[str, Any]) -> dict[str, torch.Tensor]:
        (labels,) = given["labels"]
        seen.append((images.tolist(), labels.tolist(), given["weight"].item(), given["name"]))
        return {"loss": weight * (images * labels).mean()}

    images, labels = torch.arange(5.0), torch.arange(5.0) + 10
    given = {"labels": [labels], "weight": torch.tensor(7.0), "name": "x"}
    named = Accumulated(2)(_loss(weight, terms), (images, given))
    assert seen == [([0.0, 1.0], [10.0, 11.0], 7.0, "x"), ([2.0, 3.0, 4.0], [12.0, 13.0, 14.0], 7.0, "x")]
    assert named.costs["loss"].item() == pytest.approx((images * labels).mean().item())
    with pytest.raises(ValueError, match=r"one batch size to be split, got sizes \[3, 5\]"):
        Accumulated(2)(_loss(weight, terms), (images, {"labels": [labels[:3]]}))


def _critic(seed: int) -> nn.Sequential:
    rng = torch.Generator().manual_seed(seed)
    critic = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.normal_(generator=rng)
    return critic


@pytest.mark.parametrize("inner", INNER)
@given(seed=st.integers(0, 2**31 - 1), size=st.sampled_from([5, 7, 11]), parts=st.integers(1, 5))
def test_gradient_and_terms_equal_those_of_the_whole_batch(seed: int, size: int, parts: int, inner: str) -> None:
    critic = _critic(seed)
    rng = torch.Generator().manual_seed(seed)
    real, fake = (torch.randn(size, 3, dtype=torch.float64, generator=rng) for _ in range(2))
    mix = torch.rand(size, 1, dtype=torch.float64, generator=rng)

    def terms(real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor, weight: float) -> dict[str, torch.Tensor]:
        return {
            "loss": critic_loss(Wasserstein(), critic(real), critic(fake)),
            "penalty": weight * gradient_penalty(critic, real, fake, mix=mix),
        }

    results = []
    for gradients in (Eager(), Accumulated(parts, gradients=INNER[inner]())):
        logged = gradients(Loss(terms, list(critic.parameters())), (real, fake, mix, 10.0))
        results.append((logged, [parameter.grad for parameter in critic.parameters()]))
    torch.testing.assert_close(results[1], results[0], rtol=1e-10, atol=1e-12)


def test_parts_are_as_equal_as_can_be_and_all_samples_are_seen_once() -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    seen: list[list[float]] = []

    def terms(x: torch.Tensor, scale: torch.Tensor) -> dict[str, torch.Tensor]:
        seen.append(x.tolist())
        assert scale.ndim == 0
        return {"loss": weight * scale * x.mean()}

    Accumulated(3)(_loss(weight, terms), (torch.arange(8.0), torch.tensor(2.0)))
    assert [len(part) for part in seen] == [2, 3, 3]
    assert functools.reduce(operator.iadd, seen, []) == list(range(8))


class _Wrapper(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.log: list[bool] = []

    @contextmanager
    def no_sync(self):
        self.inside = True
        yield
        self.inside = False


def test_only_the_last_part_reduces_gradients() -> None:
    wrapper, weight = _Wrapper(), torch.tensor(1.0, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        wrapper.log.append(wrapper.inside)
        return {"loss": (weight * x).mean()}

    Accumulated(3)(Loss(terms, (weight,), wrapper), (torch.ones(3),))  # pyright: ignore[reportArgumentType]
    assert wrapper.log == [True, True, False]
    assert not wrapper.inside


def test_terms_that_change_between_parts_are_refused() -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="must be the same in each part"):
        Accumulated(2)(_loss(weight, lambda x: {str(x[0].item()): (weight * x).mean()}), (torch.arange(4.0),))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((torch.ones(3), torch.ones(2)), r"one batch size to be split, got sizes \[2, 3\]"),
        ((1.0,), r"one batch size to be split, got sizes \[\]"),
        ((torch.ones(3),), "at least 4 samples to be split into 4 parts, got 3"),
    ],
)
def test_inputs_that_do_not_split_are_refused(inputs: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Accumulated(4)(Loss(lambda *_: {}, ()), inputs)


@pytest.mark.parametrize("parts", [0, -1, 1.5, True])
def test_parts_must_be_a_number_above_zero(parts: int) -> None:
    with pytest.raises(ValueError, match="parts must be"):
        Accumulated(parts)


def test_the_number_of_parts_stays() -> None:
    gradients = Accumulated(4)
    with pytest.raises(FrozenInstanceError):
        gradients.parts = 2  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(gradients, "__dict__")
    assert repr(gradients) == "Accumulated(parts=4, gradients=Eager())"
    assert gradients == Accumulated(4, gradients=Eager()) != Accumulated(4, gradients=_cutting)


@pytest.mark.parametrize("inner", [*INNER, "nested"])
def test_inputs_that_carry_graphs_get_the_gradient_of_the_whole_batch(inner: str) -> None:
    """Samples, and a number that goes to each part whole."""
    found = []
    make = INNER.get(inner, lambda: Accumulated(2, gradients=_Fixed()))
    for gradients in (Eager(), Accumulated(3, gradients=make())):
        critic, generator = _critic(1), _critic(2)
        gain = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))
        fake = generator(torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3)))

        def terms(given: dict[str, torch.Tensor], critic: nn.Module = critic) -> dict[str, torch.Tensor]:
            samples = given["gain"] * given["fake"].expand(-1, 3)
            return {"loss": critic(samples).square().mean(), "size": samples.square().mean()}

        values = gradients(Loss(terms, list(critic.parameters())), ({"fake": fake, "gain": gain * 3},))
        owners = [*critic.parameters(), *generator.parameters(), gain]
        found.append((values, [parameter.grad for parameter in owners]))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("inner", [Eager(), _cutting])
def test_the_check_follows_the_graphs_of_inputs_that_were_cut_for_the_parts(inner: Gradients) -> None:
    weight, other = (nn.Parameter(torch.tensor(3.0)) for _ in range(2))

    def terms(x: torch.Tensor, gain: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": (weight * gain * x).mean()}

    update = Update(torch.optim.SGD([weight], lr=0.1), terms, gradients=Accumulated(2, gradients=inner))
    for inputs in ((torch.ones(5) * other, torch.tensor(1.0)), (torch.ones(5), other * 2)):
        with pytest.raises(ValueError, match="got gradients for 1 others"):
            update(*inputs)
    update(torch.ones(5), torch.tensor(1.0))


def test_a_gradient_part_gets_the_same_loss_each_time_and_the_share_of_a_part_as_scale() -> None:
    """So that a compiled form is made once, and that shares weight gradients before ranks average them."""
    weight, inner = nn.Parameter(torch.tensor(3.0)), _Fixed()
    gradients = Accumulated(3, gradients=inner)
    one = Loss(lambda x: {"loss": (weight * x).mean()}, (weight,))
    two = Loss(lambda x: {"loss": (weight * x).sum()}, (weight,), scale=lambda: torch.tensor(16.0))
    for loss in (one, two, one):
        gradients(loss, (torch.ones(7),))
    shares = [2 / 7, 2 / 7, 3 / 7]
    assert [*inner.losses.values()] == [pytest.approx(shares * 2), pytest.approx([16 * share for share in shares])]


@pytest.mark.parametrize("gradients", [Eager, None, 3])
def test_what_cannot_differentiate_a_part_is_refused(gradients: Any) -> None:
    with pytest.raises(ValueError, match="gradients must be callable, and an instance rather than a class, got"):
        Accumulated(2, gradients=gradients)


def test_a_gradient_part_that_ignores_the_scale_is_refused() -> None:
    weight = nn.Parameter(torch.tensor(3.0))

    def unscaled(loss: Loss, inputs: tuple[Any, ...]) -> Values:
        values, gradients = loss.differentiated(None, *inputs)
        loss.assign(gradients, inputs)
        return values

    with pytest.raises(
        ValueError, match=r"gradients must multiply the total by loss\.scale\(\), .* which did not ask for it"
    ):
        Accumulated(2, gradients=unscaled)(_loss(weight, lambda x: {"loss": (weight * x).mean()}), (torch.ones(4),))


def test_a_part_that_averages_over_ranks_makes_one_that_does() -> None:
    assert Accumulated(2, gradients=AveragedOverRanks(Compiled())).averages_ranks
    assert not Accumulated(2).averages_ranks
    assert not Accumulated(2, gradients=_cutting).averages_ranks


def test_a_copy_keeps_the_arguments_and_nothing_that_was_made_for_a_loss() -> None:
    weight = nn.Parameter(torch.tensor(3.0))
    gradients = Accumulated(2, gradients=_cutting)
    gradients(Loss(lambda x: {"loss": (weight * x).mean()}, (weight,)), (torch.ones(3),))
    for again in (copy.deepcopy(gradients), pickle.loads(pickle.dumps(Accumulated(2)))):
        assert again in (gradients, Accumulated(2))
        assert not again._losses


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_parts_know_that_they_are_parts_and_the_whole_that_it_is_whole(parts: int) -> None:
    weight = torch.tensor(1.0, requires_grad=True)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        if parts == 1:
            assert ranks_of_whole_batch("a loss") == 1
        else:
            with pytest.raises(ValueError, match="a loss needs the whole batch, got one part of it"):
                ranks_of_whole_batch("a loss")
        return {"loss": (weight * x).mean()}

    Accumulated(parts)(_loss(weight, terms), (torch.ones(3),))


@dataclass
class _Encoding:
    ids: torch.Tensor


@pytest.mark.parametrize(
    "hidden", [_Encoding(torch.ones(4)), UserDict(ids=torch.ones(4)), {"a": [_Encoding(torch.ones(4))]}]
)
def test_tensors_hidden_in_other_objects_are_refused_rather_than_passed_whole(hidden: object) -> None:
    weight = torch.tensor(1.0, requires_grad=True)
    loss = _loss(weight, lambda x, given: {"loss": (weight * x).mean()})
    with pytest.raises(ValueError, match=r"tuples, lists or dicts to be split, got tensors in (_Encoding|UserDict)"):
        Accumulated(2)(loss, (torch.ones(4), hidden))
    Eager()(loss, (torch.ones(4), hidden))
    Accumulated(2)(loss, (torch.ones(4), "text"))
    network = nn.Linear(2, 1)
    network.plain = torch.ones(3)
    Accumulated(2)(loss, (torch.ones(4), network))
