"""Modules work where their inputs are: on meta without reading a value, in a traced graph, whatever the defaults are."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from embedders.published import write_model
from networks import cases
from support.contract.blocks import BLOCKS
from support.contract.embedders import EMBEDDERS
from support.contract.networks import NETWORKS
from support.contract.row import Row
from support.defaults import default_dtype
from support.host_reads import HostReads
from torch import nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing import assert_close
from torch.utils._pytree import tree_leaves

from gankit import blocks, embedders, networks

Case = tuple[Callable[[], nn.Module], Callable[[Any, list[torch.Tensor]], Any], list[torch.Tensor]]
IDS = torch.tensor([[2, 0], [1, 1], [0, 0]])
LABELS: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "LabelEmbedder": (lambda: embedders.LabelEmbedder(cases.CLASSES, 5), IDS),
    "MultipliedLabelEmbedder": (lambda: embedders.MultipliedLabelEmbedder(cases.CLASSES, 5), IDS),
    "OneHotEmbedder": (lambda: embedders.OneHotEmbedder(cases.CLASSES), IDS),
    "MultiHotEmbedder": (lambda: embedders.MultiHotEmbedder(3), torch.eye(3) > 0),
}
DRAWN: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "AlwaysOnDropout": (blocks.AlwaysOnDropout, torch.ones(3, 5)),
    "NoiseInjection": (lambda: blocks.NoiseInjection(5), torch.ones(3, 5, 2, 2)),
    "ConditioningAugmentation": (lambda: embedders.ConditioningAugmentation(5, 2), torch.ones(3, 5)),
}
READS_TEXTS = {"SkipThoughts", "VectorTable"}  # they take texts, which are not on any device


def _of_row(row: Row) -> Case:
    assert row.inputs is not None
    named = row.inputs(torch.float32)

    def call(module: nn.Module, values: list[torch.Tensor]) -> torch.Tensor:
        assert row.call is not None
        return row.call(module, dict(zip(named, values, strict=True)))

    return row.make, call, list(named.values())


def _plain(make: Callable[[], nn.Module], *inputs: torch.Tensor) -> Case:
    return make, lambda module, values: module(*values), [_narrow(value) for value in inputs]


def _narrow(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() else value


ROWS = {name: row for name, row in {**BLOCKS, **EMBEDDERS, **NETWORKS}.items() if row.call is not None}
FIXED: dict[str, Case] = {
    **{name: _of_row(row) for name, row in ROWS.items()},
    **{name: _plain(*case) for name, case in LABELS.items()},
    **{name: _plain(make, *cases.inputs_of(name)) for name, make in cases.ALL.items()},
}
CASES: dict[str, Case] = {**FIXED, **{f"{name}, drawn": _plain(*case) for name, case in DRAWN.items()}}
every_case = pytest.mark.parametrize("name", CASES)
every_fixed_case = pytest.mark.parametrize("name", FIXED)


def floats(values: Any) -> list[torch.Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, torch.Tensor) and value.is_floating_point()]


def total(result: Any) -> torch.Tensor:
    """A sum that sees every number of the result."""
    return torch.stack([value.square().sum() for value in floats(result)]).sum()


@every_case
def test_forward_and_backward_on_meta(name: str) -> None:
    make, call, inputs = CASES[name]
    module = make()
    if isinstance(module, nn.Module):
        module.to("meta")
    values = [value.to("meta").requires_grad_(value.is_floating_point()) for value in inputs]
    with HostReads() as reads:
        result = call(module, values)
        if total(result).requires_grad:
            total(result).backward()
    assert reads.total == 0
    leaves = [*floats(values), *(module.parameters() if isinstance(module, nn.Module) else [])]
    assert all(leaf.grad is None or leaf.grad.device.type == "meta" for leaf in leaves)
    assert {value.device.type for value in floats(result)} == {"meta"}
    assert not leaves or any(leaf.grad is not None for leaf in leaves)


@pytest.mark.parametrize("name", [name for name in FIXED if name != "ConditionDistribution"])  # which is no module
def test_a_traced_step_reads_no_value_and_equals_eager(name: str) -> None:
    make, call, inputs = FIXED[name]
    module = make()
    learned = [key for key, _ in module.named_parameters()]

    def step(state: dict[str, torch.Tensor], values: list[torch.Tensor]) -> list[torch.Tensor]:
        leaves = {key: value.detach().requires_grad_(key in learned) for key, value in state.items()}
        values = [value.detach().requires_grad_(value.is_floating_point()) for value in values]
        result = call(lambda *given, **named: functional_call(module, leaves, given, named), values)
        if not (summed := total(result)).requires_grad:
            return floats(result)
        wanted = [leaf for leaf in (*leaves.values(), *values) if leaf.requires_grad]
        gradients = torch.autograd.grad(summed, wanted, allow_unused=True, materialize_grads=True)
        return [*floats(result), *gradients]

    def state() -> dict[str, torch.Tensor]:
        return {key: value.detach().clone() for key, value in module.state_dict().items()}

    # Among fake tensors a value that is read on the host is an error, not a constant of the graph.
    graph = make_fx(step, tracing_mode="fake")(state(), inputs)
    others = [value.flip(0) for value in inputs]
    assert_close(graph(state(), others), step(state(), others), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_is_traced_with_any_batch_size(name: str) -> None:
    make, inputs = DRAWN[name]
    module = make()
    graph = make_fx(module, tracing_mode="symbolic", _allow_non_fake_inputs=True)(inputs)
    larger = torch.cat([inputs, inputs])
    assert graph(larger).shape == module(larger).shape


@every_fixed_case
def test_defaults_of_the_process_have_no_say(name: str) -> None:
    make, call, inputs = FIXED[name]
    module = make()
    if isinstance(module, nn.Module):
        module.eval()
    wanted = call(module, inputs)
    with default_dtype(torch.float64), torch.device("meta"):
        result = call(module, inputs)
    assert_close(floats(result), floats(wanted), rtol=0, atol=0)


@every_case
def test_what_is_built_on_meta_has_nothing_elsewhere(name: str) -> None:
    with torch.device("meta"):
        module = CASES[name][0]()
    if isinstance(module, nn.Module):
        assert {value.device.type for value in (*module.parameters(), *module.buffers())} <= {"meta"}


def test_encoders_of_texts_give_vectors_on_their_own_device(tmp_path: Path) -> None:
    write_model(tmp_path)
    table = embedders.VectorTable(["blue hair", "red hair"], torch.eye(2))
    for encoder in (table, embedders.SkipThoughts(tmp_path)):
        assert encoder.to("meta")(["blue hair", "red hair"]).device.type == "meta"


def test_every_public_module_is_in_the_table() -> None:
    public = {
        name
        for folder in (blocks, embedders, networks)
        for name, value in vars(folder).items()
        if inspect.isclass(value) and issubclass(value, nn.Module)
    }
    assert public - READS_TEXTS <= set(CASES)


def test_a_value_read_in_a_trace_would_be_seen() -> None:
    with pytest.raises(Exception, match=r"(?i)data.dependent|item|scalar"):
        make_fx(lambda x: x * float(x.sum()), tracing_mode="fake")(torch.ones(3))
