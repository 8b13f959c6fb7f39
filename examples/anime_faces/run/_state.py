"""All state of a run as plain containers of tensors: collected, restored, checked, hashed, and taken from another run."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.errors import TrainingDivergedError
from examples.anime_faces.printing import say
from examples.anime_faces.run._feed import Feed
from examples.anime_faces.run._formats import FORMAT, in_current_format
from examples.anime_faces.run._rank_parts import parts_of_all, parts_of_rank
from examples.anime_faces.run._record import Record
from examples.anime_faces.run._together import ALONE, Together
from examples.anime_faces.systems import Training


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


def say_lost(problem: str) -> None:
    """Say that random numbers could not be restored."""
    say(f"note: random numbers: {problem}; the run continues, but it need not repeat bit for bit")


def restore_state(
    state: Mapping[str, Any],
    training: Training,
    feed: Feed,
    record: Record,
    together: Together = ALONE,
    *,
    on_lost: Callable[[str], object] = say_lost,
) -> int:
    """Put a collected state back and return its step; `on_lost` is called with what could not be restored.

    Raises:
        ValueError: The state was written in another format, or does not fit.
    """
    state = in_current_format(state, training.updates)
    _check_names(state, training)
    training.load_state_dict({**state, "parts": parts_of_rank(state["parts"], together)})
    feed.draws = state["draws"]
    record.load_state_dict(state["recent"])
    random = state["random"]
    # Runs were saved at first with the states of all CUDA devices of the machine, used or not.
    devices = random["devices"] if "version" in random else {"cuda": random["cuda"]}
    torch.set_rng_state(random["cpu"])
    was, now = (torch.device(name) for name in (state["settings"]["hardware"]["device"], training.hardware.device))
    problem = _restore_device(devices.get(was.type, ()), was, now)
    if problem:
        on_lost(problem)
    return int(state["step"])


def _check_names(state: Mapping[str, Any], training: Training) -> None:
    """Refuse a state without a part that is trained here, as that of another version of a recipe may be."""
    parts = {"networks": training.networks, "averages": training.averages, "parts": training.system.parts}
    for kind, own in parts.items():
        missing = own.keys() - state[kind].keys()
        if missing:
            raise ValueError(
                f"the checkpoint holds no {min(missing)} among its {kind}: it is of another version of the recipe"
            )


def _restore_device(states: Sequence[torch.Tensor], was: torch.device, now: torch.device) -> str:
    """Put the random state of the device of the run back, on whichever it is now; return what could not be restored.

    The other devices of the machine do not matter: the run draws nothing from them.

    Args:
        states: Those of all devices of its type when the run was saved.
        was: The device of the run when it was saved.
        now: Its device now.
    """
    if was.type != now.type:
        return f"those of {was} cannot continue on {now}"
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
                raise TrainingDivergedError(f"step {step}: {owner}.{name} is not finite")


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
        hasher.update(_encoded(f"{path}:{value.dtype}:{tuple(value.shape)}:"))
        hasher.update(data.tobytes())
    elif isinstance(value, Mapping):
        for key in sorted(value, key=str):
            _feed_hasher(hasher, f"{path}/{key}", value[key])
    elif isinstance(value, list | tuple):
        for index, entry in enumerate(value):
            _feed_hasher(hasher, f"{path}/{index}", entry)
    else:
        hasher.update(_encoded(f"{path}={value!r};"))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # names of files need not be text


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
