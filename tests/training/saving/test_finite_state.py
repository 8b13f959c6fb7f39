"""Values that are NaN or infinite: found wherever they are in a state, named, and told from numbers that may be infinite."""

import math
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import nn

from gankit.training import (
    Checkpoints,
    FiniteStepper,
    NonFiniteError,
    ScaledStepper,
    Update,
    WeightAverage,
    check_finite_state,
    network_state,
)
from gankit.training._saving._finite_state import counted, is_finite

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.complex64,
    torch.float8_e5m2,
    torch.float8_e4m3fn,
]


@given(
    dtype=st.sampled_from(DTYPES),
    place=st.integers(0, 34),
    value=st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.5]),
    turned=st.booleans(),
)
def test_one_bad_value_is_found_anywhere(dtype: torch.dtype, place: int, value: float, turned: bool) -> None:
    values = torch.linspace(-2, 2, 35)
    values[place] = value
    tensor = values.view(5, 7).to(dtype)
    tensor = tensor.t() if turned else tensor
    wide = torch.view_as_real(tensor) if dtype.is_complex else tensor.float()
    assert is_finite(tensor) == bool(wide.isfinite().all())
    if dtype != torch.float8_e4m3fn:  # which has no infinity
        assert is_finite(tensor) == math.isfinite(value)


@pytest.mark.parametrize(
    "state",
    [
        None,
        math.inf,
        {"best": math.inf, "worst": -math.inf, "unknown": math.nan},
        [torch.arange(3), torch.tensor([True]), torch.zeros(0), torch.zeros(2, device="meta")],
        {"a": (torch.ones(2), [torch.full((3,), 3e38)])},
        torch.empty(2, 2, dtype=torch.float4_e2m1fn_x2),
    ],
)
def test_numbers_and_finite_tensors_pass(state: Any) -> None:
    check_finite_state(state)


def test_the_message_names_places_shapes_and_counts() -> None:
    bad = torch.tensor([[math.nan, math.inf, 1.0], [-math.inf, 0.0, 2.0]])
    state = OrderedDict(a=torch.ones(2), b=[(1, bad)], c={3: torch.tensor(math.inf, dtype=torch.float16)})
    with pytest.raises(NonFiniteError) as caught:
        check_finite_state(state, "averages")
    assert str(caught.value) == (
        "averages must be finite, got averages['b'][0][1] of shape (2, 3) with 1 NaN and 2 infinite of 6 values, "
        "averages['c'][3] of shape () with 1 infinite of 1 values"
    )
    with pytest.raises(NonFiniteError, match=r"state\[4\] of shape \(1,\) with 1 NaN of 1 values and 3 more$"):
        check_finite_state([torch.tensor([math.nan])] * 8)


def test_values_that_are_stored_sparsely_are_looked_at() -> None:
    sparse = torch.sparse_coo_tensor(torch.tensor([[1]]), torch.tensor([math.nan]), (5,), check_invariants=True)
    assert not is_finite(sparse)
    assert counted(sparse) == "1 NaN of 1 values"
    assert counted(torch.arange(3)) == "0 values"


def _sparse(values: torch.Tensor, layout: torch.layout) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compressed layouts, which are in beta
        blocks = (2, 2) if layout in (torch.sparse_bsr, torch.sparse_bsc) else None
        return values.to_sparse(layout=layout, blocksize=blocks)


def _nested(values: torch.Tensor, layout: torch.layout) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of nested tensors, which are in beta
        return torch.nested.nested_tensor([values[0], values[1, :3]], layout=layout)


def _quantized(values: torch.Tensor, scale: float) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch will remove them
        return torch.quantize_per_tensor(values, scale, 0, torch.qint8)


LAYOUTS = [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc]
FORMS: dict[str, Callable[[torch.Tensor], Any]] = {
    **{str(layout): partial(_sparse, layout=layout) for layout in LAYOUTS},
    **{f"nested, {layout}": partial(_nested, layout=layout) for layout in (torch.strided, torch.jagged)},
    "conjugated": lambda values: torch.complex(values, values).conj(),
    "imaginary part of a conjugated": lambda values: torch.complex(values, values).conj().imag,
    "negated": lambda values: torch._neg_view(torch.complex(values, values)),
    "quantized": lambda values: _quantized(values.nan_to_num(), float(values[0, 0])),
    "of MKL-DNN": lambda values: values.to_mkldnn() if torch.backends.mkldnn.is_available() else values,
    "subclass": lambda values: values.as_subclass(Relative),
    "array": lambda values: values.numpy(),
    "array in the other byte order": lambda values: values.numpy().astype(">f4"),
    "complex array": lambda values: torch.complex(values, values).numpy(),
    "deque": lambda values: deque([values]),
    "set": lambda values: {1, values},
    "frozenset": lambda values: frozenset([values]),
    "mapping": lambda values: MappingProxyType({"a": values}),
    "values of a dict by name": lambda values: OrderedDict(a=(values,)),
}


class Relative(torch.Tensor):
    pass


@pytest.mark.parametrize("form", FORMS)
def test_values_are_found_in_every_form(form: str) -> None:
    values = torch.full((4, 4), 0.5)
    check_finite_state([FORMS[form](values)])
    values[0, 0] = math.nan
    with pytest.raises(
        NonFiniteError, match=r"^state must be finite, got state\[0\].* of shape \(.*\) with \d+ NaN of"
    ):
        check_finite_state([FORMS[form](values)])


@pytest.mark.parametrize(
    "item",
    [
        nn.Linear(1, 1),
        torch.Generator(),
        torch.zeros(1).untyped_storage(),
        iter([torch.zeros(1)]),
        {"a": 1}.values(),
        np.array([None, 1], dtype=object),
        np.zeros(2, [("a", "f4")]),
        nn.LazyLinear(1).weight,
    ],
    ids=lambda item: type(item).__name__,
)
def test_what_cannot_be_looked_into_is_refused_with_its_place(item: Any) -> None:
    with pytest.raises(ValueError, match=r"^state\['a'\]\[1\] must be a tensor"):
        check_finite_state({"a": [1, item]})


@pytest.mark.parametrize(
    "item", ["a", b"a", 1 + 1j, np.float32("nan"), np.arange(3), range(3), torch.Size([1]), torch.float32, Path()]
)
def test_what_holds_no_tensors_passes(item: Any) -> None:
    check_finite_state([item])


def test_a_state_that_holds_itself_or_is_too_deep_is_refused() -> None:
    circle: dict[str, Any] = {"a": torch.ones(1)}
    circle["self"] = circle
    twice: list[Any] = []
    twice += [twice, twice]
    deep: Any = torch.ones(1)
    for _ in range(100):
        deep = [deep]
    check_finite_state(deep)
    for state in (circle, twice, [deep]):
        with pytest.raises(
            ValueError, match="state must not be nested more than 100 levels deep, and must not hold itself"
        ):
            check_finite_state(state)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad])
def test_an_infinite_second_moment_is_found(optimizer: Any) -> None:
    """A stepper of one's own may let such a gradient through: the step looks harmless, and the weight never moves again."""
    critic = nn.Linear(2, 1)
    update = Update(optimizer(critic.parameters()), lambda x: {"loss": critic(x).sum()})
    update(torch.ones(1, 2))
    critic.weight.grad = torch.tensor([[1e25, 0.0]])
    update.optimizer.step()
    assert bool(critic.weight.isfinite().all())
    with pytest.raises(
        NonFiniteError, match=r"state\['optimizer'\]\['state'\]\[0\]\['\w+'\] of shape \(1, 2\) with 1 infinite of 2"
    ):
        check_finite_state(update.state_dict())


def test_nan_in_a_weight_average_is_found() -> None:
    network = nn.BatchNorm1d(2)
    average = WeightAverage(network)
    network(torch.full((3, 2), math.nan))  # the statistics, though no step was taken
    average.update()
    with pytest.raises(
        NonFiniteError, match=r"state\['network'\]\['running_mean'\] of shape \(2,\) with 2 NaN of 2 values"
    ):
        check_finite_state(average.state_dict())


def _train(folder: Path, kind: Any, bad: float, step: int, place: int) -> int:
    """Train with one bad gradient, and a checkpoint now and then; return the step at which it was found."""
    torch.manual_seed(step)
    critic = nn.Linear(5, 1)
    factor = torch.ones(())
    update = Update(
        kind(critic.named_parameters(), lr=1e-3),
        lambda x: {"loss": (critic(x) * factor).mean()},
        stepper=FiniteStepper(read_every=20),
    )
    x = torch.zeros(3, 5)
    x[:, place] = 1.0
    with Checkpoints(folder) as checkpoints:
        for now in range(100):
            factor.fill_(bad if now == step else 1.0)
            try:
                update(x)
                if now % 7 == 6:
                    checkpoints.save(now, {"update": update.state_dict(), "critic": network_state(critic)})
            except NonFiniteError:
                return now
    return -1


@pytest.mark.parametrize("bad", [1e25, -1e25, math.nan, math.inf])
@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad])
def test_every_bad_gradient_is_found_and_no_checkpoint_is_poisoned(tmp_path: Path, kind: Any, bad: float) -> None:
    for seed in range(20):
        step, place = (7 * seed + 3) % 60 + 7, seed % 5
        found = _train(tmp_path / str(seed), kind, bad, step, place)
        assert step <= found <= step + (7 if math.isfinite(bad) else 0)
        loaded = Checkpoints(tmp_path / str(seed)).load_latest()
        assert loaded is not None
        assert loaded[0] < step
        check_finite_state(loaded[1])


def test_moments_are_looked_at_though_nothing_is_saved() -> None:
    critic, shared = nn.Linear(2, 1), FiniteStepper(read_every=5)
    factor = torch.ones(())
    optimizer = torch.optim.Adam(critic.named_parameters(), lr=1e-3)
    update = Update(optimizer, lambda x: {"loss": (critic(x) * factor).mean()}, stepper=shared)
    other = nn.Linear(2, 1)
    another = Update(torch.optim.SGD(other.parameters()), lambda x: {"loss": other(x).mean()}, stepper=shared)
    x = torch.tensor([[1.0, 0.0]])
    update(x)
    factor.fill_(1e25)
    update(x)
    factor.fill_(1.0)
    for _ in range(2):
        update(x)
        another(x)
    weight = critic.weight.clone()
    with pytest.raises(
        NonFiniteError, match=r"got 'exp_avg_sq' of 'weight' of shape \(1, 2\) with 1 infinite of 2 values, 'exp"
    ) as caught:
        update(x)
    assert "go back to an earlier checkpoint" in str(caught.value)
    assert torch.equal(critic.weight, weight)
    for _ in range(20):
        another(x)


def test_moments_under_a_scale_are_looked_at_too() -> None:
    critic = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(critic.parameters())
    update = Update(optimizer, lambda x: {"loss": critic(x).mean()}, stepper=ScaledStepper("cpu", read_every=3))
    x = torch.ones(1, 2)
    update(x)
    optimizer.state[critic.weight]["exp_avg_sq"].fill_(math.inf)
    update(x)
    with pytest.raises(
        NonFiniteError, match=r"'exp_avg_sq' of 'a parameter' of shape \(1, 2\) with 2 infinite of 2 values"
    ):
        update(x)
