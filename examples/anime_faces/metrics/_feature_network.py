"""A feature network that the user names."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn


def load_features(name: str, device: torch.device | str = "cpu") -> Callable[[torch.Tensor], torch.Tensor]:
    """Return the callable that ``package.module:callable`` names.

    It takes uint8 pictures of shape ``(n, 3, size, size)`` and returns vectors of shape ``(n, features)``. A module is
    put on the device and into evaluation mode. The current folder is searched too.

    Args:
        name: where it is.
        device: where it works.

    Raises:
        ValueError: if there is no such module or it has no such callable.
    """
    place, colon, attribute = name.partition(":")
    if not (place and colon and attribute):
        raise ValueError(f"features must be given as package.module:callable, got {name!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(importlib.import_module(place), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"features {name!r} cannot be loaded: {error}") from error
    if isinstance(found, nn.Module):
        return found.to(device).eval()
    if not callable(found):
        raise ValueError(f"features {name!r} must be callable, got {type(found).__name__}")
    return cast("Callable[[torch.Tensor], torch.Tensor]", found)
