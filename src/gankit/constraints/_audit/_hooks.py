"""Forward hooks on the first call of a critic under a penalty: what would be silently wrong warns or raises."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gankit._core import see_failures

_ADVICE_ON_NORMS = (
    "couples the samples of a penalized critic, so that the penalty no longer measures each sample's own gradient: use "
    "torch.nn.GroupNorm(1, channels) (layer norm, as WGAN-GP does), instance norm or no norm; "
    + see_failures("batch-norm")
)


@contextmanager
def audited(modules: list[nn.Module]) -> Iterator[None]:
    """Watch one call of the critic through forward hooks on `modules`, which are removed afterwards.

    Warns:
        UserWarning: Batch normalization uses statistics of the batch, or a composite module changes its own input in place.

    Raises:
        ValueError: A module compiled by itself is called.
    """
    audit = _Audit()
    handles = []
    try:
        for name, module in _named_modules(modules):
            handles.append(module.register_forward_pre_hook(audit.before(name)))
            if _is_composite(module):
                handles.append(module.register_forward_hook(audit.after(name)))
        yield
    finally:
        for handle in handles:
            handle.remove()
    for message in audit.messages.values():
        warnings.warn(message, UserWarning, stacklevel=stack_level_of_user())


class _Audit:
    """The findings of one call: one message of each kind, about the first module that caused it."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        # By module: replicas of nn.DataParallel run in threads of their own.
        self._versions: dict[int, list[list[tuple[torch.Tensor, int]]]] = {}

    def before(self, name: str) -> Callable[..., None]:
        """Return a hook that checks the called module and notes the versions of a composite's inputs."""

        def look(module: nn.Module, inputs: tuple[Any, ...]) -> None:
            if _is_compiled(module):
                raise ValueError(compiled_message(f"the module {name or type(module).__name__!r}"))
            if isinstance(module, _BatchNorm) and (module.training or module.running_mean is None):
                self.messages.setdefault("norm", f"batch normalization {name!r} {_ADVICE_ON_NORMS}")
            if _is_composite(module):
                tensors = [part for part in inputs if isinstance(part, torch.Tensor) and not part.is_inference()]
                versions = [(tensor, _version(tensor)) for tensor in tensors]
                self._versions.setdefault(id(module), []).append(versions)

        return look

    def after(self, name: str) -> Callable[..., None]:
        """Return a hook that compares the versions of a composite's inputs with the noted ones."""

        def compare(module: nn.Module, *_: object) -> None:
            if any(_version(tensor) != version for tensor, version in self._versions[id(module)].pop()):
                self.messages.setdefault(
                    "in place",
                    f"{type(module).__name__} {name!r} changed its own input in place: a shortcut around it reads the "
                    "changed values; build its activation with inplace=False",
                )

        return compare


def compiled_message(what: str) -> str:
    """Say why a compiled critic under an eager penalty is refused, and what to do instead."""
    return (
        f"critic must not be compiled by itself under a penalty, got {what}: torch cannot differentiate compiled code twice, "
        "and it silently drops the penalty if all weights are parametrized. Compile the whole step, by "
        "gankit.training.Compiled or with torch._dynamo.config.trace_autograd_ops on, or give the penalty the uncompiled module"
    )


def stack_level_of_user() -> int:
    """Return the `stacklevel` that makes the caller's warning name the first line outside of gankit and contextlib."""
    frame, level = inspect.currentframe(), 0
    while frame is not None and _is_inside(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    return level


def _is_inside(module: str) -> bool:
    return module.startswith("gankit.") or module == "contextlib"


def _named_modules(modules: list[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Yield each module once, and none inside ``module.compile()``: a hook would change its graph, which shows it anyway.

    Scripted modules take no hooks.
    """
    seen: set[nn.Module] = set()
    waiting = [("", module) for module in modules]
    while waiting:
        name, module = waiting.pop()
        if module in seen or getattr(module, "_compiled_call_impl", None) is not None:
            continue
        if isinstance(module, torch.jit.ScriptModule):  # takes no hooks
            continue
        seen.add(module)
        yield name, module
        waiting.extend((f"{name}.{child}" if name else child, inner) for child, inner in module.named_children())


def _version(tensor: torch.Tensor) -> int:
    return tensor._version  # noqa: SLF001  the count of changes in place has no other name


def _is_compiled(module: nn.Module) -> bool:
    # By name: importing dynamo for the classes themselves would cost every user a second.
    context = type(vars(module).get("dynamo_ctx")).__name__
    return type(module).__name__ == "OptimizedModule" and context != "DisableContext"


def _is_composite(module: nn.Module) -> bool:
    """Say whether a module may have a shortcut in it: it has children, and is not a plain sequence of them."""
    return (
        getattr(type(module), "forward", None) is not nn.Sequential.forward
        and next(module.children(), None) is not None
    )
