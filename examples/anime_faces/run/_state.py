"""All state of a run as plain containers of tensors: collected, restored, checked, and hashed."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch

import gankit as gk
from examples.anime_faces.recipes._recipe import System
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._record import NotFiniteError, Record

FORMAT = 1


def collect_state(system: System, feed: Feed, record: Record, *, step: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return everything that the next step depends on."""
    return {
        "format": FORMAT,
        "settings": settings,
        "step": step,
        "networks": {name: gk.training.network_state(network) for name, network in system.networks.items()},
        "average": system.average.state_dict(),
        "optimizers": {name: optimizer.state_dict() for name, optimizer in system.optimizers.items()},
        "draws": feed.draws,
        "random": {
            "cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        },
        "recent": record.state_dict(),
        # Left out where there are none: then a state is what it was before systems could have parts.
        **({"parts": {name: part.state_dict() for name, part in system.parts.items()}} if system.parts else {}),
    }


def restore_state(state: Mapping[str, Any], system: System, feed: Feed, record: Record) -> int:
    """Put a collected state back and return its step.

    Raises:
        ValueError: The state was written in another format.
    """
    check_format(state)
    for name, network in system.networks.items():
        gk.training.load_network_state(network, state["networks"][name])
    system.average.load_state_dict(state["average"])
    for name, optimizer in system.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    for name, part in system.parts.items():
        part.load_state_dict(state["parts"][name])
    feed.draws = state["draws"]
    record.load_state_dict(state["recent"])
    torch.set_rng_state(state["random"]["cpu"])
    if torch.cuda.is_available() and state["random"]["cuda"]:
        torch.cuda.set_rng_state_all(state["random"]["cuda"])
    return int(state["step"])


def check_format(state: Mapping[str, Any]) -> None:
    """Refuse a checkpoint that this version cannot read."""
    if state.get("format") != FORMAT:
        raise ValueError(f"the checkpoint has format {state.get('format')!r}, but this version reads format {FORMAT}")


def check_finite_weights(system: System, step: int) -> None:
    """Refuse to save networks that a step has broken.

    Raises:
        NotFiniteError: A weight or buffer is NaN or infinite; names it.
    """
    for owner, network in system.networks.items():
        for name, tensor in gk.training.network_state(network).items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise NotFiniteError(f"step {step}: {owner}.{name} is not finite; training stopped, nothing was saved")


def digest(state: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all state but the settings, which name folders.

    Two runs have the same digest if, and only if, every weight, optimizer moment, average, random state, data position and
    running average is the same, bit for bit.
    """
    hasher = hashlib.sha256()
    _feed_hasher(hasher, "", {name: value for name, value in state.items() if name != "settings"})
    return hasher.hexdigest()


def _feed_hasher(hasher: "hashlib._Hash", path: str, value: object) -> None:
    if isinstance(value, torch.Tensor):
        data = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        hasher.update(f"{path}:{value.dtype}:{tuple(value.shape)}:".encode())
        hasher.update(data.tobytes())
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            _feed_hasher(hasher, f"{path}/{key}", value[key])
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            _feed_hasher(hasher, f"{path}/{index}", entry)
    else:
        hasher.update(f"{path}={value!r};".encode())
