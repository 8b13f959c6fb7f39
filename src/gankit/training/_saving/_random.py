"""The states of random number generators, saved on one machine and restored on another."""

import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gankit._core import check_version

VERSION = 1


def random_state(*, python: bool = True) -> dict[str, Any]:
    """Return the states of the default random number generators as tensors and plain values.

    They are those of torch on the CPU and on each device that the process uses (CUDA, XPU, MPS), of Python's ``random`` and of
    ``numpy.random``. Generators of your own have states of their own: ``rng.get_state()``.

    Args:
        python: Include the states of Python's ``random`` and of ``numpy.random``. Leave them out if nothing draws from them:
            they differ from process to process unless they were seeded.

    Example:
        >>> import torch
        >>> from gankit.training import load_random_state, random_state
        >>> state = random_state()
        >>> first = torch.rand(3)
        >>> load_random_state(state)
        >>> bool((torch.rand(3) == first).all())
        True
    """
    state: dict[str, Any] = {"version": VERSION, "cpu": torch.get_rng_state(), "devices": _of_devices()}
    if python:
        version, numbers, gauss = random.getstate()
        kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002  the state of others' draws
        state["python"] = [version, list(numbers), gauss]
        state["numpy"] = [kind, [int(key) for key in keys], *rest]
    return state


def load_random_state(state: Mapping[str, Any]) -> None:
    """Restore a state that `random_state` returned, as far as this machine has the devices.

    Args:
        state: What `random_state` returned, on any machine.

    Raises:
        ValueError: It is not such a state. Nothing is changed.

    Warns:
        UserWarning: The state holds generators of devices that are not here, or the other way round: one line says which. Their
            numbers differ from those of a run without a stop.

    Example:
        >>> import torch
        >>> from gankit.training import load_random_state, random_state
        >>> state = random_state()
        >>> first = torch.rand(3)
        >>> load_random_state(state)
        >>> bool((torch.rand(3) == first).all())
        True
    """
    check_version("the random numbers", state, VERSION, "cpu", "devices")
    before = torch.get_rng_state()
    try:
        torch.set_rng_state(torch.as_tensor(state["cpu"], device="cpu"))
        if "python" in state:
            version, numbers, gauss = state["python"]
            random.setstate((version, tuple(numbers), gauss))
        if "numpy" in state:
            np.random.set_state(tuple(state["numpy"]))  # noqa: NPY002
    except (RuntimeError, TypeError, ValueError) as error:
        torch.set_rng_state(before)
        raise ValueError(f"state of the random numbers must be one that random_state returned, got: {error}") from error
    notes = _restore_devices(state["devices"])
    if notes:
        warnings.warn(f"random numbers go on from another state than saved: {'; '.join(notes)}", stacklevel=2)


def _accelerator() -> tuple[str, Any, int]:
    """Return the type of the devices that this process can use, torch's module for them, and their number."""
    device = torch.accelerator.current_accelerator(check_available=True)
    if device is None:
        return "", None, 0
    return device.type, torch.get_device_module(device), torch.accelerator.device_count()


def _of_devices() -> dict[str, list[torch.Tensor]]:
    kind, module, count = _accelerator()
    # Of a device that was never used nothing was drawn, and asking it would make a context on it.
    if count == 0 or not getattr(module, "is_initialized", lambda: True)():
        return {}
    if count == 1:  # MPS takes no number
        return {kind: [module.get_rng_state()]}
    return {kind: [module.get_rng_state(number) for number in range(count)]}


def _restore_devices(saved: Mapping[str, list[torch.Tensor]]) -> list[str]:
    """Restore what fits, and return a note on the rest."""
    kind, module, count = _accelerator()
    notes = []
    for other, states in saved.items():
        here = count if other == kind else 0
        for number, state in enumerate(states[:here]):
            module.set_rng_state(state) if count == 1 else module.set_rng_state(state, number)
        if len(states) > here:
            notes.append(f"the state has {len(states)} {other} device{'s'[: len(states) > 1]}, this machine has {here}")
    known = len(saved.get(kind, ()))
    if saved and 0 < known < count:
        notes.append(f"this machine has {count} {kind} devices, the state has {known}")
    if count and not known:
        notes.append(f"the state has no {kind} device, this machine has {count}")
    return notes
