"""How a gradient becomes a step: the part behind ``Update(stepper=...)``, which never lets NaN or infinity into a weight."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import distributed
from torch.optim import Optimizer

from gankit._core import Scalar, check_at_least, check_version
from gankit.training._finite import NonFiniteError, found_non_finite, numbers_of, refuse_non_finite
from gankit.training._ranks import is_sharded
from gankit.training._saving import held

VERSION = 1
READ_EVERY = 100


class Stepper(Protocol):
    """Anything that applies the gradients in ``.grad``, or refuses to."""

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
    """Take the optimizer's step only if all costs and gradients are finite. The default.

    On the CPU a bad step raises before anything changes. On other devices the host does not wait: the decision is made on
    the device. Fused optimizers change nothing then, moments included; for the others the gradients are set to zero, so that
    momentum and weight decay still act in that step.

    Args:
        read_every: Number of calls between two readings of the counters on the device, 1 or more.

    Raises:
        ValueError: `read_every` is not a whole number above 0.
        NonFiniteError: At a call, a cost or a gradient is NaN or infinite; on devices other than the CPU, one was so since
            the last reading.

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

    def __init__(self, read_every: int = READ_EVERY) -> None:
        check_at_least("read_every", read_every, 1)
        self._read_every = read_every
        self._calls = 0
        self._counts: dict[tuple[str, ...], torch.Tensor] = {}

    def scale(self) -> None:
        """Return None: gradients are those of the loss itself."""

    def __call__(self, optimizer: Optimizer, costs: Mapping[str, Scalar], names: Mapping[int, str]) -> None:
        """Step where all is finite."""
        parameters = held(optimizer)
        if all(parameter.device.type == "cpu" for parameter in parameters):
            refuse_non_finite(costs, parameters, names)
            optimizer.step()
            return
        self._step_on_device(optimizer, costs, [p.grad for p in parameters if p.grad is not None])

    def state_dict(self) -> dict[str, Any]:
        """Return a state with nothing but its version: what was counted is read soon, and changes no weight."""
        return {"version": VERSION}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned.

        Raises:
            ValueError: The state is of another version.
        """
        check_version("a stepper", state, VERSION)

    def _step_on_device(
        self, optimizer: Optimizer, costs: Mapping[str, Scalar], gradients: Sequence[torch.Tensor]
    ) -> None:
        home = next(iter(costs.values())).device  # a 0-d cost of another device may be summed too
        # Each in its own dtype: a float64 cost may be finite and still beyond float32.
        finite = torch.stack([cost.isfinite().to(home, non_blocking=True) for cost in costs.values()])
        bad = finite.logical_not().to(torch.float32)
        found = bad.amax()
        if gradients:
            of_gradients = _found_on_any_rank(gradients)
            found = torch.maximum(found.to(of_gradients.device, non_blocking=True), of_gradients)
        self._count(tuple(costs), torch.cat((found.reshape(1).to(home, non_blocking=True), bad)))
        self._calls += 1
        if self._calls % self._read_every == 0:
            self._read()  # before the step: what raises has changed nothing
        _step_unless(found, optimizer, gradients)

    def _count(self, names: tuple[str, ...], row: torch.Tensor) -> None:
        previous = self._counts.get(names)
        self._counts[names] = row if previous is None else previous + row

    def _read(self) -> None:
        skipped = 0
        bad: dict[str, int] = {}
        for names, counts in self._counts.items():
            if counts.is_meta:  # there are no values to read
                continue
            first, *others = (int(count) for count in counts.tolist())
            skipped += first
            for name, count in zip(names, others, strict=True):
                bad[name] = bad.get(name, 0) + count
        self._counts.clear()
        listed = ", ".join(f"{name!r} {count} times" for name, count in bad.items() if count)
        if skipped:
            raise NonFiniteError(
                f"{skipped} of the last {self._read_every} steps were skipped on the device, since a cost or a gradient was "
                f"not finite; costs that were not finite: {listed or 'none'}"
            )


def _found_on_any_rank(gradients: Sequence[torch.Tensor]) -> Scalar:
    found = found_non_finite(gradients)
    # Gradients that data-parallel wrappers reduced are the same everywhere; pieces are not, and all ranks skip or none.
    if any(is_sharded(gradient) for gradient in gradients):
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return found


def _step_unless(found: Scalar, optimizer: Optimizer, gradients: Sequence[torch.Tensor]) -> None:
    if _takes_flag(optimizer):
        # The two attributes by which torch.amp.GradScaler makes a fused optimizer skip.
        optimizer.grad_scale = None  # pyright: ignore[reportAttributeAccessIssue]
        optimizer.found_inf = found  # pyright: ignore[reportAttributeAccessIssue]
        try:
            optimizer.step()
        finally:
            del optimizer.grad_scale  # pyright: ignore[reportAttributeAccessIssue]
            del optimizer.found_inf  # pyright: ignore[reportAttributeAccessIssue]
        return
    for gradient in gradients:
        numbers_of(gradient).masked_fill_(found.to(gradient.device, non_blocking=True) > 0, 0.0)
    optimizer.step()


def _takes_flag(optimizer: Optimizer) -> bool:
    fused = all(bool(group.get("fused")) for group in optimizer.param_groups)
    return fused and bool(getattr(optimizer, "_step_supports_amp_scaling", False))
