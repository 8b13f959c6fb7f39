"""One update of one network."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from torch import nn
from torch.optim import Optimizer

from gankit._core import Scalar, check_at_least, check_version, world_size
from gankit.training._gradients import Eager, Gradients
from gankit.training._loss import Cuts, Loss, NamedScalars, Terms, check_reach
from gankit.training._ranks import (
    audited_forwards,
    check_equal_gradients,
    check_wrapper,
    gathered_for_penalties,
    is_sharded,
)
from gankit.training._saving import bare, held, load_optimizer_state, optimizer_state, plain_name
from gankit.training._stepper import FiniteStepper, Stepper

VERSION = 2
"""Version 1 had no stepper."""


class Update:
    """The terms, their gradient, one step, then the constraint.

    Call it with the inputs of `terms`; it returns costs and readings in one dict, detached, and reads nothing back from a
    CUDA device. Gradients of other networks stay as they are: at the first call, and whenever the terms have new names, the
    graph of the terms is walked, and parameters that the optimizer does not hold are refused.

    Three parts do the work, and each can be replaced: a `Loss` says what is differentiated, `gradients` how, and `stepper`
    how the gradient becomes a step. By default a cost or gradient that is NaN or infinite never reaches the weights, see
    `FiniteStepper`.

    With several ranks the first call is audited: every forward pass goes through `network`, and the gradients are equal on
    all ranks. A network that FSDP2 shards keeps its gathered weights until the update ends, so that penalties can go backward
    twice; its graph is not walked.

    Args:
        optimizer: Holds the parameters to update.
        terms: The inputs in, named 0-d costs out, or ``(costs, readings)``. Weights of costs are multiplied in there.
        network: The wrapper that the terms call (``DistributedDataParallel``), or the network that ``fully_shard`` was
            applied to; required with several ranks.
        frozen: Networks whose parameters get no gradient in this update, such as the critic in the generator's. Their
            ``requires_grad`` is restored after each call, also after an exception.
        constraint: Called without arguments after each step, such as a weight clip.
        gradients: How gradients are computed. Default: `Eager()`.
        stepper: How a gradient becomes a step. Default: `FiniteStepper()`. An update has its own, unless updates are to
            share one.

    Attributes:
        loss: What is differentiated, as a `Loss`.
        optimizer: The optimizer.
        updates: Number of updates so far.

    Raises:
        ValueError: A network is frozen whose parameters the optimizer holds, or an argument is of another kind; or, at a call,
            the terms are not named 0-d tensors, or reach parameters of another network, or none of the optimizer's; or the
            audit fails.
        NonFiniteError: At a call, from `FiniteStepper`: a cost or a gradient is NaN or infinite.

    Example:
        >>> import torch
        >>> from gankit.training import Update
        >>> critic = torch.nn.Linear(1, 1, bias=False)
        >>> optimizer = torch.optim.SGD(critic.parameters(), lr=1.0)
        >>> update = Update(optimizer, lambda x, y: {"loss": (critic(x) * y).mean()})
        >>> logged = update(torch.tensor([[2.0]]), torch.tensor([[3.0]]))
        >>> list(logged), critic.weight.grad
        (['loss'], tensor([[6.]]))
    """

    def __init__(
        self,
        optimizer: Optimizer,
        terms: Terms,
        *,
        network: nn.Module | None = None,
        frozen: Iterable[nn.Module] = (),
        constraint: Callable[[], object] | None = None,
        gradients: Gradients | None = None,
        stepper: Stepper | None = None,
    ) -> None:
        _check_callables(terms=terms, constraint=constraint, gradients=gradients, stepper=stepper)
        if network is None and any(is_sharded(parameter) for parameter in held(optimizer)):
            raise ValueError("network must be given where FSDP2 shards it: pass what fully_shard was applied to")
        self.optimizer = optimizer
        self.updates = 0
        self._constraint = constraint
        self._gradients = Eager() if gradients is None else gradients
        self._stepper = FiniteStepper() if stepper is None else stepper
        frozen = _checked_networks(frozen, held(optimizer))
        self._frozen = list(dict.fromkeys(parameter for network in frozen for parameter in network.parameters()))
        self._networks = frozen if network is None else [network, *frozen]
        named = () if network is None else bare(network).named_parameters()
        self._names = {id(parameter): plain_name(name) for name, parameter in named}
        self._checked: set[tuple[str, ...]] = set()
        self._audited = False
        self._layouts_checked = False
        self.loss = Loss(terms, held(optimizer), network, self._stepper.scale, self._check_once)
        self._groups = len(optimizer.param_groups)

    def __call__(self, *inputs: Any) -> dict[str, Scalar]:
        """Update the network once and return its costs and readings, detached."""
        if len(self.optimizer.param_groups) != self._groups:
            self.loss = Loss(self.loss.terms, held(self.optimizer), self.loss.network, self.loss.scale, self.loss.check)
            self._groups = len(self.optimizer.param_groups)
        with self._surroundings():
            values = self._gradients(self.loss, inputs)
        if not self._layouts_checked:
            _check_layouts(self.optimizer)
            self._layouts_checked = True
        self._stepper(self.optimizer, values.costs, self._names)
        if self._constraint is not None:
            self._constraint()
        self.updates += 1
        return values.together()

    def state_dict(self) -> dict[str, Any]:
        """Return the states of optimizer and stepper and the number of updates, as tensors and plain values.

        Under FSDP2 every rank must call it: pieces are gathered.
        """
        state = optimizer_state(self.optimizer, self._names)
        return {
            "version": VERSION,
            "updates": self.updates,
            "optimizer": state,
            "stepper": self._stepper.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a copy of a state that `state_dict` returned.

        Raises:
            ValueError: The state is of an unknown version, or belongs to an optimizer with other parameters.
        """
        state = checked_state(state)
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.load_without_optimizer(state)

    def load_without_optimizer(self, state: Mapping[str, Any]) -> None:
        """Restore all of a state but the optimizer, which another update restores where they share one."""
        self._stepper.load_state_dict(state["stepper"])
        self.updates = state["updates"]

    def _check_once(self, costs: NamedScalars, cuts: Cuts | None) -> None:
        names = tuple(costs)
        if names not in self._checked:
            check_reach(costs, self.loss.parameters, cuts)
            self._checked.add(names)

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Freeze, keep what FSDP2 gathers, and audit the first call of several ranks; undo all of it afterwards."""
        audit = not self._audited and world_size() > 1
        switched = [parameter for parameter in self._frozen if parameter.requires_grad]
        try:
            for parameter in switched:
                parameter.requires_grad_(False)
            with gathered_for_penalties(self._networks):
                if not audit:
                    yield
                    return
                with audited_forwards(check_wrapper(self.loss.network)):
                    yield
                check_equal_gradients(held(self.optimizer))
                self._audited = True
        finally:
            for parameter in switched:
                parameter.requires_grad_(True)


def checked_state(state: object) -> dict[str, Any]:
    """Return the state of an update in the form of this version; refuse what is not one."""
    if isinstance(state, Mapping) and state.get("version") == 1:
        state = {**state, "version": VERSION, "stepper": FiniteStepper().state_dict()}
    check_version("an update", state, VERSION, "updates", "optimizer", "stepper")
    checked: dict[str, Any] = dict(cast("Mapping[str, Any]", state))
    check_at_least("updates", checked["updates"], 0)
    return checked


def _check_layouts(optimizer: Optimizer) -> None:
    """Refuse gradients of a user's own part that a fused optimizer would apply to the wrong elements."""
    parameters = [parameter for group in optimizer.param_groups if group.get("fused") for parameter in group["params"]]
    for position, parameter in enumerate(parameters):
        gradient = parameter.grad
        if gradient is None or gradient.layout is not parameter.layout or is_sharded(parameter):
            continue
        axes = zip(parameter.shape, parameter.stride(), gradient.stride(), strict=True)
        if any(own != other for size, own, other in axes if size > 1):
            raise ValueError(
                f"gradients must be stored as the parameters are for a fused optimizer, got strides {gradient.stride()} for "
                f"parameter {position} with strides {parameter.stride()}: copy into torch.empty_like(parameter)"
            )


def _check_callables(**given: object) -> None:
    for name, value in given.items():
        a_class = name in ("gradients", "stepper") and isinstance(value, type)
        if (not callable(value) and (value is not None or name == "terms")) or a_class:
            raise ValueError(f"{name} must be callable, and an instance rather than a class, got {value!r}")


def _checked_networks(frozen: Iterable[nn.Module], own: Sequence[nn.Parameter]) -> list[nn.Module]:
    if isinstance(frozen, nn.Module):
        raise ValueError(f"frozen must be a sequence of networks, got one {type(frozen).__name__}: write frozen=[it]")
    networks = list(frozen)
    for network in networks:
        if not isinstance(network, nn.Module):
            raise ValueError(f"frozen must hold networks, got {type(network).__name__}")
    others = {id(parameter) for network in networks for parameter in network.parameters()}
    both = sum(id(parameter) in others for parameter in own)
    if both:
        raise ValueError(f"frozen must not name what the optimizer updates, got {both} parameters in both")
    return networks
