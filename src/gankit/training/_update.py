"""One update of one network."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, cast

import torch
from torch import nn
from torch.optim import Optimizer

from gankit._core import Scalar, brief, check_count, check_version, world_size
from gankit.training._arguments import (
    check_callables,
    check_kinds,
    check_result,
    checked_networks,
    names_of_parameters,
)
from gankit.training._gradients import Eager, Gradients
from gankit.training._graphs import Cuts, Reached, are_few, check_reach, refuse_filled
from gankit.training._loss import Loss, NamedScalars, Terms, Values
from gankit.training._ranks import (
    audited_forwards,
    check_equal_gradients,
    check_wrapper,
    gathered_for_penalties,
    is_sharded,
    may_be_sharded,
)
from gankit.training._saving import fitting_optimizer_state, held, load_optimizer_state, optimizer_state
from gankit.training._stepper import AskedScale, FiniteStepper, Stepper

VERSION = 2
"""Version 1 had no stepper."""


class Update:
    """One training step of the critic (D step) or of the generator (G step): terms, gradient, step, then the constraint.

    Call it with the inputs of `terms`; it returns costs and readings in one dict, detached, and reads nothing back from a
    CUDA device. Gradients of other networks do not change. At the first call, the graph of the costs is checked. Costs are
    refused if they reach parameters that the optimizer does not hold, or other tensors that require gradients and outlive the
    call. The check is repeated when the terms have new names or the optimizer other parameters.

    Three parts do the work, and each can be replaced: a `Loss` defines what is differentiated, `gradients` computes the
    gradient, and `stepper` takes the step. By default a cost or gradient that is NaN or infinite never reaches the weights,
    see `FiniteStepper`.

    With several ranks the first call is audited: every forward pass goes through `network` (unless the gradient part averages
    gradients itself), and the gradients are equal on all ranks. A network that FSDP2 shards keeps its gathered weights until
    the update ends, so that penalties can go backward twice; its graph is not checked.

    Args:
        optimizer: Holds the parameters to update.
        terms: The inputs in, named 0-d costs out, or ``(costs, readings)``. Weights of costs are multiplied in there.
        network: The wrapper that the terms call (``DistributedDataParallel``, DDP), or the network that ``fully_shard`` was
            applied to; required with several ranks, except with `AveragedOverRanks`: then None, or the network itself.
        frozen: Networks whose parameters get no gradient in this update, such as the critic in the generator's. The parameters
            are those of now; their ``requires_grad`` is restored after each call, also after an exception.
        constraint: Called without arguments after each step, such as a weight clip.
        gradients: How gradients are computed. Default: `Eager()`.
        stepper: How a gradient becomes a step. Default: `FiniteStepper()`. An update has its own, unless updates are to
            share one.

    Attributes:
        loss: What is differentiated, as a `Loss`.
        optimizer: The optimizer.
        stepper: What applies the gradient.
        updates: Number of updates so far, those included whose step was skipped on the device.

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
        check_kinds(optimizer, network, stepper)
        check_callables(terms=terms, constraint=constraint, gradients=gradients, stepper=stepper)
        if network is None and any(is_sharded(parameter) for parameter in held(optimizer)):
            raise ValueError("network must be given where FSDP2 shards it: pass what fully_shard was applied to")
        self.optimizer = optimizer
        self.updates = 0
        self._constraint = constraint
        self._gradients = Eager() if gradients is None else gradients
        self.stepper = FiniteStepper() if stepper is None else stepper
        self._frozen_networks = frozen = checked_networks(frozen, held(optimizer))
        self._frozen = list(dict.fromkeys(parameter for network in frozen for parameter in network.parameters()))
        self._networks = frozen if network is None else [network, *frozen]
        self._reached: list[Reached] = []
        self._names = names_of_parameters(optimizer, network)
        self._checked: dict[tuple[str, ...], bool] = {}
        self._audited = self._result_checked = False
        self._scale = scale = AskedScale(self.stepper)
        self.loss = Loss(terms, held(optimizer), network, scale, self._check_once)

    def __call__(self, *inputs: Any) -> dict[str, Scalar]:
        """Update the network once and return its costs and readings, detached."""
        parameters, loss = held(self.optimizer), self.loss
        if len(parameters) != len(loss.parameters) or not all(map(operator.is_, parameters, loss.parameters)):
            self._take_parameters(parameters)
        switched = [parameter for parameter in self._frozen if parameter.requires_grad]
        try:
            for parameter in switched:
                parameter.requires_grad_(False)
            values = self._differentiate(inputs)
        finally:
            for parameter in switched:
                parameter.requires_grad_(True)
        if self._reached:
            reached, self._reached = self._reached, []
            refuse_filled(reached, inputs)
        if not self._result_checked:
            check_result(values, self.optimizer)
            self._scale.refuse_unasked(self._gradients)
            self._result_checked = True
        self.stepper(self.optimizer, values.costs, self._names)
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
            "stepper": self.stepper.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a copy of a state that `state_dict` returned.

        Raises:
            ValueError: The state is of an unknown version, or belongs to an optimizer with other parameters.
        """
        load_all([(self, checked_state(state))])

    def __reduce_ex__(self, protocol: object) -> Any:
        """Refuse to be copied or pickled: the terms would stay bound to the networks of the original."""
        raise ValueError("an update cannot be copied or pickled, since its terms are bound to networks: make a new one")

    def _check_once(self, costs: NamedScalars, cuts: Cuts | None) -> bool:
        """Walk the graph of costs with new names; return whether the backward pass may fill all leaves.

        The first one fills all, so that leaves are looked at afterwards. Later ones leave out many points of penalties.
        """
        names = tuple(costs)
        if names not in self._checked:
            reached = check_reach(costs, self.loss.parameters, cuts)
            self._reached += reached
            self._checked[names] = are_few(reached)
            return True
        return self._checked[names]

    def _take_parameters(self, parameters: list[nn.Parameter]) -> None:
        """Take over what the optimizer holds now, such as a group that was added; all checks are repeated."""
        checked_networks(self._frozen_networks, parameters)
        loss = self.loss
        self.loss = Loss(loss.terms, parameters, loss.network, loss.scale, loss.check)
        self._names = names_of_parameters(self.optimizer, loss.network)
        self._checked.clear()
        self._result_checked = False

    def _differentiate(self, inputs: tuple[Any, ...]) -> Values:
        """Compute the gradient, recorded whatever the process or the caller has switched off."""
        if torch.is_grad_enabled():
            return self._differentiate_audited(inputs)
        with torch.inference_mode(False), torch.enable_grad():
            return self._differentiate_audited(inputs)

    def _differentiate_audited(self, inputs: tuple[Any, ...]) -> Values:
        """Compute the gradient, with what FSDP2 gathers kept, and the first one of several ranks audited."""
        if not may_be_sharded():  # the usual case: of small networks, contexts take as long as operations
            return self._gradients(self.loss, inputs)
        audit = not self._audited and world_size() > 1
        with gathered_for_penalties(self._networks):
            if not audit:
                return self._gradients(self.loss, inputs)
            averaged = getattr(self._gradients, "averages_ranks", False)
            with nullcontext() if averaged else audited_forwards(check_wrapper(self.loss.network)):
                values = self._gradients(self.loss, inputs)
            check_equal_gradients(held(self.optimizer))
            self._audited = True
            return values


def checked_state(state: object) -> dict[str, Any]:
    """Return the state of an update in the form of this version; refuse what is not one."""
    is_first = isinstance(state, Mapping) and type(state.get("version")) is int and state["version"] == 1
    parts = ("optimizer",) if is_first else ("optimizer", "stepper")
    check_version("an update", state, 1 if is_first else VERSION, "updates", *parts)
    checked: dict[str, Any] = {"stepper": None, **cast("Mapping[str, Any]", state)}
    check_count("an update", "updates", checked["updates"])
    for part in parts:
        if not isinstance(checked[part], Mapping):
            raise ValueError(f"state of an update must hold that of its {part}, got {brief(checked[part])}")
    return checked


def load_all(pairs: Sequence[tuple[Update, Mapping[str, Any]]]) -> None:
    """Restore updates from checked states: all, or none where one does not fit.

    An optimizer is restored from the state that holds it; a state whose optimizer is None leaves that to another update.
    """
    optimizers = [(update.optimizer, state["optimizer"]) for update, state in pairs if state["optimizer"] is not None]
    laid_out = [(optimizer, fitting_optimizer_state(optimizer, state)) for optimizer, state in optimizers]
    steppers = [(update.stepper, state["stepper"]) for update, state in pairs if state["stepper"] is not None]
    before = [stepper.state_dict() for stepper, _ in steppers]
    undo: list[Callable[[], None]] = []
    try:
        for stepper, state in steppers:
            stepper.load_state_dict(state)
        for optimizer, state in laid_out:
            undo.append(load_optimizer_state(optimizer, state))
    except BaseException:
        for put_back in reversed(undo):
            put_back()
        for (stepper, _), state in zip(steppers, before, strict=True):
            stepper.load_state_dict(state)
        raise
    for update, state in pairs:
        update.updates = state["updates"]
