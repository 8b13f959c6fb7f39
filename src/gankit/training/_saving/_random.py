"""The states of random number generators, saved on one machine and restored on another."""

import math
import random
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gankit._core import brief, check_version, dense_tensor, lacks_memory

VERSION = 1
WHOSE = "the random numbers"
PLACES = 624
"""Numbers in a state of the Mersenne Twister, that of Python's and NumPy's default generators."""


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
    check_version(WHOSE, state, VERSION, "cpu", "devices", optional=("python", "numpy"))
    cpu, devices = _bytes("cpu", state["cpu"]), _checked_devices(state["devices"])
    before = random_state()
    try:
        torch.set_rng_state(cpu)
        if "python" in state:
            _restore_python(state["python"])
        if "numpy" in state:
            _restore_numpy(state["numpy"])
        notes = _restore_devices(devices)
    except Exception as error:
        torch.set_rng_state(before["cpu"])
        _restore_python(before["python"])
        _restore_numpy(before["numpy"])
        _restore_devices(before["devices"])
        if lacks_memory(error):
            raise
        raise ValueError(f"state of {WHOSE} must be one that random_state returned, got: {error}") from error
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


def _bytes(entry: str, value: object) -> torch.Tensor:
    tensor = dense_tensor(WHOSE, entry, value)
    if tensor.ndim != 1:
        raise ValueError(f"state of {WHOSE} must hold {entry} as a row of bytes, got {brief(value)}")
    return tensor.to("cpu")


def _checked_devices(saved: object) -> dict[str, list[torch.Tensor]]:
    if not isinstance(saved, Mapping) or not all(
        isinstance(kind, str) and isinstance(states, list | tuple) for kind, states in saved.items()
    ):
        raise ValueError(f"state of {WHOSE} must hold devices as a dict of lists of states, got {brief(saved)}")
    return {
        kind: [_bytes(f"devices[{kind!r}][{number}]", state) for number, state in enumerate(states)]
        for kind, states in saved.items()
    }


def _restore_python(saved: Any) -> None:
    version, numbers, gauss = saved
    if not (gauss is None or (isinstance(gauss, float) and math.isfinite(gauss))):
        raise ValueError(f"the next normal number of Python must be a finite number or None, got {brief(gauss)}")
    random.setstate((version, tuple(numbers), gauss))


def _restore_numpy(saved: Any) -> None:
    kind, keys, place, has_gauss, gauss = saved
    # NumPy checks neither, and reads beyond its memory from a place that is too large.
    if isinstance(place, bool) or not isinstance(place, int) or not 0 <= place <= PLACES:
        raise ValueError(f"the place in the numbers of NumPy must lie in 0..{PLACES}, got {brief(place)}")
    if has_gauss not in (0, 1) or not isinstance(gauss, float) or not math.isfinite(gauss):
        raise ValueError(f"the next normal number of NumPy must be a finite number, got {brief(gauss)}")
    if len(keys) != PLACES or not all(type(key) is int and 0 <= key < 1 << 32 for key in keys):
        raise ValueError(f"the numbers of NumPy must be {PLACES} of 32 bits each, got {brief(keys)}")
    np.random.set_state((kind, keys, place, has_gauss, gauss))  # noqa: NPY002


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
