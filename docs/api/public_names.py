"""The public names of gankit, read from its folders: each ``__init__.py`` is its folder's table of contents."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "gankit"
READING_ORDER = (
    "losses",
    "constraints",
    "schedules",
    "latents",
    "augment",
    "blocks",
    "embedders",
    "networks",
    "training",
)
FORMS = {"Points": "gankit.constraints._points", "Features": "gankit.losses._feature_matching"}
"""Types that several signatures name and that no folder exports; the page of roles explains them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicName:
    """One re-exported name.

    Args:
        folder: The folder's public path, such as ``gankit.losses``.
        name: The name itself, such as ``critic_loss``.
        home: The private module that defines it, such as ``gankit.losses._critic_loss``.
    """

    folder: str
    name: str
    home: str

    @property
    def path(self) -> str:
        """The path that users write, such as ``gankit.losses.critic_loss``."""
        return f"{self.folder}.{self.name}"

    def load(self) -> Any:
        """Import the folder and return the object."""
        return getattr(importlib.import_module(self.folder), self.name)


def public_folders(package: Path = PACKAGE) -> list[str]:
    """Name the public folders of the package in the order in which they are best read; new ones come last."""
    found = {init.parent.name for init in package.glob("*/__init__.py") if not init.parent.name.startswith("_")}
    return [name for name in READING_ORDER if name in found] + sorted(found.difference(READING_ORDER))


def public_names(folder: str, package: Path = PACKAGE) -> Iterator[PublicName]:
    """Yield the names that a folder's ``__init__.py`` re-exports in the form ``X as X``."""
    tree = ast.parse((package / folder / "__init__.py").read_text(encoding="utf-8"))
    for statement in tree.body:
        if not isinstance(statement, ast.ImportFrom) or statement.module is None:
            continue
        for alias in statement.names:
            if alias.asname == alias.name and not alias.name.startswith("_"):
                yield PublicName(folder=f"{package.name}.{folder}", name=alias.name, home=statement.module)
