"""One update of one network."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.optim import Optimizer

from gankit._core import Scalar, check_at_least, check_version
from gankit.training._device_guard import DeviceGuard
from gankit.training._finite import refuse_non_finite
from gankit.training._frozen import frozen as frozen_parameters
from gankit.training._gradients import Eager, Gradients
from gankit.training._network_state import bare, plain_name
from gankit.training._optimizer_state import held, load_optimizer_state, optimizer_state
from gankit.training._ranks import audited_forwards, check_equal_gradients, check_wrapper, world_size
from gankit.training._reach import check_reach
from gankit.training._sharded import gathered_for_penalties, is_sharded
from gankit.training._terms import Terms, check_terms

VERSION = 1


class Update:
    """Terms, their sum, one backward pass, one step, then the constraint.

    Call it with the inputs that `terms` takes; it returns the terms, detached, and reads nothing back from a CUDA device.
    Gradients of other networks stay as they are: at the first call, and whenever the terms have new names, the graph of
    the terms is walked, and parameters that the optimizer does not hold are refused.

    A term or gradient that is NaN or infinite never reaches the weights: on the CPU the step is refused; on other devices
    the step is skipped there, and every 100 calls the update looks whether that happened. With several ranks, the first
    call is audited: every forward pass goes through `network`, and the gradients are equal on all ranks. A network that FSDP2
    shards keeps its gathered weights until the update ends, so that penalties can go backward twice; its graph is not walked.

    Args:
        optimizer: Holds the parameters to update; its gradients are cleared first.
        terms: The inputs in, named 0-d terms out. Weights of terms are multiplied in there.
        network: The wrapper that the terms call (``DistributedDataParallel``), or the network that ``fully_shard`` was
            applied to; required with several ranks.
        frozen: Networks whose parameters take no gradient in this update, such as the critic in the generator's. Their
            ``requires_grad`` is restored after each call, also after an exception.
        constraint: Called without arguments after each step, such as a weight clip.
        gradients: How the gradient comes about: `Eager()` where None, `Accumulated(4)` for a batch in four parts.

    Raises:
        ValueError: A network is frozen whose parameters the optimizer holds, or an argument is of another kind; or, at a call,
            the terms are no mapping of names to 0-d tensors, or reach parameters of another network, or none of the
            optimizer's; or the audit fails.
        NonFiniteError: At a call, a term or a gradient is NaN or infinite.

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
    ) -> None:
        for name, value in (("terms", terms), ("constraint", constraint), ("gradients", gradients)):
            _check_callable(name, value)
        if network is None and any(is_sharded(parameter) for parameter in held(optimizer)):
            raise ValueError("network must be given where FSDP2 shards it: pass what fully_shard was applied to")
        self.optimizer = optimizer
        self.updates = 0
        self._terms = terms
        self._network = network
        self._constraint = constraint
        self._gradients = Eager() if gradients is None else gradients
        frozen = _as_networks(frozen)
        self._frozen = _parameters_to_freeze(frozen, held(optimizer))
        self._networks = frozen if network is None else [network, *frozen]
        self._names = (
            {} if network is None else {id(p): plain_name(name) for name, p in bare(network).named_parameters()}
        )
        self._guard = DeviceGuard()
        self._walked: set[tuple[str, ...]] = set()
        self._audited = False

    def __call__(self, *inputs: Any) -> dict[str, Scalar]:
        """Update the network once and return the detached terms."""
        self.optimizer.zero_grad(set_to_none=True)
        with gathered_for_penalties(self._networks), self._first_call_audited(), frozen_parameters(self._frozen):
            terms = self._gradients(self._checked_terms, inputs, self._network)
        self._step(terms)
        if self._constraint is not None:
            self._constraint()
        self.updates += 1
        return terms

    def state_dict(self) -> dict[str, Any]:
        """Return the optimizer's state and the number of updates, as tensors and plain values.

        Under FSDP2 every rank must call it: pieces are gathered.
        """
        state = optimizer_state(self.optimizer, self._names)
        return {"version": VERSION, "updates": self.updates, "optimizer": state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a copy of a state that `state_dict` returned.

        Raises:
            ValueError: The state is of another version, or belongs to an optimizer with other parameters.
        """
        check_version("an update", state, VERSION, "updates", "optimizer")
        check_at_least("updates", state["updates"], 0)
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.updates = state["updates"]

    def _checked_terms(self, *inputs: Any) -> dict[str, Scalar]:
        terms = check_terms(self._terms(*inputs))
        names = tuple(terms)
        if names not in self._walked:
            check_reach(terms, held(self.optimizer))
            self._walked.add(names)
        return terms

    def _step(self, terms: dict[str, Scalar]) -> None:
        parameters = held(self.optimizer)
        if parameters[0].device.type == "cpu":
            refuse_non_finite(terms, parameters, self._names)
            self.optimizer.step()
        else:
            gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
            self._guard.step(self.optimizer, terms, gradients)

    @contextmanager
    def _first_call_audited(self) -> Iterator[None]:
        if self._audited or world_size() == 1:
            yield
            return
        with audited_forwards(check_wrapper(self._network)):
            yield
        check_equal_gradients(held(self.optimizer))
        self._audited = True


def _check_callable(name: str, value: object) -> None:
    if value is None and name != "terms":
        return
    if not callable(value) or (name == "gradients" and isinstance(value, type)):
        raise ValueError(f"{name} must be callable, and made already, got {value!r}")


def _as_networks(frozen: Iterable[nn.Module]) -> list[nn.Module]:
    if isinstance(frozen, nn.Module):
        raise ValueError(f"frozen must be a sequence of networks, got one {type(frozen).__name__}: write frozen=[it]")
    networks = list(frozen)
    for network in networks:
        if not isinstance(network, nn.Module):
            raise ValueError(f"frozen must hold networks, got {type(network).__name__}")
    return networks


def _parameters_to_freeze(networks: list[nn.Module], own: list[nn.Parameter]) -> list[nn.Parameter]:
    parameters = {id(parameter): parameter for network in networks for parameter in network.parameters()}
    held = sum(id(parameter) in parameters for parameter in own)
    if held:
        raise ValueError(f"frozen must not name what the optimizer updates, got {held} parameters in both")
    return list(parameters.values())
