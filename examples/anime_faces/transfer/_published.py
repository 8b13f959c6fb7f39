"""Weights of StarGAN as its authors publish them: `200000-G.ckpt`, and beside it `200000-D.ckpt`."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

import gankit as gk
from examples.anime_faces.data import Attribute
from examples.anime_faces.recipes.stargan.vector import TargetVector, target_vector
from examples.anime_faces.systems import Blueprint, Drawer
from examples.anime_faces.transfer._changer import Changer
from examples.anime_faces.transfer._instructions import WeightsError
from examples.anime_faces.transfer._weights_file import read_weights

CELEBA = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")
EXPRESSIONS = ("angry", "contemptuous", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
SIZE = 128
"""Height and width of the pictures that the authors train on; their generator takes any size divisible by 4."""

State = Mapping[str, torch.Tensor]
NetworkT = TypeVar("NetworkT", bound=nn.Module)


def changer_of_weights(
    weights: Path, *, attributes: Sequence[str] | None = None, critic: Path | None = None, size: int | None = None
) -> Changer:
    """Return a generator, and its critic if there is one, with weights of the authors' program.

    Args:
        weights: The generator's file, ``*-G.ckpt``.
        attributes: The names of the numbers of its vector. Default: with five of them, those of CelebA that the authors choose;
            with eight, the facial expressions of RaFD.
        critic: The critic's file, ``*-D.ckpt``.
        size: Height and width of the pictures. Default: those of the critic, or 128.

    Raises:
        ValueError: A file cannot be read or holds another network, or the names or sizes do not fit.
    """
    state = _read(weights, "--weights")
    first = state.get("main.0.weight")
    if first is None or first.ndim != 4 or first.shape[1] <= 3 or "conv2.weight" in state:
        hint = (
            "it is a critic, give its *-G.ckpt"
            if "conv2.weight" in state
            else "main.0.weight must have more than 3 inputs"
        )
        raise ValueError(f"--weights {weights} holds no generator of StarGAN: {hint}")
    vector = _vector(attributes, first.shape[1] - 3, weights)
    blocks = len([name for name in state if re.fullmatch(r"main\.\d+\.main\.0\.weight", name)])
    make = partial(
        gk.networks.StarGANGenerator,
        embedder=gk.embedders.MultiHotEmbedder(len(vector.entries)),
        width=first.shape[0],
        blocks=max(1, blocks),
    )
    generator = _loaded(make, state, f"--weights {weights}")
    judge = None if critic is None else _critic(critic, len(vector.entries))
    if judge is not None and size not in (None, judge.resolution):
        raise ValueError(f"--size must be that of --critic, {judge.resolution}, but it is {size}")
    size = size or (SIZE if judge is None else judge.resolution)
    if size < 4 or size % 4:
        raise ValueError(f"--size must be divisible by 4, so that pictures can be halved twice, but it is {size}")
    blueprint = Blueprint(makers={"generator": make}, latents=None)
    return Changer(
        origin=str(weights),
        vector=vector,
        size=size,
        drawer=Drawer(networks={"generator": generator}, blueprint=blueprint, device="cpu"),
        critic=judge,
    )


def _read(path: Path, flag: str) -> State:
    """Read a file of tensors by name; nothing in it is run."""
    if not path.is_file():
        raise ValueError(
            f"{flag} must be a file of weights, but {path} {'is a folder' if path.is_dir() else 'does not exist'}"
        )
    try:
        state = read_weights(path)
    except WeightsError as error:
        raise ValueError(f"{flag} {path} cannot be read as a file of weights alone: {error}") from error
    return {name.removeprefix("module."): one for name, one in state.items()}


def _loaded(make: Callable[[], NetworkT], state: State, what: str) -> NetworkT:
    """Build a network and fill it; the names and shapes of the file must be those of the network."""
    with torch.device("meta"):
        network = make()
    own = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    needed = {
        name for name in own if not name.endswith("num_batches_tracked")
    }  # files of old versions have no such numbers
    missing, unknown = sorted(needed - set(state)), sorted(set(state) - set(own))
    wrong = [name for name in own if name in state and tuple(state[name].shape) != own[name]]
    for problem, names in (("has no", missing), ("has the unknown", unknown)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise ValueError(
                f"{what} {problem} {names[0]}{more}: it does not fit the published {type(network).__name__}"
            )
    if wrong:
        shapes = f"{tuple(state[wrong[0]].shape)}, where the published {type(network).__name__} has {own[wrong[0]]}"
        raise ValueError(f"{what} has {wrong[0]} of shape {shapes}")
    for name, one in state.items():
        if one.is_floating_point() and not bool(torch.isfinite(one).all()):
            raise ValueError(f"{what} has values in {name} that are not finite")
    network = network.to_empty(device="cpu")
    missing_counts = {name: torch.zeros(shape, dtype=torch.int64) for name, shape in own.items() if name not in state}
    network.load_state_dict({**missing_counts, **state})
    return network.float().eval()


def _critic(path: Path, entries: int) -> gk.networks.StarGANCritic:
    state = _read(path, "--critic")
    first, last = state.get("main.0.weight"), state.get("conv2.weight")
    if first is None or last is None or last.ndim != 4:
        raise ValueError(f"--critic {path} holds no critic of StarGAN: it has no main.0.weight, or no conv2.weight")
    if last.shape[0] != entries:
        raise ValueError(f"--critic {path} predicts {last.shape[0]} numbers, but the vector of --weights has {entries}")
    halvings = len([name for name in state if re.fullmatch(r"main\.\d+\.weight", name)])
    make = partial(
        gk.networks.StarGANCritic,
        resolution=last.shape[2] << halvings,
        num_classes=entries,
        width=first.shape[0],
        halvings=halvings,
    )
    return _loaded(make, state, f"--critic {path}")


def _vector(names: Sequence[str] | None, entries: int, weights: Path) -> TargetVector:
    """Return what the numbers of the vector stand for."""
    if names is None and entries == len(EXPRESSIONS):
        return target_vector([Attribute("expression", EXPRESSIONS)])
    names = CELEBA if names is None and entries == len(CELEBA) else names
    if names is None:
        raise ValueError(f"--attributes must name the {entries} attributes of --weights {weights}, as in A,B,C")
    if len(names) != entries or len(set(names)) != len(names):
        raise ValueError(
            f"--attributes must name the {entries} attributes of --weights {weights}, each once, but they are "
            f"{', '.join(names)}"
        )
    return target_vector([Attribute(name, ("no", "yes")) for name in names])
