"""Import losses from installed packages without the other requirements of those packages."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

import torch
from torch import nn

from docs.different_numbers.example import Example

ABSENT = frozenset(
    (
        *("torchvision", "tensorboardX", "tensorboard", "visdom", "kornia", "fire", "retry", "vector_quantize_pytorch"),
        *("contrastive_learner", "aim", "adabelief_pytorch", "torchsummary", "sklearn", "pandas", "matplotlib"),
        *("ema_pytorch", "accelerate", "beartype", "open_clip", "ftfy", "rdt", "joblib", "PIL", "requests", "numerize"),
        *("tqdm", "h5py", "scipy", "skimage", "cv2"),
    )
)
"""Packages that the modules of the losses import but the losses do not use."""


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Creates an empty module for each of these packages that is not installed."""

    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for the packages in `ABSENT` and for modules that newer versions of torch do not have."""
        if fullname.partition(".")[0] in ABSENT or fullname in {"torch._six", "taming.modules.losses.lpips"}:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        """Return a module in which every name can be called."""
        return MagicMock(name=spec.name, __path__=[])

    def exec_module(self, module: types.ModuleType) -> None:
        """Run nothing."""


class Registry:
    """A registry that returns its entries unchanged, in place of the registries of some packages."""

    def register_module(self, *_: object) -> Callable[[object], object]:
        """Return a decorator that changes nothing."""
        return lambda entry: entry

    register = register_module


def stand_in() -> None:
    """Make missing packages importable; installed ones are found first."""
    sys.meta_path.append(StandIns())
    sys.modules["torch.utils.tensorboard"] = MagicMock()


def take(module: str, name: str) -> Any:
    """Import a name from a module of an installed package; some of them cannot be imported without a GPU."""
    with patch("torch.cuda.is_available", return_value=True):
        return getattr(importlib.import_module(module), name)


def take_file(package: str, path: str, name: str) -> Any:
    """Load one file of an installed package without the package itself, whose imports need much more."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {package}")
    dotted = f"{package}.{path.removesuffix('.py').replace('/', '.')}"
    parents = dotted.split(".")[:-1]
    folder = Path(found.submodule_search_locations[0])
    registry = types.ModuleType("registry")
    registry.__dict__.update(MODULES=Registry(), LOSS_REGISTRY=Registry())
    stands = {f"{package}.models.builder": registry, f"{package}.utils.registry": registry}
    for depth in range(1, len(parents) + 1):
        parent = types.ModuleType(".".join(parents[:depth]))
        parent.__path__ = [str(folder.joinpath(*parents[1:depth]))]
        stands[parent.__name__] = parent
    with patch.dict(sys.modules, stands):
        return take(dotted, name)


@contextmanager
def drawing(*draws: torch.Tensor) -> Iterator[None]:
    """Make `torch.rand` return these tensors, in this order."""
    left = iter(draws)
    with patch("torch.rand", lambda *_, **__: next(left)):
        yield


class Scorer(nn.Module):
    """The example's critic as a module, with the few attributes that trainers need."""

    label_type = "none"

    def __init__(self, example: Example) -> None:
        super().__init__()
        self.example = example

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Score images."""
        return self.example.critic(images)
