"""The kept networks: small files beside the code, each with a card that says how it was made."""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import torch as tensors
from torch import nn

from examples.anime_faces.data.render import face_from_seed, render
from examples.anime_faces.files import TooLongError, read_bytes, write_text, written_whole
from examples.anime_faces.judge._network import Encoder, Judge
from examples.anime_faces.records import RecordError, read_record

Network = TypeVar("Network", bound=nn.Module)

FOLDER = Path(__file__).parent
MOST_BYTES = 1 << 26
_CURE = "get it again with the program, from its repository"


def load_judge(device: torch.device | str = "cpu") -> Judge:
    """Return the published judge, in evaluation mode.

    Args:
        device: Device to put it on.

    Example:
        >>> load_judge().training
        False
    """
    return _loaded(Judge(), "judge", device)


def load_encoder(device: torch.device | str = "cpu") -> Encoder:
    """Return the published encoder, in evaluation mode.

    Args:
        device: Device to put it on.

    Example:
        >>> load_encoder().num_features
        128
    """
    return _loaded(Encoder(), "encoder", device)


def load_card(name: str) -> dict[str, Any]:
    """Return the card of a published network: how it was made, and how good it is.

    Args:
        name: ``"judge"`` or ``"encoder"``.

    Raises:
        ValueError: It is damaged.
    """
    path = FOLDER / f"{name}.json"
    try:
        return read_record(path, {"file": {"sha256": str}, "renderer": str})
    except RecordError as error:
        raise ValueError(f"{path} is damaged ({error}): {_CURE}") from error


def save(network: nn.Module, name: str) -> None:
    """Write a network in half precision into this folder, with a card that has its digest alone until `save_card` is called.

    Args:
        network: The network.
        name: Name of the file, without its ending.
    """
    state = {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    with written_whole(FOLDER / f"{name}.safetensors") as temporary:
        temporary.write_bytes(tensors.save({key: value.contiguous() for key, value in state.items()}))
    save_card(name, {})


def save_card(name: str, card: dict[str, Any]) -> None:
    """Write the card of a network: ``card``, its own digest, and what it was made with."""
    weights = (FOLDER / f"{name}.safetensors").read_bytes()
    packages = ("torch", "numpy", "pillow", "safetensors")
    made_with = {"python": platform.python_version()} | {package: version(package) for package in packages}
    whole = card | {
        "file": {"name": f"{name}.safetensors", "bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()},
        "renderer": renderer_fingerprint(),
        "versions": made_with,
    }
    write_text(FOLDER / f"{name}.json", json.dumps(whole, indent=2) + "\n")


def renderer_fingerprint() -> str:
    """Return a digest of some fixed renders; it changes whenever the look of the faces changes.

    Example:
        >>> len(renderer_fingerprint())
        64
    """
    digest = hashlib.sha256()
    for index in range(16):
        digest.update(render(face_from_seed(0, index)).tobytes())
    return digest.hexdigest()


def _loaded(network: Network, name: str, device: torch.device | str) -> Network:
    path = FOLDER / f"{name}.safetensors"
    try:
        weights = read_bytes(path, MOST_BYTES)
    except TooLongError as error:
        raise ValueError(f"{path}: {error}: {_CURE}") from error
    if hashlib.sha256(weights).hexdigest() != load_card(name)["file"]["sha256"]:
        raise ValueError(f"{path} is not the file that its card {name}.json describes: {_CURE}")
    try:
        state = tensors.load(weights)
        # Written in half precision but used in the network's own, because sums in half precision would lose more.
        network.load_state_dict(
            {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
        )
    except Exception as error:  # readers of tensors raise all kinds of errors on other files
        raise ValueError(f"{path} does not hold the weights of this version's {name}: {_CURE}") from error
    return network.eval().requires_grad_(False).to(device=device, memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
