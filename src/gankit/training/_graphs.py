"""The graphs behind inputs and costs: inputs are cut from theirs, and those of costs are walked."""

import gc
import warnings
import weakref
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils import _pytree as pytree

from gankit._core import Scalar
from gankit.training._ranks import is_sharded


@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Inputs that carry a graph, such as a shared fake, cut so that the graph is walked once at the end.

    Args:
        inputs: The inputs with each such tensor replaced by a leaf.
        pairs: Each leaf and the tensor it replaces.
    """

    inputs: tuple[Any, ...]
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]

    @classmethod
    def of(cls, inputs: tuple[Any, ...]) -> "Cuts":
        """Cut tensors that require gradients, also inside tuples, lists and dicts."""
        pairs: list[tuple[torch.Tensor, torch.Tensor]] = []

        def cut(value: object) -> object:
            if not isinstance(value, torch.Tensor) or not value.requires_grad:
                return value
            pairs.append((value.detach().requires_grad_(), value))
            return pairs[-1][0]

        return cls(pytree.tree_map(cut, inputs), pairs)

    def send_back(self) -> None:
        """Go backward from each leaf's gradient into the graph of the tensor that it replaced."""
        send_back((tensor, leaf.grad) for leaf, tensor in self.pairs)


@dataclass(frozen=True, slots=True)
class Reached:
    """A leaf that costs reach.

    Args:
        leaf: The leaf, which may be gone when it is looked for.
        was_empty: Whether it had no gradient before the backward pass.
    """

    leaf: weakref.ref[torch.Tensor]
    was_empty: bool

    @classmethod
    def now(cls, leaf: torch.Tensor) -> "Reached":
        """Note the leaf before the backward pass."""
        return cls(weakref.ref(leaf), leaf.grad is None)


def tensors_in(inputs: object) -> list[torch.Tensor]:
    """Return all tensors of the inputs, also those inside tuples, lists and dicts."""
    return [leaf for leaf in pytree.tree_leaves(inputs) if isinstance(leaf, torch.Tensor)]


def tensors_within(value: object, depth: int = 4) -> Iterator[torch.Tensor]:
    """Yield all tensors in containers of any kind and in the attributes of objects; networks are not searched."""
    if isinstance(value, torch.Tensor):
        yield value
    elif depth > 0 and not isinstance(value, str | bytes | np.ndarray | nn.Module | type):
        yield from (tensor for part in _parts(value) for tensor in tensors_within(part, depth - 1))


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, Collection) and not isinstance(value, range):
        yield from value
    yield from getattr(value, "__dict__", {}).values()
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        yield from (getattr(value, name, None) for name in ((slots,) if isinstance(slots, str) else slots))


def memory_of(tensor: torch.Tensor) -> int:
    """Return a number that tensors share which share memory, as long as they exist."""
    if tensor.layout is not torch.strided or is_sharded(tensor):
        return id(tensor)
    return tensor.untyped_storage()._cdata  # noqa: SLF001 (tensors on meta have no address)


def send_back(pairs: Iterable[tuple[torch.Tensor, torch.Tensor | None]]) -> None:
    """Go backward from tensors with these gradients, into their graphs; pairs without a gradient are left alone."""
    reached = [(tensor, gradient) for tensor, gradient in pairs if gradient is not None]
    if reached:
        torch.autograd.backward([tensor for tensor, _ in reached], [gradient for _, gradient in reached])


def clear_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Drop the gradients of earlier calls."""
    for parameter in parameters:
        parameter.grad = None


def check_differentiable(total: Scalar, costs: Mapping[str, Scalar]) -> None:
    """Refuse a total without a graph, for which torch's own message names nothing; warn of single costs without one."""
    if not total.requires_grad:
        raise ValueError(
            f"terms must depend on a parameter of the optimizer, got {sorted(costs)} without a graph: is the network in "
            "`frozen`, or called under torch.no_grad()?"
        )
    constant = sorted(name for name, cost in costs.items() if not cost.requires_grad)
    if constant:
        warnings.warn(
            f"the costs {constant} have no gradient, so they train nothing: were they computed under torch.no_grad(), or are "
            "they values to log? Return those as readings: (costs, readings)",
            stacklevel=2,
        )


def refuse_dropped(total: Scalar) -> None:
    """Refuse a second derivative of compiled code: ``torch.autograd.grad`` drops it silently if all weights are parametrized.

    Raises:
        ValueError: The graph has such a part.
    """
    if any(node.name() == "CompiledFunctionBackwardBackward" for node in _nodes([total])):
        raise ValueError(
            "terms must not differentiate a module twice that is compiled by itself: torch has no second derivative of "
            "compiled code. Give the penalty the uncompiled module, and compile the whole step by gradients=Compiled()"
        )


def check_reach(
    costs: Mapping[str, Scalar], parameters: Sequence[nn.Parameter], cuts: Cuts | None = None
) -> list[Reached]:
    """Refuse costs that would leave gradients in parameters of another network, or none in the optimizer's own.

    Args:
        costs: Costs with their graphs.
        parameters: What the optimizer holds.
        cuts: Inputs that were cut; the walk goes on in the graphs of those that the costs reach.

    Returns:
        Leaves that are neither parameters nor the optimizer's, for `refuse_filled`: most are points of a penalty.

    Raises:
        ValueError: A parameter is reached that the optimizer does not hold, or none is reached.
    """
    if any(is_sharded(parameter) for parameter in parameters):
        return []  # sharded parameters are gathered into other tensors before the forward pass: the graph ends in those
    own = {id(parameter) for parameter in parameters}
    reached = list(reached_leaves(costs, {} if cuts is None else {id(leaf): tensor for leaf, tensor in cuts.pairs}))
    others = [leaf for leaf in reached if id(leaf) not in own]
    foreign = [leaf for leaf in others if isinstance(leaf, nn.Parameter)]
    if foreign:
        shapes = ", ".join(str(tuple(parameter.shape)) for parameter in foreign[:3])
        raise ValueError(
            f"terms must reach only parameters of the optimizer, got gradients for {len(foreign)} others (shapes {shapes}"
            f"{', ...' if len(foreign) > 3 else ''}): name their network in `frozen`, or draw the fake samples under "
            "torch.no_grad() or detach them"
        )
    if not any(id(leaf) in own for leaf in reached):
        raise ValueError(
            f"terms must depend on a parameter of the optimizer, got {sorted(costs)} without any: is the network in "
            "`frozen`, or called under torch.no_grad(), or does the optimizer hold the parameters of another one?"
        )
    return [Reached.now(leaf) for leaf in others if leaf.is_leaf]


def are_few(reached: Iterable[Reached]) -> bool:
    """Say whether leaves hold so few numbers that a backward pass takes longer to leave them out than to fill them."""
    leaves = (each.leaf() for each in reached)
    return sum(leaf.numel() for leaf in leaves if leaf is not None) < 4096


def refuse_filled(reached: Iterable[Reached], inputs: tuple[Any, ...]) -> None:
    """Refuse leaves that somebody holds, and that no optimizer clears: their gradients would add up from call to call.

    Points of a penalty are gone by now, together with the graph. A sample of the inputs that was made a point is a copy of data
    and may keep its gradient.

    Raises:
        ValueError: Such a leaf has a gradient; a gradient that was not there before is removed again.
    """
    waiting = [each for each in reached if _is_filled(each)]
    if not waiting:
        return
    gc.collect()  # what is in a cycle of references is held by nobody
    allowed = {id(tensor) for tensor in tensors_within(inputs)}
    filled = [leaf for each in waiting if (leaf := each.leaf()) is not None and id(leaf) not in allowed]
    if not filled:
        return
    for each in waiting:
        if (leaf := each.leaf()) is not None and each.was_empty:
            leaf.grad = None
    shapes = ", ".join(str(tuple(leaf.shape)) for leaf in filled[:3])
    raise ValueError(
        f"terms must reach only parameters of the optimizer, got gradients for {len(filled)} tensors that require gradients "
        f"(shapes {shapes}{', ...' if len(filled) > 3 else ''}): give them to the optimizer, or detach them in the terms"
    )


def _is_filled(reached: Reached) -> bool:
    leaf = reached.leaf()
    return leaf is not None and leaf.grad is not None


def reached_leaves(costs: Mapping[str, Scalar], replaced: Mapping[int, torch.Tensor]) -> Iterator[torch.Tensor]:
    """Yield all leaves that the costs reach, and costs that may be leaves; `replaced` is what cut leaves stand for, by id."""
    yield from (cost for cost in costs.values() if cost.requires_grad)  # a parameter may be a cost itself

    def beyond(node: Any) -> Any:
        tensor = getattr(node, "variable", None)
        while id(tensor) in replaced:  # a part of a batch may be cut twice
            tensor = replaced[id(tensor)]
        return getattr(tensor, "grad_fn", None)

    for node in _nodes(costs.values(), beyond):
        variable = getattr(node, "variable", None)
        if variable is not None and id(variable) not in replaced:
            yield variable


def _nodes(values: Iterable[torch.Tensor], beyond: Callable[[Any], Any] = lambda _: None) -> Iterator[Any]:
    """Yield all nodes of the graphs of values; `beyond` says where the graph of a node goes on that ends there for torch."""
    waiting: list[Any] = [value.grad_fn for value in values if value.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        yield node
        for function in (*(following for following, _ in node.next_functions), beyond(node)):
            if function is not None and function not in seen:
                seen.add(function)
                waiting.append(function)
