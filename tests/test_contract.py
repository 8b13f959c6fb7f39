"""One contract over every public name; the table in `support.contract` says what applies to which."""

import copy
import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

import pytest
import torch
from support.contract import TABLE, Row
from support.critics import smooth_network
from support.defaults import default_dtype

import gankit

NAMESPACES = [name for name, value in vars(gankit).items() if inspect.ismodule(value) and not name.startswith("_")]
ROWS = {f"{space}.{name}": row for space, rows in TABLE.items() for name, row in rows.items()}
CALLED = {name: row for name, row in ROWS.items() if row.call is not None}

every_name = pytest.mark.parametrize("name", ROWS)
every_call = pytest.mark.parametrize("name", CALLED)


def _public(namespace: str) -> set[str]:
    module = getattr(gankit, namespace)
    return {name for name, value in vars(module).items() if not name.startswith("_") and not inspect.ismodule(value)}


def _component(row: Row, dtype: torch.dtype) -> object:
    """The component of a row; a module in evaluation mode and in the dtype of its inputs."""
    component = row.make()
    return component.to(dtype).eval() if isinstance(component, torch.nn.Module) else component


def _call(row: Row, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    assert row.call is not None
    return row.call(_component(row, next(iter(inputs.values())).dtype), inputs)


def _inputs(row: Row, dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    assert row.inputs is not None
    return row.inputs(dtype)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_public_name_has_a_row(namespace: str) -> None:
    assert set(TABLE.get(namespace, {})) == _public(namespace), (
        f"give each public name a row in tests/support/contract/{namespace}.py, and no row to other names"
    )


@every_name
def test_every_public_name_is_documented(name: str) -> None:
    namespace, own = name.split(".")
    value = getattr(getattr(gankit, namespace), own)
    if not inspect.isclass(value) and not inspect.isfunction(value):
        return  # an alias of a type is documented beside its definition
    text = inspect.getdoc(value)
    assert text
    if getattr(value, "_is_protocol", False) or (inspect.isclass(value) and issubclass(value, Exception)):
        return
    assert ">>>" in text, f"{name} shows no example"
    if inspect.isclass(value) and "__init__" not in vars(value):
        return  # the signature is a base class's
    for parameter in inspect.signature(value).parameters.values():
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD, f"{name} takes **{parameter.name}"


@every_name
def test_names_print_pickle_and_copy(name: str) -> None:
    component = ROWS[name].make()
    if not inspect.isfunction(component):
        assert not re.search(r"0x[0-9a-f]{6,}", repr(component)), "a repr with an address differs from run to run"
    if inspect.isfunction(component) or inspect.isclass(component):
        assert pickle.loads(pickle.dumps(component)) is component
        return
    for again in (copy.deepcopy(component), pickle.loads(pickle.dumps(component))):
        assert repr(again) == repr(component)


@every_call
def test_float64_stays_float64_and_float32_agrees(name: str) -> None:
    row = CALLED[name]
    wide, narrow = _call(row, _inputs(row)), _call(row, _inputs(row, torch.float32))
    assert wide.dtype == torch.float64
    assert narrow.dtype == torch.float32
    narrow_inputs = {key: value.double() for key, value in _inputs(row, torch.float32).items()}
    torch.testing.assert_close(narrow.double(), _call(row, narrow_inputs), rtol=1e-4, atol=1e-5)


@every_call
def test_the_order_of_samples(name: str) -> None:
    row = CALLED[name]
    if row.permutes is None:
        pytest.skip("samples are coupled by design")
    inputs = _inputs(row)
    plain = _call(row, inputs)
    order = torch.tensor([2, 0, 1, 4, 3, *range(5, next(iter(inputs.values())).shape[0])])
    permuted = _call(row, {key: value[order] for key, value in inputs.items()})
    torch.testing.assert_close(permuted, plain if row.permutes == "same" else plain[order], rtol=1e-9, atol=1e-9)


@every_call
def test_inputs_and_the_global_random_state_stay(name: str) -> None:
    row = CALLED[name]
    assert row.call is not None
    inputs = _inputs(row)
    before = {key: (value.clone(), value._version) for key, value in inputs.items()}
    component = _component(row, torch.float64)
    state = torch.get_rng_state()
    row.call(component, inputs)
    if not name.startswith("constraints."):  # those rows build a seeded critic inside the call
        assert torch.equal(state, torch.get_rng_state())
    for key, (value, version) in before.items():
        assert torch.equal(inputs[key], value), f"{key} was changed"
        assert inputs[key]._version == version
        assert inputs[key].grad is None


@contextmanager
def _deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "float64": lambda: default_dtype(torch.float64),
    "float16": lambda: default_dtype(torch.float16),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "device": lambda: torch.device("meta"),
    "deterministic": _deterministic,
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
    "no gradients": lambda: torch.autograd.set_grad_enabled(False),
}


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@every_call
def test_settings_of_the_process_change_neither_values_nor_dtype_nor_device(name: str) -> None:
    row = CALLED[name]
    inputs, component = _inputs(row, torch.float32), _component(row, torch.float32)
    network = smooth_network(3).float()
    kept = copy.deepcopy(component)

    def run(own: object) -> torch.Tensor:
        torch.manual_seed(3)
        assert row.call is not None
        return row.call(own, inputs) if row.penalty is None else row.penalty(own, network, inputs)

    expected = run(component)
    for setting, context in SETTINGS.items():
        own = copy.deepcopy(kept)
        with context():
            found = run(own)
        assert found.dtype == expected.dtype, setting
        assert found.device == expected.device, setting
        assert torch.equal(found.nan_to_num(), expected.nan_to_num()), setting


@every_call
def test_an_empty_batch_is_refused_by_name(name: str) -> None:
    row = CALLED[name]
    for key in row.batched:
        inputs = _inputs(row) | {key: _inputs(row)[key][:0]}
        with pytest.raises(ValueError, match=key):
            _call(row, inputs)


@every_call
def test_compiled_equals_eager(name: str) -> None:
    row = CALLED[name]
    if not row.compiles:
        pytest.skip("no tensor code to compile")
    component, inputs = _component(row, torch.float64), _inputs(row)
    torch.compiler.reset()
    if row.penalty is not None:
        _compare_value_and_backward(row, component, inputs)
        return

    def run(values: dict[str, torch.Tensor]) -> torch.Tensor:
        assert row.call is not None
        return row.call(component, values)

    compiled = torch.compile(run, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(inputs), run(inputs), rtol=1e-9, atol=1e-12)


def _compare_value_and_backward(row: Row, component: object, inputs: dict[str, torch.Tensor]) -> None:
    """A penalty compiles together with the backward pass that runs through it, in one graph."""
    network = smooth_network(3)
    parameters = list(network.parameters())

    def step(values: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        assert row.penalty is not None
        value = row.penalty(component, network, values).mean()
        gradients = torch.autograd.grad(value, parameters, allow_unused=True, materialize_grads=True)
        return value.detach(), *gradients

    # Dynamo's tracing of autograd operations is a global flag: it is on around this call and no longer.
    with mock.patch.object(torch._dynamo.config, "trace_autograd_ops", True):
        compiled = torch.compile(step, backend="aot_eager", fullgraph=True)(inputs)
    torch.testing.assert_close(compiled, step(inputs), rtol=1e-9, atol=1e-12)
