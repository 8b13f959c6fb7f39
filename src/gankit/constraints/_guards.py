"""The call of a critic that a penalty differentiates twice: audited once for each critic, almost free afterwards."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from gankit._core import Scores
from gankit.constraints._critic_audit import audited
from gankit.constraints._graph_guard import nearest_parameter, node_names, refuse_single_graph
from gankit.constraints._points import PointCritic, PointsT, parts_of
from gankit.constraints._reachable_modules import reachable_modules

_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class _Verdict:
    """That a critic passed its audit, and whether it attends; the references forget it with its modules."""

    attends: bool
    modules: tuple[weakref.ref[nn.Module], ...]


_verdicts: dict[tuple[object, ...], _Verdict] = {}
_seen_graphs: dict[tuple[int, str], weakref.ref[torch.Tensor]] = {}


def call_guarded(critic: PointCritic[PointsT], points: PointsT) -> Scores:
    """Call a critic whose scores are to be differentiated twice.

    Attention runs in torch's plain form, since the fused ones have one derivative only. The first eager call of each
    critic is audited; a critic is the same while its code and its modules are, in the same mode.

    Raises:
        ValueError: The critic is compiled by itself, or its graph can be differentiated once only.
    """
    if torch.compiler.is_compiling():
        with sdpa_kernel(SDPBackend.MATH):
            return critic(points)
    reach = reachable_modules(critic)
    key = reach.key()
    verdict = _verdicts.get(key)
    if verdict is None:
        return _first_call(critic, points, key, reach.modules)
    if verdict.attends:
        with sdpa_kernel(SDPBackend.MATH):
            return critic(points)
    return critic(points)


def check_scores_graph(scores: Scores, inputs: Sequence[torch.Tensor]) -> None:
    """Refuse scores whose graph can be differentiated once only; each critic's, told by a parameter, is looked at once.

    Raises:
        ValueError: Fused attention, or compiled code.
    """
    if torch.compiler.is_compiling() or scores.grad_fn is None:
        return
    parameter = nearest_parameter(scores.grad_fn, inputs)
    key = (id(parameter), scores.grad_fn.name())
    if key in _seen_graphs:
        return
    refuse_single_graph(node_names(scores, inputs))
    if parameter is not None:  # without one the graph is small, or of a frozen critic, and looked at each time
        _make_room(_seen_graphs)
        _seen_graphs[key] = weakref.ref(parameter, lambda _: _seen_graphs.pop(key, None))


def _first_call(
    critic: PointCritic[PointsT], points: PointsT, key: tuple[object, ...], modules: list[nn.Module]
) -> Scores:
    with sdpa_kernel(SDPBackend.MATH), audited(modules):
        scores = critic(points)
    names = node_names(scores, parts_of(points))
    refuse_single_graph(names)
    _make_room(_verdicts)
    # An identity may be used again when its owner is gone: the verdict goes first.
    references = tuple(weakref.ref(module, lambda _: _verdicts.pop(key, None)) for module in modules)
    _verdicts[key] = _Verdict(any("Softmax" in name for name in names), references)
    return scores


def _make_room(memory: dict[Any, Any]) -> None:
    if len(memory) >= _MOST_REMEMBERED:  # far above what one process trains; a bound on what made-up code may fill
        memory.clear()
