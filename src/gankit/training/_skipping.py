"""Steps that are skipped on the device: decided there, counted there, and read by the host once in a while."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import distributed
from torch.optim import Optimizer

from gankit._core import Scalar, check_at_least, see_failures, world_size
from gankit.training._clipping import is_not_finite, shrink_, total_norm
from gankit.training._finite import found_non_finite, moved, numbers_of

NORM = "\0norm"
"""Stands among names of costs for the norm of the gradients. No cost has this name."""


class SkipCounters:
    """How many steps were skipped, and which costs were not finite, counted on the device.

    Args:
        read_every: Number of calls from one reading to the next, 1 or more.
    """

    def __init__(self, read_every: int) -> None:
        check_at_least("read_every", read_every, 1)
        self.read_every = read_every
        self._calls = 0
        self._counts: dict[tuple[str, ...], torch.Tensor] = {}

    def count(self, found: Scalar, names: Iterable[str], bad: torch.Tensor) -> bool:
        """Count one call, and say whether the counters are to be read now.

        Args:
            found: 1.0 if the step is skipped, else 0.0.
            names: Of what may not be finite: the costs, and `NORM`.
            bad: 1.0 for each of them that is not finite, else 0.0.
        """
        names = tuple(names)
        row = torch.cat((moved(found.reshape(1), bad.device), bad))
        previous = self._counts.get(names)
        self._counts[names] = row if previous is None else previous + row
        self._calls += 1
        return self._calls % self.read_every == 0

    def read(self) -> tuple[int, str]:
        """Return the number of steps skipped since the last reading, and a sentence about them. Waits for the device."""
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
        norms = bad.pop(NORM, 0)
        listed = ", ".join(f"{name!r} {count} times" for name, count in bad.items() if count)
        of_norm = f"; the norm of finite gradients: {norms} times, so they are too large to be clipped" if norms else ""
        return skipped, (
            f"{skipped} of the last {self.read_every} steps were skipped, since a cost, a gradient or the norm of the "
            f"gradients was not finite; costs that were not finite: {listed or 'none'}{of_norm}; {see_failures('nan')}"
        )


def bad_costs(costs: Mapping[str, Scalar]) -> torch.Tensor:
    """Return 1.0 for each cost that is NaN or infinite, else 0.0, on the first one's device."""
    home = next(iter(costs.values())).device  # a 0-d cost of another device may be summed too
    # Each in its own dtype: a float64 cost may be finite and still beyond float32.
    finite = torch.stack([moved(cost.isfinite(), home) for cost in costs.values()])
    return finite.logical_not().to(torch.float32)


def looked_through(
    costs: Mapping[str, Scalar],
    gradients: Sequence[torch.Tensor],
    *,
    device: torch.device,
    factor: Scalar | None = None,
    max_norm: float | None = None,
) -> tuple[Scalar, tuple[str, ...], torch.Tensor]:
    """Look for costs, gradients and norms that are not finite; clip the gradients in place.

    Args:
        costs: The update's costs by name.
        gradients: The gradients that are there.
        device: Where the step is decided.
        factor: A number that all gradients are multiplied by in place first.
        max_norm: What their norm is clipped to afterwards; None for no limit.

    Returns:
        1.0 if the step is to be skipped on all ranks, else 0.0; and, for `SkipCounters.count`, what may not be finite, with
        1.0 for each that is not.
    """
    names, bad = tuple(costs), bad_costs(costs)
    flags = [bad.amax()]
    if gradients:
        flags.append(found_non_finite(gradients, factor))
    if gradients and max_norm is not None:
        norm = total_norm(gradients)
        shrink_(gradients, norm, max_norm)
        flags.append(is_not_finite(norm))
        # The norm counts where the gradients themselves are finite.
        alone = flags[2] * (1.0 - moved(flags[1], norm.device))
        names, bad = (*names, NORM), torch.cat((bad, moved(alone.reshape(1), bad.device)))
    return found_on_any_rank(flags, device), names, bad


def found_on_any_rank(flags: Iterable[Scalar], device: torch.device) -> Scalar:
    """Return 1.0 on the device if a flag of this or another rank is 1.0: all ranks skip a step, or none."""
    found = torch.stack([moved(flag, device) for flag in flags]).amax()
    if world_size() > 1:
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return found


def step_unless(found: Scalar, optimizer: Optimizer, gradients: Sequence[torch.Tensor]) -> None:
    """Take the optimizer's step unless the flag is 1.0; one that takes no flag steps with gradients of zero then."""
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
        numbers_of(gradient).masked_fill_(moved(found, gradient.device) > 0, 0.0)
    optimizer.step()


def _takes_flag(optimizer: Optimizer) -> bool:
    fused = all(bool(group.get("fused")) for group in optimizer.param_groups)
    return fused and bool(getattr(optimizer, "_step_supports_amp_scaling", False))
