"""How the gradient of an update comes about: the part behind ``Update(gradients=...)``."""

from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from gankit._core import Scalar
from gankit.training._terms import Terms, detached, total


class Gradients(Protocol):
    """Anything that runs the terms and leaves the gradient of their sum in the parameters' ``.grad``."""

    def __call__(self, terms: Terms, inputs: tuple[Any, ...], network: nn.Module | None) -> dict[str, Scalar]:
        """Return the detached terms; ``.grad`` holds the gradient of their sum, added to what was there.

        Args:
            terms: The update's terms, checked.
            inputs: What the update was called with.
            network: The wrapper that the terms call, or None.
        """
        ...


@dataclass(frozen=True, slots=True)
class Eager:
    """One forward pass, then one backward pass of the sum of the terms. The default.

    The sum goes backward once, since data-parallel wrappers reduce gradients once for each backward pass.

    Example:
        >>> import torch
        >>> from gankit.training import Eager
        >>> weight = torch.tensor(3.0, requires_grad=True)
        >>> Eager()(lambda x: {"loss": (weight * x).mean()}, (torch.tensor([1.0, 3.0]),), None)
        {'loss': tensor(6.)}
        >>> weight.grad
        tensor(2.)
    """

    def __call__(self, terms: Terms, inputs: tuple[Any, ...], network: nn.Module | None) -> dict[str, Scalar]:
        """Run the terms on the inputs and their sum backward."""
        del network  # one pass needs nothing of the wrapper but its forward, which the terms call
        named = terms(*inputs)
        total(named).backward()
        return detached(named)
