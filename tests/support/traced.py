"""Functions traced once and replayed on other inputs: pure ones give what they give eagerly, others a stale value."""

from collections.abc import Callable
from typing import Any

import torch
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing import assert_close
from torch.utils import _pytree as pytree


def assert_replays(
    function: Callable[..., Any], traced: tuple[torch.Tensor, ...], others: tuple[tuple[torch.Tensor, ...], ...]
) -> None:
    """Trace the function, and its gradient if it has one, with `traced`; compare its replay with eager calls on `others`."""

    def with_gradients(*inputs: torch.Tensor) -> list[Any]:
        leaves = [one.detach().requires_grad_() if one.is_floating_point() else one for one in inputs]
        results = pytree.tree_leaves(function(*leaves))
        moving = [one for one in results if isinstance(one, torch.Tensor) and one.requires_grad]
        if not moving:
            return results
        by = [leaf for leaf in leaves if leaf.requires_grad]
        total = torch.stack([one.sum() for one in moving]).sum()
        return [*results, *torch.autograd.grad(total, by, allow_unused=True, materialize_grads=True)]

    graph = make_fx(with_gradients)(*traced)
    for inputs in others:
        torch.manual_seed(1)
        with torch.no_grad():
            replayed = graph(*inputs)
        torch.manual_seed(1)
        assert_close(replayed, with_gradients(*inputs), rtol=1e-12, atol=1e-12, equal_nan=True)
