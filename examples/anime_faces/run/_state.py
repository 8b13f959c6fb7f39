"""All state of a run as plain containers of tensors: collected, restored, checked, hashed, and taken from another run."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._rank_parts import parts_of_all, parts_of_rank
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._together import ALONE, Together
from examples.anime_faces.systems import Training

FORMAT = 2


def collect_state(
    training: Training, feed: Feed, record: Record, *, step: int, settings: dict[str, Any], together: Together = ALONE
) -> dict[str, Any]:
    """Return everything that the next step depends on: the same on all ranks, of which each must call this."""
    state = training.state_dict()
    return {
        "format": FORMAT,
        "settings": settings,
        "step": step,
        **state,
        "parts": parts_of_all(state["parts"], together),
        "draws": feed.draws,
        "random": gk.training.random_state(python=False),
        "recent": record.state_dict(),
    }


def restore_state(
    state: Mapping[str, Any], training: Training, feed: Feed, record: Record, together: Together = ALONE
) -> int:
    """Put a collected state back and return its step.

    Raises:
        ValueError: The state was written in another format, or does not fit.
    """
    state = in_current_format(state, training.updates)
    training.load_state_dict({**state, "parts": parts_of_rank(state["parts"], together)})
    feed.draws = state["draws"]
    record.load_state_dict(state["recent"])
    random = state["random"]
    # Runs were saved at first with the states of all CUDA devices of the machine, used or not.
    devices = random["devices"] if "version" in random else {"cuda": random["cuda"]}
    torch.set_rng_state(random["cpu"])
    was, now = (torch.device(name) for name in (state["settings"]["hardware"]["device"], training.hardware.device))
    if problem := _restore_device(devices.get(was.type, ()), was, now):
        print(f"note: random numbers: {problem}; the run goes on, but it need not repeat bit for bit")
    return int(state["step"])


def _restore_device(states: Sequence[torch.Tensor], was: torch.device, now: torch.device) -> str:
    """Put the random state of the device of the run back, on whichever it is now; return what could not be restored.

    The other devices of the machine do not matter: the run draws nothing from them.

    Args:
        states: Those of all devices of its type when the run was saved.
        was: The device of the run when it was saved.
        now: Its device now.
    """
    if was.type != now.type:
        return f"those of {was} cannot go on on {now}"
    if now.type == "cpu":
        return ""
    place = was.index or 0
    if not states:
        return f"those of {was} were not saved"
    try:
        module = torch.get_device_module(now.type)
        which = () if now.type == "mps" else (now,)  # there is one at most, and it takes no number
        module.set_rng_state(states[place if place < len(states) else 0], *which)
    except RuntimeError as error:
        return f"those of {was} do not fit {now} ({str(error).splitlines()[0]})"
    return ""


def in_current_format(
    state: Mapping[str, Any], updates: Mapping[str, gk.training.Update] | None = None
) -> Mapping[str, Any]:
    """Return a state in the layout of the current format.

    Format 1 had one average, of the generator, and the states of optimizers by ``"critic"`` and ``"generator"``. Where the
    generator drew in 0..1, it had a wrapper, so that its names began with ``generator.``.

    Args:
        state: What was saved.
        updates: The updates that go on from the state; None if only networks are taken from it.

    Raises:
        ValueError: The format is not known here.
    """
    if state.get("format") == FORMAT:
        return state
    if state.get("format") != 1:
        raise ValueError(
            f"the checkpoint has format {state.get('format')!r}, but this version reads the formats 1 and {FORMAT}"
        )
    average = state["average"]
    return {
        **state,
        "networks": {name: _unwrapped(network) for name, network in state["networks"].items()},
        "averages": {"generator": {**average, "network": _unwrapped(average["network"])}},
        "updates": {} if updates is None else _updates_of_format_1(state["optimizers"], updates),
        "parts": state.get("parts", {}),
    }


def _unwrapped(network: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    wrapped = all(name.startswith("generator.") for name in network)
    return {name.removeprefix("generator.") if wrapped else name: tensor for name, tensor in network.items()}


def _updates_of_format_1(optimizers: Mapping[str, Any], updates: Mapping[str, gk.training.Update]) -> dict[str, Any]:
    owners: dict[str, str] = {}
    states: dict[str, Any] = {}
    for name in updates:
        turn = name.split("/")[0]
        owner = owners.setdefault(turn, name)
        optimizer = optimizers[turn] if owner == name else {"shared_with": owner}
        states[name] = {"version": 1, "updates": 0, "optimizer": optimizer}  # updates were not counted
    return states


def check_finite_weights(training: Training, step: int) -> None:
    """Refuse to save networks with values that are not finite.

    Raises:
        TrainingDivergedError: A weight or buffer is NaN or infinite; names it.
    """
    for owner, network in training.networks.items():
        for name, tensor in gk.training.network_state(network).items():
            if (
                isinstance(tensor, torch.Tensor)
                and tensor.is_floating_point()
                and not bool(torch.isfinite(tensor).all())
            ):
                raise TrainingDivergedError(
                    f"step {step}: {owner}.{name} is not finite; training stopped, nothing was saved"
                )


def digest(state: Mapping[str, Any]) -> str:
    """Return the SHA-256 of all state but the settings, which name folders.

    Two runs have the same digest if, and only if, every weight, optimizer moment, average, random state, data position and
    running average is the same, bit for bit.
    """
    hasher = hashlib.sha256()
    _feed_hasher(hasher, "", {name: value for name, value in state.items() if name != "settings"})
    return hasher.hexdigest()


def digests(state: Mapping[str, Any]) -> dict[str, str]:
    """Return the digests of what must be the same on all ranks, by name; of random numbers, those of the CPU."""
    names = [name for name in state if name not in ("settings", "random")]
    return {name: digest({name: state[name]}) for name in names} | {
        "random numbers": digest({"": state["random"]["cpu"]})
    }


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


def load_any_checkpoint(path: Path) -> Mapping[str, Any]:
    """Load a checkpoint file, or the newest checkpoint of a run's folder, in the format in which it was written.

    Raises:
        ValueError: There is no checkpoint there, or it is damaged or of another format.
    """
    if path.is_dir():
        folder = path / "checkpoints" if (path / "checkpoints").is_dir() else path
        found = gk.training.Checkpoints(folder).load_latest()
        if found is None:
            raise ValueError(f"{path} holds no checkpoint; train there first")
        state = found[1]
    elif path.exists():
        saved = gk.training.load_checkpoint(path)
        state = saved.get("state", {}) if isinstance(saved, dict) else {}
    else:
        raise ValueError(f"{path} does not exist; it should be a run's folder or a checkpoint")
    in_current_format(state)
    return state


def take_networks(state: Mapping[str, Any], training: Training) -> tuple[int, list[str]]:
    """Copy every weight whose name and shape agree into the networks and the averages.

    Returns:
        How many weights and buffers of the networks were taken; and what was not and keeps its fresh start, one line each,
        with the reason.

    Raises:
        ValueError: Nothing at all agrees.
    """
    state = in_current_format(state)
    left_out: list[str] = []
    taken = 0
    for name, network in training.networks.items():
        count, missing = _take(state["networks"].get(name, {}), network, name)
        taken += count
        left_out += missing
    if taken == 0:
        raise ValueError("no weight of the checkpoint given by --from has the name and shape of one here")
    for name, average in training.averages.items():
        saved = state["averages"].get(name, {"network": {}})
        left_out += _take(saved["network"], average.network, f"average of {name}")[1]
    return taken, left_out


def _take(source: Mapping[str, Any], network: nn.Module, owner: str) -> tuple[int, list[str]]:
    own = gk.training.network_state(network)  # whose names are those of checkpoints, whatever wraps layers
    left_out: list[str] = []
    taken: dict[str, Any] = {}
    for name, value in own.items():
        shapes = [tuple(one.shape) if isinstance(one, torch.Tensor) else "unknown" for one in (source.get(name), value)]
        if name not in source:
            left_out.append(f"{owner}.{name}: not in the checkpoint")
        elif shapes[0] != shapes[1]:
            left_out.append(f"{owner}.{name}: shape {shapes[0]} there, {shapes[1]} here")
        else:
            taken[name] = source[name]
    left_out += [f"{owner}.{name}: not in this network" for name in source if name not in own]
    gk.training.load_network_state(network, {**own, **taken})
    return len(taken), left_out
