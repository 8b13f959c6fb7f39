"""Steps that are skipped on the device: decided there, counted there, and read by the host once in a while."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import distributed
from torch.optim import Optimizer

from gankit._core import Scalar, check_at_least, world_size
from gankit.training._finite import numbers_of

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
        row = torch.cat((found.reshape(1).to(bad.device, non_blocking=True), bad))
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
            f"gradients was not finite; costs that were not finite: {listed or 'none'}{of_norm}"
        )


def bad_costs(costs: Mapping[str, Scalar]) -> torch.Tensor:
    """Return 1.0 for each cost that is NaN or infinite, else 0.0, on the first one's device."""
    home = next(iter(costs.values())).device  # a 0-d cost of another device may be summed too
    # Each in its own dtype: a float64 cost may be finite and still beyond float32.
    finite = torch.stack([cost.isfinite().to(home, non_blocking=True) for cost in costs.values()])
    return finite.logical_not().to(torch.float32)


def with_norm(
    names: tuple[str, ...], bad: torch.Tensor, norm: Scalar, gradients: Scalar
) -> tuple[tuple[str, ...], torch.Tensor]:
    """Return names and marks of the costs with those of the norm, which counts where the gradients themselves are finite.

    Args:
        names: Names of the costs.
        bad: 1.0 for each cost that is not finite, else 0.0.
        norm: 1.0 if the norm is not finite, else 0.0.
        gradients: 1.0 if a gradient is not finite, else 0.0.
    """
    alone = norm * (1.0 - gradients.to(norm.device, non_blocking=True))
    return (*names, NORM), torch.cat((bad, alone.reshape(1).to(bad.device, non_blocking=True)))


def found_on_any_rank(*flags: Scalar) -> Scalar:
    """Return 1.0 if a flag of this or another rank is 1.0, on the last one's device: all ranks skip a step, or none."""
    *others, found = flags
    for other in others:
        found = torch.maximum(found, other.to(found.device, non_blocking=True))
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
        numbers_of(gradient).masked_fill_(found.to(gradient.device, non_blocking=True) > 0, 0.0)
    optimizer.step()


def _takes_flag(optimizer: Optimizer) -> bool:
    fused = all(bool(group.get("fused")) for group in optimizer.param_groups)
    return fused and bool(getattr(optimizer, "_step_supports_amp_scaling", False))
