"""Which parameters the terms of an update reach, read off their graphs."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from gankit._core import Scalar
from gankit.training._sharded import is_sharded


def check_reach(terms: Mapping[str, Scalar], parameters: Sequence[nn.Parameter]) -> None:
    """Refuse terms that would leave gradients in parameters of another network, or none in the optimizer's own."""
    if any(is_sharded(parameter) for parameter in parameters):
        return  # sharded parameters are gathered into other tensors before the forward pass: the graph ends in those
    own = {id(parameter) for parameter in parameters}
    reached = _reached(terms)
    foreign = [parameter for parameter in reached if id(parameter) not in own]
    if foreign:
        shapes = ", ".join(str(tuple(parameter.shape)) for parameter in foreign[:3])
        raise ValueError(
            f"terms must reach only parameters of the optimizer, got gradients for {len(foreign)} others (shapes {shapes}"
            f"{', ...' if len(foreign) > 3 else ''}): name their network in `frozen`, or draw the fake samples under "
            "torch.no_grad() or detach them"
        )
    if not reached:
        raise ValueError(
            f"terms must depend on a parameter of the optimizer, got {sorted(terms)} without any: is the network in "
            "`frozen`, or called under torch.no_grad()?"
        )


def _reached(terms: Mapping[str, Scalar]) -> list[nn.Parameter]:
    reached: dict[int, nn.Parameter] = {}
    waiting: list[Any] = [term.grad_fn for term in terms.values() if term.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        variable = getattr(node, "variable", None)
        # Leaves that are no parameters are points of a penalty; their gradients go away with the graph.
        if isinstance(variable, nn.Parameter):
            reached[id(variable)] = variable
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
    return list(reached.values())
