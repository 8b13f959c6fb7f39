"""What a graph shows: nodes that cannot be differentiated twice."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from gankit.constraints._critic_audit import compiled_message

_FUSED = ("scaleddotproduct", "flashatt", "efficientattention", "cudnnattention", "flexattention")
_COMPILED = "CompiledFunctionBackward"


def refuse_single_graph(names: set[str]) -> None:
    """Refuse a graph, given as the names of its nodes, that can be differentiated once only.

    Raises:
        ValueError: Fused attention, or compiled code.
    """
    for name in sorted(names):
        if name == _COMPILED:
            raise ValueError(compiled_message("scores out of compiled code"))
        if name.lower().startswith(_FUSED):
            raise ValueError(
                f"scores must have a graph that can be differentiated twice, got fused attention ({name}): run the critic "
                "under torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH)"
            )


def node_names(scores: object, inputs: Sequence[torch.Tensor]) -> set[str]:
    """Names of all nodes between scores and inputs; what made the inputs is not looked at."""
    if not isinstance(scores, torch.Tensor) or scores.grad_fn is None:
        return set()
    return {node.name() for node in _nodes(scores.grad_fn, inputs)}


def nearest_parameter(node: Any, inputs: Sequence[torch.Tensor]) -> torch.Tensor | None:
    """The first parameter found on the way back from the node to the inputs: it tells one critic from another."""
    for found in _nodes(node, inputs):
        variable = getattr(found, "variable", None)
        if variable is not None and not any(variable is part for part in inputs):
            return variable
    return None


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
