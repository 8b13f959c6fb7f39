"""What the peers need to be imported today: stand-ins for modules that are gone or that only their pictures and logs use."""

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

import torch

FOLDER = Path("runs/peers")
STOOD_IN_FOR = (
    *("torchvision", "torchvision.datasets", "torchvision.models", "torchvision.transforms", "torchvision.utils"),
    *(
        "torchvision.models.inception",
        "tensorboardX",
        "torch._six",
        "torch.utils.tensorboard",
        "sklearn.metrics.pairwise",
    ),
    *("sklearn", "sklearn.metrics", "matplotlib", "matplotlib.pyplot", "scipy", "scipy.linalg", "skimage", "requests"),
    *("tensorflow", "pandas", "tqdm", "PIL", "PIL.Image"),
)


class PeerError(RuntimeError):
    """A library cannot do what is timed; the message says why in a few words."""


def peer_module(name: str) -> Any:
    """Import a module of a peer from `FOLDER`.

    Raises:
        PeerError: It is not installed.
    """
    folder = FOLDER.resolve()
    top = name.partition(".")[0]
    if top not in sys.modules and not (folder / top).is_dir():
        raise PeerError("not installed: python -m benchmarks.step_throughput.peers")
    before = sys.path.copy()
    sys.path.append(str(folder))
    try:
        with _stand_ins(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    finally:
        sys.path[:] = before


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let new tensors have this dtype, since the peers draw in the default one."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Let modules that cannot be imported be mocks while a peer is imported."""
    missing: list[str] = []
    for name in STOOD_IN_FOR:
        if name not in sys.modules and not _can_be_found(name):
            stand_in: ModuleType = MagicMock(name=name, __path__=[], __spec__=None)
            sys.modules[name] = stand_in
            missing.append(name)
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)


def _can_be_found(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (ImportError, RuntimeError):
        return False
    return True
