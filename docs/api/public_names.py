"""The public names of gankit, read from its folders: each ``__init__.py`` is its folder's table of contents."""

import ast
import importlib
import inspect
import re
from collections import Counter
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
FORMS = {"Points": "constraints", "Features": "losses", "NamedScalars": "training"}
"""Types that several signatures name and that their folder does not export; the page of roles explains them."""


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


def assigned_in(name: str, folder: str, package: Path = PACKAGE) -> str:
    """Return the private module of a folder, or of a sub-folder of it, that assigns a name such as a type alias.

    Raises:
        ValueError: None does, or several do.
    """
    homes = [path for path in sorted((package / folder).rglob("_*.py")) if name in _assigned_names(path)]
    if len(homes) != 1:
        raise ValueError(f"one file of {folder} must assign {name}, got {[home.name for home in homes]}")
    return _module(homes[0], package)


def documented_assignments(home: str) -> dict[str, tuple[str, str]]:
    """Read a module's assignments: each target's expression, and the string that follows it as documentation."""
    source = inspect.getsource(importlib.import_module(home))
    body = ast.parse(source).body
    found = {}
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        else:
            continue
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = inspect.cleandoc(str(following.value.value))
        if isinstance(target, ast.Name) and statement.value is not None:
            found[target.id] = (ast.unparse(statement.value), text)
    return found


def _assigned_names(path: Path) -> set[str]:
    found: set[str] = set()
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        found.update(target.id for target in targets if isinstance(target, ast.Name))
    return found


def _module(path: Path, package: Path) -> str:
    return ".".join(path.relative_to(package.parent).with_suffix("").parts)


def public_folders(package: Path = PACKAGE) -> list[str]:
    """Return the names of the public folders of the package, in reading order; new ones come last."""
    found = {init.parent.name for init in package.glob("*/__init__.py") if not init.parent.name.startswith("_")}
    return [name for name in READING_ORDER if name in found] + sorted(found.difference(READING_ORDER))


def public_names(folder: str, package: Path = PACKAGE) -> Iterator[PublicName]:
    """Yield the names that a folder's ``__init__.py`` re-exports in the form ``X as X``."""
    for name, home in _re_exports(package / folder, package):
        yield PublicName(folder=f"{package.name}.{folder}", name=name, home=home)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Public names of a folder that serve one purpose.

    Args:
        folder: The folder's name, such as ``losses``.
        title: What the names are, such as ``Objectives``.
        purpose: When to look here.
        names: The names, the most used first.
    """

    folder: str
    title: str
    purpose: str
    names: tuple[PublicName, ...]

    @property
    def anchor(self) -> str:
        """The name of the group's place on the folder's page."""
        return re.sub(r"\W+", "-", self.title.lower())


def groups(folder: str, package: Path = PACKAGE) -> list[Group]:
    """Return the groups that the docstring of a folder's ``__init__.py`` lists under ``Groups:``.

    A group is a line ``Title: purpose.``, which may go on in the next lines, and below it, indented, its names.

    Raises:
        ValueError: A public name is in no group or in several, a group has a name that is not public, or a line is no group.
    """
    known = {public.name: public for public in public_names(folder, package)}
    found: list[Group] = []
    for head, listed in _listed_groups(folder, package):
        title, colon, purpose = head.partition(": ")
        unknown = [name for name in listed if name not in known]
        if not colon or unknown:
            raise ValueError(f"{folder}, group {head!r}: expected 'Title: purpose' and public names, got {unknown}")
        found.append(Group(folder=folder, title=title, purpose=purpose, names=tuple(known[name] for name in listed)))
    placed = Counter(public.name for group in found for public in group.names)
    if wrong := [name for name in known if placed[name] != 1]:
        raise ValueError(f"{folder}: each public name must be in one group of the docstring, these are not: {wrong}")
    return found


def _listed_groups(folder: str, package: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the line of each group and the names below it."""
    tree = ast.parse((package / folder / "__init__.py").read_text(encoding="utf-8"))
    _, _, listed = (ast.get_docstring(tree) or "").partition("\nGroups:\n")
    for group in re.finditer(r"((?:^ {4}\S.*\n)+)((?:^ {8}\S.*\n?)+)", listed + "\n", flags=re.MULTILINE):
        yield (
            " ".join(group[1].split()),
            [name.strip() for name in " ".join(group[2].split()).split(",") if name.strip()],
        )


def _re_exports(folder: Path, package: Path) -> Iterator[tuple[str, str]]:
    """Yield each name with the module that defines it, also through the table of contents of a private sub-folder."""
    for statement in ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body:
        if not isinstance(statement, ast.ImportFrom) or statement.module is None:
            continue
        source = package.parent.joinpath(*statement.module.split("."))
        below = dict(_re_exports(source, package)) if (source / "__init__.py").is_file() else {}
        for alias in statement.names:
            if alias.asname == alias.name and not alias.name.startswith("_"):
                yield alias.name, below.get(alias.name, statement.module)
