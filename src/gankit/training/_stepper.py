"""How a gradient becomes a step: the part behind ``Update(stepper=...)``, which never lets NaN or infinity into a weight."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Protocol

import torch
from torch.optim import Optimizer

from gankit._core import Scalar, check_version, has_group
from gankit.training._clipping import check_max_norm, refuse_infinite, shrink_, total_norm
from gankit.training._finite import NonFiniteError, are_all_finite, gradients_of, refuse_non_finite
from gankit.training._saving import MomentWatch, held
from gankit.training._skipping import SkipCounters, looked_through, step_unless

VERSION = 1
READ_EVERY = 100
_IS_CPU = attrgetter("is_cpu")


class Stepper(Protocol):
    """Anything that applies the gradients in ``.grad``, or refuses to.

    Example:
        >>> import torch
        >>> from gankit.training import FiniteStepper, Update
        >>> class Signs(FiniteStepper):  # steps by the signs of the gradients alone
        ...     def __call__(self, optimizer, costs, names):
        ...         for group in optimizer.param_groups:
        ...             for parameter in group["params"]:
        ...                 parameter.grad.sign_()
        ...         super().__call__(optimizer, costs, names)
        >>> weight = torch.nn.Parameter(torch.tensor(3.0))
        >>> update = Update(torch.optim.SGD([weight], lr=1.0), lambda x: {"loss": (weight * x).mean()}, stepper=Signs())
        >>> _ = update(torch.tensor([5.0, 7.0]))
        >>> weight
        Parameter containing:
        tensor(2., requires_grad=True)
    """

    def scale(self) -> Scalar | None:
        """Return the factor of the loss that is differentiated next, a 0-d tensor; None for no factor.

        Gradients arrive multiplied by it: the stepper divides by it before the step.
        """
        ...

    def __call__(self, optimizer: Optimizer, costs: Mapping[str, Scalar], names: Mapping[int, str], /) -> None:
        """Take the optimizer's step, or not.

        Args:
            optimizer: Its parameters hold the gradients.
            costs: The costs by name, detached.
            names: Names of parameters by ``id``, for messages; often not all are known.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return the state as tensors and plain values."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned."""
        ...


class FiniteStepper:
    r"""Take the optimizer's step only if no cost or gradient is NaN or infinite; with `max_norm`, clip gradients. The default.

    .. math:: g \leftarrow g \cdot \min(1,\; \text{max norm} / (\lVert g \rVert_2 + 10^{-6}))

    On the CPU a bad step raises before anything changes. On other devices the host does not wait: the decision is made on
    the device. Fused optimizers change nothing then, moments included; for the others the gradients are set to zero, so that
    momentum and weight decay still act in that step. With several ranks all of them skip a step, or none.

    A finite gradient may be so large that its square is infinite. Then the moments of optimizers that keep squares (Adam,
    AdamW, NAdam, RAdam, RMSprop, Adagrad, Adadelta) are infinite, and the weight never changes again. So the moments are
    checked too, at every `read_every`-th call; `check_finite_state`, which `Checkpoints.save` calls, finds them before they
    are saved. Optimizers without squares (SGD, ASGD, Adamax, Rprop, Muon) take the step, in which nothing is infinite: a
    large one with SGD. `max_norm` limits it, or refuses it where the norm is infinite.

    Args:
        read_every: Number of calls between two readings of the counters on the device, and between two checks of the moments,
            1 or more. The moments are checked before a step, so a moment that becomes infinite is found at the next check.
        max_norm: Gradient clipping: the largest Euclidean norm of all gradients of the optimizer together; larger ones are
            multiplied by ``max_norm / (norm + 1e-6)``, as ``torch.nn.utils.clip_grad_norm_`` does. Afterwards ``.grad`` holds
            the clipped gradients. Pieces of FSDP2 count as the whole. None: no clipping.

    Raises:
        ValueError: `read_every` is not a whole number above 0, or `max_norm` not a finite number above 0; or, at a call, a
            gradient that is to be clipped is sparse.
        NonFiniteError: At a call, a cost or a gradient, or the norm that is to be clipped, is NaN or infinite; on devices
            other than the CPU, one was so since the last reading. Or a moment of the optimizer is, at every `read_every`-th.

    Example:
        >>> import torch
        >>> from gankit.training import FiniteStepper, Update
        >>> critic = torch.nn.Linear(1, 1)
        >>> update = Update(
        ...     torch.optim.SGD(critic.parameters(), lr=1.0),
        ...     lambda x: {"loss": critic(x).mean()},
        ...     stepper=FiniteStepper(read_every=20),
        ... )
        >>> update(torch.tensor([[float("nan")]]))
        Traceback (most recent call last):
        ...
        gankit.training._finite.NonFiniteError: the step was refused, since a cost is not finite: 'loss' is nan; ...
    """

    def __init__(self, read_every: int = READ_EVERY, *, max_norm: float | None = None) -> None:
        self._counters = SkipCounters(read_every)
        self._watch = MomentWatch(read_every)
        check_max_norm(max_norm)
        self._max_norm = max_norm

    def scale(self) -> None:
        """Return None: gradients are those of the loss itself."""

    def __call__(self, optimizer: Optimizer, costs: Mapping[str, Scalar], names: Mapping[int, str]) -> None:
        """Step where all is finite."""
        self._watch(optimizer, names)
        parameters = held(optimizer)
        gradients = gradients_of(parameters)
        if has_group() or not are_all_finite(costs, gradients):
            if not all(map(_IS_CPU, parameters)):
                self._step_on_device(optimizer, costs, gradients)
                return
            refuse_non_finite(costs, parameters, names)
        if self._max_norm is not None and gradients:
            norm = total_norm(gradients)
            refuse_infinite(norm)
            shrink_(gradients, norm, self._max_norm)
        optimizer.step()

    def state_dict(self) -> dict[str, Any]:
        """Return a state with nothing but its version: what was counted is read soon, and changes no weight."""
        return {"version": VERSION}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Raises:
            ValueError: The state is of another version, or of a stepper with a scale.
        """
        if isinstance(state, Mapping) and "scale" in state:
            raise ValueError("state of a stepper must have no scale, got that of a ScaledStepper")
        check_version("a stepper", state, VERSION)

    def _step_on_device(
        self, optimizer: Optimizer, costs: Mapping[str, Scalar], gradients: Sequence[torch.Tensor]
    ) -> None:
        device = (gradients or list(costs.values()))[0].device
        found, names, bad = looked_through(costs, gradients, device=device, max_norm=self._max_norm)
        if self._counters.count(found, names, bad):
            skipped, message = self._counters.read()  # before the step: what raises has changed nothing
            if skipped:
                raise NonFiniteError(message)
        step_unless(found, optimizer, gradients)


class AskedScale:
    """The scale of a stepper, and whether a gradient part asked for it, as it must.

    Args:
        stepper: Whose scale it is.
    """

    def __init__(self, stepper: Stepper) -> None:
        self._stepper = stepper
        self._is_asked = False

    def __call__(self) -> Scalar | None:
        """Return the scale."""
        self._is_asked = True
        return self._stepper.scale()

    def refuse_unasked(self, gradients: object) -> None:
        """Raise if there is a scale and nobody asked for it: the step would be divided by it for nothing.

        Args:
            gradients: The gradient part, for the message.

        Raises:
            ValueError: Nobody asked.
        """
        if not self._is_asked and self._stepper.scale() is not None:
            raise ValueError(
                f"gradients must multiply the total by loss.scale(), since {type(self._stepper).__name__} divides by it, got "
                f"{gradients!r}, which did not ask for it: give it to Loss.differentiated"
            )
