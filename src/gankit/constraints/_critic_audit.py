"""The audit of a critic's first call under a penalty: what is silently wrong there warns or raises."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from gankit.constraints._stack_level import stack_level_of_user

_ADVICE_ON_NORMS = (
    "couples the samples of a penalized critic, so that the penalty is no longer one of each sample's own gradient: use "
    "torch.nn.GroupNorm(1, channels) (layer norm, as WGAN-GP does), instance norm or no norm"
)


@contextmanager
def audited(modules: list[nn.Module]) -> Iterator[None]:
    """Watch one call of the critic that stands on `modules` by forward hooks, and take them away again.

    Warns:
        UserWarning: Batch normalization normalizes over the batch, or a composite module changes its own input in place.

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
    """What was seen; one message of each kind, about the first module that gave cause."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}
        # By module: replicas of nn.DataParallel run in threads of their own.
        self._versions: dict[int, list[list[tuple[torch.Tensor, int]]]] = {}

    def before(self, name: str) -> Callable[..., None]:
        """Return a hook that looks at what is called, and notes the versions of a composite's inputs."""

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
        """Return a hook that compares the versions of a composite's inputs with those noted."""

        def compare(module: nn.Module, *_: object) -> None:
            if any(_version(tensor) != version for tensor, version in self._versions[id(module)].pop()):
                self.messages.setdefault(
                    "in place",
                    f"{type(module).__name__} {name!r} changed its own input in place: a shortcut around it reads the "
                    "changed values; build its activation with inplace=False",
                )

        return compare


def compiled_message(what: str) -> str:
    """Say why a compiled critic under an eager penalty is refused, and what to do."""
    return (
        f"critic must not be compiled by itself under a penalty, got {what}: torch cannot differentiate compiled code twice, "
        "and where all weights are parametrized it drops the penalty without a word. Compile the whole step, with the penalty "
        "and the backward pass inside, or give the penalty the module that was compiled"
    )


def _named_modules(modules: list[nn.Module]) -> Iterator[tuple[str, nn.Module]]:
    """Each module once; none inside ``module.compile()``, whose graph a hook would change: its trace in autograd tells."""
    seen: set[nn.Module] = set()
    waiting = [("", module) for module in modules]
    while waiting:
        name, module = waiting.pop()
        if module in seen or getattr(module, "_compiled_call_impl", None) is not None:
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
    """Whether it may hold a shortcut: it has children, and does more than to call them in turn."""
    return (
        getattr(type(module), "forward", None) is not nn.Sequential.forward
        and next(module.children(), None) is not None
    )
