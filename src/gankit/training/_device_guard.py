"""Steps that a device skips by itself, so that the host need not wait to know whether a gradient is finite."""

from collections.abc import Mapping, Sequence

import torch
from torch import distributed
from torch.optim import Optimizer

from gankit._core import Scalar
from gankit.training._finite import NonFiniteError, found_non_finite
from gankit.training._sharded import is_sharded, own_piece

READ_EVERY = 100


class DeviceGuard:
    """Takes the optimizer's step unless a gradient is NaN or infinite, decided on the device.

    Fused optimizers take the flag themselves and change nothing where it is set, moments included. For the others the
    gradients are set to zero: nothing poisonous lands, but momentum and weight decay still act in that step.

    Args:
        read_every: Number of calls between two looks at the counters on the device.
    """

    def __init__(self, read_every: int = READ_EVERY) -> None:
        self._read_every = read_every
        self._calls = 0
        self._counts: dict[tuple[str, ...], torch.Tensor] = {}

    def step(self, optimizer: Optimizer, terms: Mapping[str, Scalar], gradients: Sequence[torch.Tensor]) -> None:
        """Step or skip, count on the device, and every `read_every` calls raise for what was counted.

        Raises:
            NonFiniteError: Since the last look a step was skipped or a term was not finite.
        """
        found = _found_on_any_rank(gradients) if gradients else torch.zeros(())
        if _takes_flag(optimizer):
            _fused_step(optimizer, found)
        else:
            for gradient in gradients:
                own_piece(gradient).masked_fill_(found.to(gradient.device, non_blocking=True) > 0, 0.0)
            optimizer.step()
        self._count(terms, found)
        self._calls += 1
        if self._calls % self._read_every == 0:
            self._read()

    def _count(self, terms: Mapping[str, Scalar], found: Scalar) -> None:
        names = tuple(terms)
        home = next(iter(terms.values())).device  # a 0-d term of another device may be summed too
        # Each in its own dtype: a float64 term may be finite and still beyond float32.
        finite = torch.stack([term.isfinite().to(home, non_blocking=True) for term in terms.values()])
        row = torch.cat((found.reshape(1).to(home), finite.logical_not().float()))
        previous = self._counts.get(names)
        self._counts[names] = row if previous is None else previous + row

    def _read(self) -> None:
        skipped = 0
        bad: dict[str, int] = {}
        for names, counts in self._counts.items():
            first, *others = (int(count) for count in counts.tolist())
            skipped += first
            for name, count in zip(names, others, strict=True):
                bad[name] = bad.get(name, 0) + count
        self._counts.clear()
        listed = ", ".join(f"{name!r} {count} times" for name, count in bad.items() if count)
        if skipped or listed:
            raise NonFiniteError(
                f"{skipped} of the last {self._read_every} steps were skipped on the device, since a gradient was not "
                f"finite; terms that were not finite: {listed or 'none'}"
            )


def _found_on_any_rank(gradients: Sequence[torch.Tensor]) -> Scalar:
    found = found_non_finite(gradients)
    # Gradients that data-parallel wrappers reduced are the same everywhere; pieces are not, and all ranks skip or none.
    if any(is_sharded(gradient) for gradient in gradients):
        distributed.all_reduce(found, distributed.ReduceOp.MAX)
    return found


def _takes_flag(optimizer: Optimizer) -> bool:
    fused = all(bool(group.get("fused")) for group in optimizer.param_groups)
    return fused and bool(getattr(optimizer, "_step_supports_amp_scaling", False))


def _fused_step(optimizer: Optimizer, found: Scalar) -> None:
    # The two attributes by which torch.amp.GradScaler tells a fused optimizer to skip.
    optimizer.grad_scale = None  # pyright: ignore[reportAttributeAccessIssue]
    optimizer.found_inf = found  # pyright: ignore[reportAttributeAccessIssue]
    try:
        optimizer.step()
    finally:
        del optimizer.grad_scale  # pyright: ignore[reportAttributeAccessIssue]
        del optimizer.found_inf  # pyright: ignore[reportAttributeAccessIssue]
