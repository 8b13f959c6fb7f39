"""A row of the contract table describes one public name.

Rows are data. `make` builds the component; `call` runs it on inputs; `inputs` makes those from a dtype. A name without
tensor code (a schedule, a protocol) has a row with ``call=None``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from support.critics import smooth_network

Tensors = dict[str, torch.Tensor]
Inputs = Callable[[torch.dtype], Tensors]


@dataclass(frozen=True, kw_only=True)
class Row:
    """How the contract test makes and calls one public name, and which checks apply."""

    make: Callable[[], Any]
    call: Callable[[Any, Tensors], torch.Tensor] | None = None
    penalty: Callable[[Any, torch.nn.Module, Tensors], torch.Tensor] | None = None  # `call` with a given critic
    inputs: Inputs | None = None
    batched: tuple[str, ...] = ()  # inputs with a batch axis, in which an empty batch must be refused
    permutes: str | None = None  # "same": the value ignores the order of samples; "along": the output follows it
    compiles: bool = True


def penalty_row(
    function: Callable[..., torch.Tensor],
    run: Callable[[Any, torch.nn.Module, Tensors], torch.Tensor],
    inputs: Inputs,
    batched: tuple[str, ...],
    permutes: str,
) -> Row:
    return Row(
        make=lambda: function,
        call=lambda penalty, x: run(penalty, smooth_network(3).to(next(iter(x.values())).dtype), x),
        penalty=run,
        inputs=inputs,
        batched=batched,
        permutes=permutes,
    )


def module_row(
    make: Callable[[], torch.nn.Module],
    inputs: Inputs,
    *names: str,
    batched: tuple[str, ...] = (),
    permutes: str | None = "along",
    compiles: bool = True,
) -> Row:
    """A module, called with the inputs of these names."""

    def call(module: torch.nn.Module, x: Tensors) -> torch.Tensor:
        result = module(*(x[name] for name in names))
        return torch.cat([part.flatten(1) for part in result], dim=1) if isinstance(result, tuple) else result

    def made() -> torch.nn.Module:
        torch.manual_seed(5)
        return make()

    return Row(make=made, call=call, inputs=inputs, batched=batched, permutes=permutes, compiles=compiles)
