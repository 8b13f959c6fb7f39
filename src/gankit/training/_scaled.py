"""Steps for float16: the loss is multiplied by a factor that follows what the gradients can hold."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from gankit._core import Scalar, as_device, brief, check_at_least, check_positive, check_version, dense_tensor
from gankit.training._clipping import check_max_norm
from gankit.training._finite import NonFiniteError, gradients_of
from gankit.training._saving import MomentWatch, held
from gankit.training._skipping import SkipCounters, looked_through, step_unless
from gankit.training._stepper import READ_EVERY

VERSION = 1
WHOLE = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
SMALLEST = 2.0**-14
"""The smallest normal number of float16: under a smaller scale a gradient of 1 loses digits."""
FLOOR = SMALLEST / 2
"""The scale falls no further until it is read and an error is raised: at 0 the division would make every gradient NaN."""
MOST_STEPS = torch.iinfo(torch.int32).max


class ScaledStepper:
    """Loss scaling for float16 (AMP, mixed precision): multiply the loss by a scale, and divide gradients before the step.

    The scale keeps small gradients from vanishing in float16. It is divided by two after a step with a gradient that is not
    finite, and such a step is skipped; after 2000 steps in a row without one it is doubled. These are the formulas of
    ``torch.amp.GradScaler``, but nothing is read by the host, whatever the optimizer is: the scale and the decision stay on
    the device. Skipped steps are those of `FiniteStepper`: fused optimizers change nothing, the others step with gradients of
    zero. Some skipped steps at the start and after each doubling are normal, so they do not raise; costs count as gradients
    do.

    After a step ``.grad`` holds the true gradient: divided by the scale, then clipped if there is a `max_norm`. After a
    skipped step it holds no meaningful numbers.

    The scale multiplies the sum of costs, so the inner gradient of a penalty is not scaled: if it is too small for float16,
    compute the penalty without autocast.

    Several updates may share one stepper, and then one scale. An update reads the scale before each backward pass.

    Args:
        device: Where the parameters are.
        initial_scale: The scale of the first loss, between 2 ** -14 and 3.4e38.
        growth_factor: What the scale is multiplied by when it grows, above 1.
        backoff_factor: What the scale is multiplied by after a skipped step, above 0 and below 1.
        growth_interval: Number of steps in a row without a skipped one after which the scale grows, 1 to 2 ** 31 - 1.
        max_norm: As in `FiniteStepper`: the largest norm of the gradients, after the division. A step whose norm is infinite
            though each gradient is finite is skipped too.
        read_every: Number of calls between two readings of scale and counters, and between two looks at the optimizer's
            moments, 1 or more.

    Raises:
        ValueError: An argument is out of its range, or torch cannot use the device; or, at a call, parameters are on a device
            of another type or in float16, or a gradient that is to be clipped is sparse.
        NonFiniteError: At a call, the scale was below 2 ** -14 when it was read: the fault is not in the scale. Or a moment of
            the optimizer is not finite.

    Example:
        >>> import torch
        >>> from gankit.training import ScaledStepper, Update
        >>> critic = torch.nn.Linear(1, 1, bias=False)
        >>> stepper = ScaledStepper("cpu", initial_scale=1024.0)
        >>> update = Update(
        ...     torch.optim.SGD(critic.parameters(), lr=1.0), lambda x: {"loss": critic(x).mean()}, stepper=stepper
        ... )
        >>> _ = update(torch.tensor([[3.0]]))
        >>> critic.weight.grad, stepper.scale()
        (tensor([[3.]]), tensor(1024.))
        >>> _ = update(torch.tensor([[float("inf")]]))
        >>> stepper.scale()
        tensor(512.)

    Reference:
        Micikevicius et al. 2018, "Mixed Precision Training" (arXiv:1710.03740), section 3.2.
    """

    def __init__(
        self,
        device: torch.device | str,
        *,
        initial_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        max_norm: float | None = None,
        read_every: int = READ_EVERY,
    ) -> None:
        chosen = as_device("device", device)
        check_positive("initial_scale", initial_scale)
        if not SMALLEST <= initial_scale <= torch.finfo(torch.float32).max:
            raise ValueError(f"initial_scale must lie between 2 ** -14 and 3.4e38, got {initial_scale!r}")
        check_positive("growth_factor", growth_factor)
        if growth_factor <= 1:
            raise ValueError(f"growth_factor must be above 1, got {growth_factor!r}")
        check_positive("backoff_factor", backoff_factor)
        if backoff_factor >= 1:
            raise ValueError(f"backoff_factor must be below 1, got {backoff_factor!r}")
        check_at_least("growth_interval", growth_interval, 1)
        if growth_interval > MOST_STEPS:
            raise ValueError(f"growth_interval must be at most {MOST_STEPS}, got {growth_interval}")
        check_max_norm(max_norm)
        with torch.inference_mode(False):  # or they could be changed in that mode only
            self._scale = torch.full((), initial_scale, dtype=torch.float32, device=chosen)
            self._good_steps = torch.zeros((), dtype=torch.int32, device=chosen)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._max_norm = max_norm
        self._counters = SkipCounters(read_every)
        self._watch = MomentWatch(read_every)

    def scale(self) -> Scalar:
        """Return the scale of now, a 0-d tensor on the device. It is always the same tensor: each call fills it again."""
        return self._scale

    def __call__(self, optimizer: Optimizer, costs: Mapping[str, Scalar], names: Mapping[int, str]) -> None:
        """Divide the gradients by the scale, step where all is finite, and adapt the scale."""
        self._watch(optimizer, names)
        parameters = held(optimizer)
        self._check(parameters)
        gradients = gradients_of(parameters)
        found, marked, bad = looked_through(
            costs, gradients, device=self._scale.device, factor=self._scale.reciprocal(), max_norm=self._max_norm
        )
        if self._counters.count(found, marked, bad):
            self._read()
        step_unless(found, optimizer, gradients)
        torch._amp_update_scale_(
            self._scale, self._good_steps, found, self._growth_factor, self._backoff_factor, self._growth_interval
        )
        self._scale.clamp_(min=FLOOR)

    def state_dict(self) -> dict[str, Any]:
        """Return copies of the scale and of the number of steps since it last changed."""
        return {"version": VERSION, "scale": self._scale.clone(), "good_steps": self._good_steps.clone()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state that `state_dict` returned, into the tensors that are there.

        Raises:
            ValueError: The state is of another version, of a stepper without a scale, or holds no numbers that fit.
        """
        check_version("a ScaledStepper", state, VERSION, "scale", "good_steps")
        has_values = not self._scale.is_meta
        scale, good_steps = (_number(name, state[name], has_values) for name in ("scale", "good_steps"))
        if not scale.is_floating_point() or good_steps.dtype not in WHOLE:
            raise ValueError(
                "state of a ScaledStepper must hold a fraction as scale and a whole number as good_steps, got "
                f"{scale.dtype} and {good_steps.dtype}"
            )
        if has_values:
            value, steps = float(scale.to(self._scale.dtype)), int(good_steps)
            if not (math.isfinite(value) and value >= FLOOR and 0 <= steps <= MOST_STEPS):
                raise ValueError(
                    "state of a ScaledStepper must hold a finite scale of at least 2 ** -15 and good_steps of at least 0, got "
                    f"{float(scale)} and {steps}"
                )
        self._scale.copy_(scale)
        self._good_steps.copy_(good_steps)

    def _check(self, parameters: Sequence[nn.Parameter]) -> None:
        for parameter in parameters:
            if parameter.device.type != self._scale.device.type:
                raise ValueError(
                    f"parameters must be on the device of the ScaledStepper, {self._scale.device}, got {parameter.device}"
                )
            if parameter.dtype == torch.float16:
                raise ValueError(
                    "parameters must be float32 under a ScaledStepper, got float16: use autocast in the terms"
                )

    def _read(self) -> None:
        _, message = self._counters.read()
        if self._scale.is_meta or float(self._scale) >= SMALLEST:
            return
        raise NonFiniteError(
            f"the scale of the loss fell to {float(self._scale):.3g}, though a smaller scale does not help: {message}"
        )


def _number(name: str, value: object, needs_values: bool) -> torch.Tensor:
    number = dense_tensor("a ScaledStepper", name, value, needs_values=needs_values)
    if number.ndim != 0:
        raise ValueError(f"state of a ScaledStepper must hold {name} as a 0-d tensor, got {brief(value)}")
    return number
