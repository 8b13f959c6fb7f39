"""The call of a critic that a penalty differentiates twice, and the graph that it leaves behind."""

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gankit._core import Scores
from gankit.constraints._audit._hooks import audited, compiled_message
from gankit.constraints._audit._reach import identity, reachable_modules
from gankit.constraints._points import PointCritic, PointsT, note_on_conditions, parts_of

_MOST_REMEMBERED = 4096
_FUSED = ("scaleddotproduct", "flashatt", "efficientattention", "cudnnattention", "flexattention")
_COMPILED = "CompiledFunctionBackward"


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A critic that passed its audit, and whether it uses attention; the references remove it together with its modules."""

    attends: bool
    modules: tuple[weakref.ref[nn.Module], ...]


_verdicts: dict[tuple[object, ...], _Verdict] = {}
_seen_graphs: dict[tuple[int, str], weakref.ref[torch.Tensor]] = {}


def call_audited(critic: PointCritic[PointsT], points: PointsT) -> Scores:
    """Call a critic whose scores are differentiated twice.

    Attention runs in torch's plain form, since the fused forms have no second derivative. The first eager call of each
    critic is audited. Two critics are the same if they have the same code and the same modules, in the same mode.

    Raises:
        ValueError: The critic is compiled by itself, or its graph can be differentiated only once.
    """
    if torch.compiler.is_compiling():
        with sdpa_kernel(SDPBackend.MATH):
            return critic(points)
    key = identity(critic)
    verdict = _verdicts.get(key)
    if verdict is None:
        return _first_call(critic, points, key)
    if verdict.attends:
        with sdpa_kernel(SDPBackend.MATH):
            return critic(points)
    return critic(points)


def check_scores_graph(scores: Scores, inputs: Sequence[torch.Tensor]) -> None:
    """Refuse scores whose graph can be differentiated only once; each critic, known by one parameter, is checked once.

    Raises:
        ValueError: The graph has fused attention or compiled code in it.
    """
    if torch.compiler.is_compiling() or scores.grad_fn is None:
        return
    parameter = nearest_parameter(scores.grad_fn, inputs)
    key = (id(parameter), scores.grad_fn.name())
    if key in _seen_graphs:
        return
    _refuse_single_graph(node_names(scores, inputs))
    if parameter is not None:  # without one the graph is small, or the critic is frozen: it is checked each time
        _make_room(_seen_graphs)
        _seen_graphs[key] = weakref.ref(parameter, lambda _: _seen_graphs.pop(key, None))


def in_place_message(critic: object) -> str:
    """Say why a critic that changes its input in place, as torch has just refused, cannot be penalized, and what to do."""
    layers = [
        f"the layer {name!r}, {part!r}"
        for module in reachable_modules(critic).modules
        for name, part in module.named_modules()
        if getattr(part, "inplace", False) is True
    ]
    return (
        "critic must not change its input in place under a penalty, which differentiates by this input, got an operation in "
        f"place{f', probably by {layers[0]}: build it' if layers else ': build activations'} with inplace=False, and write "
        "x = x + 1 in place of x += 1, or begin with x = x.clone()"
    )


def node_names(scores: object, inputs: Sequence[torch.Tensor]) -> set[str]:
    """Return the names of all nodes between scores and inputs; the graph that made the inputs is left out."""
    if not isinstance(scores, torch.Tensor) or scores.grad_fn is None:
        return set()
    return {node.name() for node in _nodes(scores.grad_fn, inputs)}


def nearest_parameter(node: Any, inputs: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """Return the first parameter on the way back from the node to the inputs, which identifies the critic."""
    for found in _nodes(node, inputs):
        variable = getattr(found, "variable", None)
        if variable is not None and not any(variable is part for part in inputs):
            return variable
    return None


def _first_call(critic: PointCritic[PointsT], points: PointsT, key: tuple[object, ...]) -> Scores:
    modules = reachable_modules(critic).modules
    with sdpa_kernel(SDPBackend.MATH), audited(modules):
        try:
            scores = critic(points)
        except TypeError as error:
            note_on_conditions(error)
            raise
    names = node_names(scores, parts_of(points))
    _refuse_single_graph(names)
    _make_room(_verdicts)
    # Python may give an id to a new object when its owner is gone, so the verdict is removed with the module.
    references = tuple(weakref.ref(module, lambda _: _verdicts.pop(key, None)) for module in modules)
    _verdicts[key] = _Verdict(any("Softmax" in name for name in names), references)
    return scores


def _refuse_single_graph(names: set[str]) -> None:
    for name in sorted(names):
        if name == _COMPILED:
            raise ValueError(compiled_message("scores out of compiled code"))
        if name.lower().startswith(_FUSED):
            raise ValueError(
                f"scores must have a graph that can be differentiated twice, got fused attention ({name}): run the critic "
                "under torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)"
            )


def _nodes(root: Any, inputs: Sequence[torch.Tensor]) -> Iterator[Any]:
    seen = {part.grad_fn for part in inputs}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node
        waiting.extend(following for following, _ in node.next_functions)


def _make_room(memory: dict[Any, Any]) -> None:
    if len(memory) >= _MOST_REMEMBERED:  # far more critics than one process trains; a bound for generated code
        memory.clear()
