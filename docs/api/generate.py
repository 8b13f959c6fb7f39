"""Writes the sources of the API reference: a page for each folder and for each public name, from the code itself."""

import ast
import importlib
import inspect
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from papers import cited_papers
from public_names import (
    FORMS,
    PACKAGE,
    PublicName,
    assigned_in,
    documented_assignments,
    groups,
    public_folders,
    public_names,
)

HERE = Path(__file__).resolve().parent
GENERATED = HERE / "generated"


def title(text: str, underline: str = "=") -> str:
    """Return a reStructuredText heading."""
    return f"{text}\n{underline * len(text)}\n"


def hidden_toctree(entries: list[str]) -> str:
    """Add pages to the reference without showing a second list of them."""
    return ".. toctree::\n   :hidden:\n\n" + "".join(f"   {entry}\n" for entry in entries)


def summary(public: PublicName) -> str:
    """Return the first paragraph of what describes a public name, as one line."""
    thing = public.load()
    described = inspect.isclass(thing) or inspect.isfunction(thing)
    text = inspect.getdoc(thing) if described else documented_assignments(public.home)[public.name][1]
    return " ".join((text or "").partition("\n\n")[0].split())


def definitions(entries: Iterable[tuple[str, str]], kind: str = "") -> str:
    """Return a list of terms and what they are, which stand beside each other where there is room."""
    listed = "".join(f"   {term}\n      {text}\n\n" for term, text in entries)
    return f".. container:: {f'listing {kind}'.rstrip()}\n\n{listed}"


def alias_entry(name: str, expression: str, text: str) -> str:
    """Describe a type alias. Autodoc cannot do this: an alias has no docstring."""
    indented = "".join(f"   {line}\n" if line else "\n" for line in text.splitlines())
    return f".. py:type:: {name}\n   :canonical: {expression}\n\n{indented}\n"


def name_page(public: PublicName) -> str:
    """Return the page of one public name."""
    head = title(public.name) + f"\n.. py:currentmodule:: {public.folder}\n\n"
    thing = public.load()
    if inspect.isclass(thing):
        return head + f".. autoclass:: {public.path}\n"
    if inspect.isfunction(thing):
        return head + f".. autofunction:: {public.path}\n"
    expression, text = documented_assignments(public.home)[public.name]
    if not text:
        raise ValueError(f"{public.path} is a public alias, so a string below its assignment must describe it")
    return head + alias_entry(public.name, expression, text)


GUIDES = {
    "losses": ("Choose an objective", "losses.html"),
    "constraints": ("Penalties and clipping", "penalties.html"),
    "schedules": ("Schedules", "schedules.html"),
    "latents": ("Latents and augmentation", "latents_and_augmentation.html#latents"),
    "augment": ("Latents and augmentation", "latents_and_augmentation.html#augmentation"),
    "blocks": ("Blocks and orders", "blocks.html"),
    "embedders": ("Conditions", "conditions.html"),
    "networks": ("Networks", "networks.html"),
    "training": ("Training", "training.html"),
}
"""The guide that says when to use which name of a folder."""


def link(public: PublicName) -> str:
    """Return a link to the page of a public name."""
    return f":py:obj:`~{public.path}`"


def folder_page(folder: str) -> str:
    """Return a folder's page: its docstring, then its names by purpose, with their summaries."""
    path = f"gankit.{folder}"
    page = title(path) + f"\n.. automodule:: {path}\n   :no-members:\n\n"
    text, address = GUIDES[folder]
    page += f"When to use which: `{text} <../{address}>`__.\n\n"
    for group in groups(folder):
        page += title(group.title, "-") + f"\n{group.purpose}\n\n"
        page += definitions((link(public), summary(public)) for public in group.names)
    return page + "\n" + hidden_toctree([name.path for name in public_names(folder)])


def index_page(folders: list[str]) -> str:
    """Return the first page: every folder with its groups, and what to look for in which group."""
    page = (HERE / "introduction.rst").read_text(encoding="utf-8") + "\n"
    for folder in folders:
        path = f"gankit.{folder}"
        what = inspect.getdoc(importlib.import_module(path)) or ""
        what = re.sub(r"^Floor \d+: (\w)", lambda match: match[1].upper(), what.partition("\n")[0])
        page += title(path, "-") + f"\n{what} :doc:`More <{path}>`.\n\n"
        described = (
            (
                f"`{group.title} <{path}.html#{group.anchor}>`__",
                f"{group.purpose}\n\n      {', '.join(link(public) for public in group.names)}",
            )
            for group in groups(folder)
        )
        page += definitions(described, "groups")
    return page + "\n" + hidden_toctree([*(f"gankit.{folder}" for folder in folders), "roles", "papers"])


def papers_page(names: list[PublicName]) -> str:
    """Return the page of all papers that docstrings cite, each with the names that come from it."""
    links = {name.path: link(name) for name in names}
    entries = []
    for paper in cited_papers((name.path, inspect.getdoc(name.load()) or "") for name in names):
        cited_by = ", ".join(links[name] for name in paper.names)
        entries.append((f"{paper.by} {paper.year}", f"{paper.title} ({paper.address})\n\n      {cited_by}"))
    head = "\nThe papers that the names come from, in the order of their years.\n\n"
    return title("Papers") + head + definitions(entries, "groups")


def split_note(expression: str, text: str) -> tuple[str, str]:
    """Split ``Annotated[type, "note"]`` into the type and a text; the note is used if `text` is empty."""
    node = ast.parse(expression, mode="eval").body
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and ast.unparse(node.value) == "Annotated":
        base, note = node.slice.elts
        return ast.unparse(base), text or f"{ast.literal_eval(note)}."
    return expression, text


def roles_page() -> str:
    """Return the page of the names that signatures use for tensors."""
    page = title("Roles of tensors") + (
        "\nSignatures name the role of a tensor. All of these are plain :py:class:`torch.Tensor`; "
        "the name only documents what is expected.\n\n"
    )
    for name, (expression, text) in documented_assignments(assigned_in("Scores", "_core")).items():
        page += alias_entry(name, *split_note(expression, text))
    page += "Some arguments may also contain several tensors.\n\n"
    for name, folder in FORMS.items():
        page += alias_entry(name, *documented_assignments(assigned_in(name, folder))[name])
    return page


def generate(target: Path = GENERATED) -> list[PublicName]:
    """Write all source pages again and return the public names."""
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    folders = public_folders(PACKAGE)
    everything = [name for folder in folders for name in public_names(folder)]
    pages = {f"gankit.{folder}": folder_page(folder) for folder in folders}
    pages |= {name.path: name_page(name) for name in everything}
    pages |= {"roles": roles_page(), "papers": papers_page(everything), "index": index_page(folders)}
    for name, text in pages.items():
        (target / f"{name}.rst").write_text(text, encoding="utf-8")
    return everything


if __name__ == "__main__":
    print(f"{len(generate())} public names")
